// The tree, for pointer and keyboard, with what can be done to a file.

import { asFileError } from "@oriel/fs-bindings";
import { type KeyboardEvent, useRef, useState } from "react";
import { Lines } from "../shell/window";
import { useStore } from "../store";
import type { Workbench } from "../workbench";
import { Ask, type Question } from "./ask";
import { TreeRow } from "./row";
import { parentOf, type Row, rowsOf } from "./tree";

export const ROW_HEIGHT = 26;

export function TreePane({ workbench }: { workbench: Workbench }) {
  const { tree, host } = workbench;
  const state = useStore(tree.store);
  const [question, setQuestion] = useState<Question>();
  const place = useRef<HTMLElement>(null);
  const rows = rowsOf(state);
  const at = rows.findIndex((row) => row.key === state.selected);
  const selected = rows[at] ?? rows[0];
  const opened = (row: Row) => {
    if (row.note !== undefined) return;
    if (row.kind === "folder" || row.kind === "workspace") {
      if (row.isOpen) tree.close(row.workspace.id, row.path);
      else void tree.open(row.workspace.id, row.path);
      return;
    }
    void workbench.editor.open(row.workspace.id, row.path);
    workbench.view.set({ part: "editor" });
  };
  const ask = (kind: Question["kind"], row: Row | undefined) => {
    if (!row || row.workspace.access === "read") return;
    if ((kind === "rename" || kind === "remove") && row.kind === "workspace") return;
    const isFolder = row.kind === "folder" || row.kind === "workspace";
    const folder = isFolder ? row.path : parentOf(row.path);
    setQuestion({ kind, row, folder });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = (to: number) => {
      const row = rows[Math.min(Math.max(0, to), rows.length - 1)];
      if (row) tree.store.set({ selected: row.key });
    };
    const isFolder = selected && (selected.kind === "folder" || selected.kind === "workspace");
    const here = Math.max(0, at);
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(here + 1),
      ArrowUp: () => move(here - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      Enter: () => selected && opened(selected),
      " ": () => selected && opened(selected),
      ArrowRight: () => {
        if (isFolder && !selected.isOpen) opened(selected);
        else move(here + 1);
      },
      ArrowLeft: () => {
        if (isFolder && selected.isOpen) opened(selected);
        else if (selected)
          move(rows.findLastIndex((row, i) => i < here && row.depth < selected.depth));
      },
      F2: () => ask("rename", selected),
      Delete: () => ask("remove", selected),
    };
    const act = keys[event.key];
    if (!act || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    act();
  };
  const canWrite = selected?.workspace.access === "read_write";
  return (
    <section className="files" aria-label="Files" ref={place}>
      <div className="tools" role="toolbar" aria-label="Files">
        {host.grant && <Grant workbench={workbench} />}
        <button
          type="button"
          className="quiet small"
          disabled={!canWrite}
          onClick={() => ask("file", selected)}
        >
          New file
        </button>
        <button
          type="button"
          className="quiet small"
          disabled={!canWrite}
          onClick={() => ask("folder", selected)}
        >
          New folder
        </button>
      </div>
      {state.error && (
        <p className="said said-bad" role="alert">
          {state.error}{" "}
          <button type="button" className="quiet small" onClick={() => void tree.load()}>
            Try again
          </button>
        </p>
      )}
      {state.isLoading && <p className="empty">Looking for folders …</p>}
      {!state.isLoading && rows.length === 0 && (
        <p className="empty">No folder is open. Grant one, and its files are here.</p>
      )}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noStaticElementInteractions: the tree in it has the role
        <div className="tree-keys" onKeyDown={onKeyDown}>
          <Lines
            className="tree"
            role="tree"
            label="Files"
            count={rows.length}
            rowHeight={ROW_HEIGHT}
            reveal={at}
            row={(index) => (
              <TreeRow
                key={rows[index]!.key}
                row={rows[index]!}
                isSelected={rows[index] === selected}
                hasMenu={rows[index]!.workspace.access === "read_write"}
                onOpen={(row) => {
                  tree.store.set({ selected: row.key });
                  opened(row);
                }}
                onAsk={ask}
              />
            )}
          />
        </div>
      )}
      {!host.grant && (
        <p className="note">
          These files are kept in this browser. The desktop opens folders of your computer and runs
          scripts.
        </p>
      )}
      {question && (
        <Ask
          question={question}
          onDone={() => setQuestion(undefined)}
          act={(name, forGood) => done(workbench, question, name, forGood)}
        />
      )}
    </section>
  );
}

function Grant({ workbench: { tree } }: { workbench: Workbench }) {
  return (
    <>
      <button type="button" className="small" onClick={() => void tree.grant("read_write")}>
        Open folder …
      </button>
      <button type="button" className="quiet small" onClick={() => void tree.grant("read")}>
        Open to read …
      </button>
    </>
  );
}

/** Does what was asked; returns why it could not be done. */
async function done(
  { tree }: Workbench,
  { kind, row, folder }: Question,
  name: string,
  forGood: boolean,
) {
  const { id } = row.workspace;
  try {
    if (kind === "file") await tree.makeFile(id, folder, name);
    else if (kind === "folder") await tree.makeFolder(id, folder, name);
    else if (kind === "rename") await tree.rename(id, row.path, name);
    else await tree.remove(id, row.path, forGood);
    return undefined;
  } catch (thrown) {
    return asFileError(thrown);
  }
}
