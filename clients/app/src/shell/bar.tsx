// The bar above: what can be run now, and where the files come from.

import type { TransportName } from "@oriel/fs-bindings";
import type { Compute } from "../compute/compute";
import type { EngineName } from "../compute/port";
import { useStore } from "../store";
import { nameOf } from "../tree/tree";
import type { Workbench } from "../workbench";

const WAYS: Record<TransportName, string> = {
  extension: "direct",
  invoke: "native commands",
  scheme: "requests",
  text: "text, for debugging",
  memory: "in memory",
  opfs: "this browser",
};

const ENGINES: Record<EngineName, string> = { direct: "direct attach", page: "in this page" };

function Engines({ compute }: { compute: Compute }) {
  const { engines, engine, state } = useStore(compute.store);
  if (engines.length < 2) return null;
  const isBusy = state === "running" || state === "waiting_for_input" || state === "starting";
  return (
    <label className="choice">
      Scripts run
      <select
        value={engine}
        disabled={isBusy}
        onChange={(event) => void compute.choose(event.target.value as EngineName)}
      >
        {engines.map((name) => (
          <option key={name} value={name}>
            {ENGINES[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Bar({ workbench }: { workbench: Workbench }) {
  const { tabs, current } = useStore(workbench.editor.store);
  const { state, isThere } = useStore(workbench.compute.store);
  const tab = tabs.find((one) => one.key === current);
  const isQuery = tab?.path.toLowerCase().endsWith(".sql") ?? false;
  const isScript = tab?.path.toLowerCase().endsWith(".m") ?? false;
  const canRun = tab?.kind === "text" && (isQuery || (isScript && isThere)) && state !== "running";
  const isBusy = state === "running" || state === "waiting_for_input" || state === "starting";
  return (
    <header className="bar">
      <h1 className="brand">Workbench</h1>
      <button type="button" disabled={!canRun} onClick={() => void workbench.run()}>
        Run{tab && canRun ? ` ${nameOf(tab.path)}` : ""}
      </button>
      {isBusy && (
        <button type="button" className="danger" onClick={() => void workbench.compute.stop()}>
          Stop
        </button>
      )}
      <button
        type="button"
        className="quiet"
        disabled={!tab?.isDirty}
        onClick={() => tab && void workbench.editor.save(tab.key)}
      >
        Save
      </button>
      <span className="grow" />
      <Engines compute={workbench.compute} />
      <span className="chip" title="How this page reaches its files">
        {WAYS[workbench.host.transport]}
      </span>
      {workbench.host.openSettings && (
        <button
          type="button"
          className="quiet small"
          onClick={() => void workbench.host.openSettings?.()}
        >
          Folders …
        </button>
      )}
    </header>
  );
}
