// The page: files, editor, panels, and what is known of the session, each in its pane.

import { type KeyboardEvent as KeyPress, useEffect } from "react";
import { OutputPanel, ProblemsPanel } from "../compute/output";
import { History, Variables } from "../compute/panels";
import { EditorPane } from "../editor/pane";
import { Figures } from "../figures/panel";
import { SqlPanel } from "../sql/panel";
import { useStore } from "../store";
import { TreePane } from "../tree/pane";
import type { PanelName, Workbench } from "../workbench";
import { Bar } from "./bar";
import { Split } from "./split";

const PANELS: { name: PanelName; label: string }[] = [
  { name: "output", label: "Output" },
  { name: "problems", label: "Problems" },
  { name: "sql", label: "SQL" },
  { name: "history", label: "History" },
];

const PARTS = [
  { name: "files", label: "Files" },
  { name: "editor", label: "Editor" },
  { name: "panels", label: "Results" },
] as const;

export function App({ workbench }: { workbench: Workbench }) {
  const { part } = useStore(workbench.view);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey)) return;
      if (event.key === "Enter") void workbench.run();
      else if (event.key === ".") workbench.stop();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [workbench]);
  return (
    <div className="workbench" data-part={part}>
      <Bar workbench={workbench} />
      <nav className="parts" aria-label="Parts of the page">
        {PARTS.map(({ name, label }) => (
          <button
            key={name}
            type="button"
            className="quiet small"
            aria-pressed={part === name}
            onClick={() => workbench.view.set({ part: name })}
          >
            {label}
          </button>
        ))}
      </nav>
      <main className="panes">
        <TreePane workbench={workbench} />
        <Split name="--tree" label="Width of files" side="left" first={248} min={140} max={560} />
        <EditorPane editor={workbench.editor} />
        <Split
          name="--side"
          label="Width of variables"
          side="right"
          first={272}
          min={160}
          max={640}
        />
        <aside className="side" aria-label="Session">
          <Variables compute={workbench.compute} />
          <Figures compute={workbench.compute} />
        </aside>
        <Split name="--low" label="Height of panels" side="bottom" first={280} min={96} max={900} />
        <Panels workbench={workbench} />
      </main>
    </div>
  );
}

function Panels({ workbench }: { workbench: Workbench }) {
  const { panel } = useStore(workbench.view);
  const { problems } = useStore(workbench.compute.store);
  const onKeyDown = (event: KeyPress<HTMLDivElement>) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const at = PANELS.findIndex(({ name }) => name === panel) + step + PANELS.length;
    const next = at % PANELS.length;
    workbench.show(PANELS[next]!.name);
    event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
    event.preventDefault();
  };
  return (
    <section className="panels" aria-label="Results">
      <div className="tabs" role="tablist" aria-label="Results" onKeyDown={onKeyDown}>
        {PANELS.map(({ name, label }) => (
          <button
            key={name}
            type="button"
            role="tab"
            className="plain tab"
            aria-selected={panel === name}
            tabIndex={panel === name ? 0 : -1}
            onClick={() => workbench.show(name)}
          >
            {label}
            {name === "problems" && problems.length > 0 && (
              <span className="chip chip-bad">{problems.length}</span>
            )}
          </button>
        ))}
      </div>
      {panel === "output" && <OutputPanel compute={workbench.compute} />}
      {panel === "problems" && <ProblemsPanel workbench={workbench} />}
      {panel === "sql" && <SqlPanel workbench={workbench} />}
      {panel === "history" && <History compute={workbench.compute} />}
    </section>
  );
}
