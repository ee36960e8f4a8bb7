// The tabs, and the text of the one in front.

import type { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { size } from "../shell/words";
import { useStore } from "../store";
import { nameOf } from "../tree/tree";
import type { Editor, Tab } from "./editor";

export function EditorPane({ editor }: { editor: Editor }) {
  const { tabs, current } = useStore(editor.store);
  const tab = tabs.find((one) => one.key === current);
  if (!tab) {
    return (
      <section className="editor" aria-label="Editor">
        <p className="empty">Choose a file to see it here.</p>
      </section>
    );
  }
  return (
    <section className="editor" aria-label="Editor">
      <Tabs editor={editor} tabs={tabs} current={current} />
      <Problem editor={editor} tab={tab} />
      {tab.kind === "text" ? <Text editor={editor} tab={tab} /> : <Untext tab={tab} />}
    </section>
  );
}

function Tabs({ editor, tabs, current }: { editor: Editor; tabs: Tab[]; current: string }) {
  const close = (tab: Tab) => {
    const sure = !tab.isDirty || window.confirm(`Close ${nameOf(tab.path)} without saving it?`);
    if (sure) editor.close(tab.key);
  };
  return (
    <div className="tabs" role="toolbar" aria-label="Open files">
      {tabs.map((tab) => (
        <span key={tab.key} className="tab" data-current={tab.key === current || undefined}>
          <button
            type="button"
            className="plain"
            aria-pressed={tab.key === current}
            title={tab.path}
            onClick={() => editor.select(tab.key)}
          >
            {nameOf(tab.path)}
            {tab.isReadOnly && <span className="chip">read-only</span>}
            {tab.isDirty && <span className="dot" role="img" aria-label="not saved" />}
          </button>
          <button
            type="button"
            className="plain close"
            aria-label={`Close ${nameOf(tab.path)}`}
            onClick={() => close(tab)}
          >
            ×
          </button>
        </span>
      ))}
    </div>
  );
}

function Problem({ editor, tab }: { editor: Editor; tab: Tab }) {
  if (tab.problem === "") return null;
  return (
    <div className="said said-bad" role="alert">
      <span>{tab.problem}</span>
      {tab.isConflict && (
        <>
          <button type="button" className="quiet small" onClick={() => void editor.load(tab.key)}>
            Take theirs
          </button>
          <button
            type="button"
            className="danger small"
            onClick={() => void editor.save(tab.key, true)}
          >
            Save mine over it
          </button>
        </>
      )}
    </div>
  );
}

function Untext({ tab }: { tab: Tab }) {
  const words: Record<Exclude<Tab["kind"], "text">, string> = {
    loading: "Reading …",
    binary: `This file is not text (${size(tab.length)}).`,
    large: `This file has ${size(tab.length)}, which is more than the editor shows.`,
    failed: "This file cannot be shown.",
  };
  const isTable = /\.(csv|tsv|parquet)$/i.test(tab.path);
  return (
    <div className="empty">
      <p>{tab.kind === "text" ? "" : words[tab.kind]}</p>
      {isTable && (
        <p>
          Ask about it in the SQL panel: <code>select * from '{tab.path}' limit 100</code>
        </p>
      )}
    </div>
  );
}

function Text({ editor, tab }: { editor: Editor; tab: Tab }) {
  const place = useRef<HTMLDivElement>(null);
  // The text is made anew where another file comes to the front, or where this one was read again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time of the file says that it was read
  useEffect(() => {
    const state = editor.states.get(tab.key);
    if (!place.current || !state) return;
    const root = place.current.shadowRoot ?? place.current.attachShadow({ mode: "open" });
    let view: EditorView | undefined;
    let isOver = false;
    void editor.code().then(({ show }) => {
      // Another text may have come to the front meanwhile.
      if (isOver) return;
      view = show(state, root);
      editor.view = view;
      editor.takeJump();
    });
    return () => {
      isOver = true;
      if (!view) return;
      if (editor.states.get(tab.key) === state) editor.states.set(tab.key, view.state);
      editor.view = undefined;
      view.destroy();
    };
  }, [editor, tab.key, tab.kind, editor.states.get(tab.key)]);
  return <div className="text" ref={place} />;
}
