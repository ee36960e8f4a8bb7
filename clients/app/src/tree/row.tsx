// A line of the tree.

import { size } from "../shell/words";
import type { Question } from "./ask";
import type { Row } from "./tree";

interface Wanted {
  row: Row;
  isSelected: boolean;
  hasMenu: boolean;
  onOpen: (row: Row) => void;
  onAsk: (kind: Question["kind"], row: Row) => void;
}

const MARKS: Record<Row["kind"], string> = {
  workspace: "",
  folder: "",
  file: "",
  link: "→",
  other: "",
};

export function TreeRow({ row, isSelected, hasMenu, onOpen, onAsk }: Wanted) {
  const isFolder = row.kind === "folder" || row.kind === "workspace";
  const { problem, access } = row.workspace;
  if (row.note !== undefined) {
    return (
      <p className="row note" data-depth={Math.min(row.depth, 12)}>
        {row.note}
      </p>
    );
  }
  return (
    <div
      className="row"
      role="treeitem"
      tabIndex={isSelected ? 0 : -1}
      aria-selected={isSelected}
      aria-level={row.depth + 1}
      aria-expanded={isFolder ? row.isOpen : undefined}
      data-depth={Math.min(row.depth, 12)}
      ref={(element) => {
        // The keyboard goes on from the line that was chosen.
        const tree = element?.closest("[role=tree]");
        if (isSelected && tree?.contains(document.activeElement)) element?.focus();
      }}
      onClick={() => onOpen(row)}
      onKeyDown={() => {}}
    >
      <span className="twist" aria-hidden="true">
        {isFolder ? (row.isOpen ? "▾" : "▸") : MARKS[row.kind]}
      </span>
      <span className="name" title={row.kind === "workspace" ? row.workspace.path : row.path}>
        {row.name}
      </span>
      {row.kind === "workspace" && access === "read" && <span className="chip">read-only</span>}
      {row.kind === "workspace" && problem && (
        <span className="chip chip-bad" title={problem.message}>
          not there
        </span>
      )}
      {row.kind === "file" && <span className="size">{size(row.length)}</span>}
      {hasMenu && row.kind !== "workspace" && (
        // biome-ignore lint/a11y/noStaticElementInteractions: what is in it are buttons
        // biome-ignore lint/a11y/useKeyWithClickEvents: what is in it are buttons
        <span className="does" onClick={(event) => event.stopPropagation()}>
          <button
            type="button"
            className="plain"
            tabIndex={-1}
            aria-label={`Rename ${row.name}`}
            title="Rename (F2)"
            onClick={() => onAsk("rename", row)}
          >
            ✎
          </button>
          <button
            type="button"
            className="plain"
            tabIndex={-1}
            aria-label={`Move ${row.name} to the trash`}
            title="Move to the trash (Delete)"
            onClick={() => onAsk("remove", row)}
          >
            ×
          </button>
        </span>
      )}
    </div>
  );
}
