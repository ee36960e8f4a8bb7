// Where a table is asked: the question, how it went, and the rows.

import { useEffect, useState } from "react";
import { Lines } from "../shell/window";
import { count, duration, size } from "../shell/words";
import { useStore } from "../store";
import type { Workbench } from "../workbench";
import type { SqlState } from "./sql";

const EXAMPLE = "select * from 'data.csv' limit 100";

export function SqlPanel({ workbench }: { workbench: Workbench }) {
  const { sql, tree, editor } = workbench;
  const state = useStore(sql.store);
  const { workspaces } = useStore(tree.store);
  const [text, setText] = useState("");
  const workspace = editor.current()?.workspace ?? workspaces[0]?.id;
  const isBusy = state.state === "running" || state.state === "starting";
  const run = () => {
    if (workspace && text.trim() !== "") void sql.run(workspace, text);
  };
  return (
    <div className="panel sql" role="tabpanel" aria-label="SQL">
      <form
        className="question"
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <textarea
          aria-label="Query over CSV and Parquet files"
          placeholder={EXAMPLE}
          spellCheck={false}
          rows={2}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (!(event.ctrlKey || event.metaKey) || event.key !== "Enter") return;
            event.preventDefault();
            event.stopPropagation();
            run();
          }}
        />
        <button type="submit" className="small" disabled={isBusy || !workspace}>
          Ask
        </button>
        {isBusy && (
          <button type="button" className="danger small" onClick={() => sql.cancel()}>
            Stop
          </button>
        )}
      </form>
      <Told state={state} />
      {state.columns.length > 0 && <Grid state={state} />}
    </div>
  );
}

function Told({ state }: { state: SqlState }) {
  if (state.state === "failed") {
    return (
      <pre className="said said-bad" role="alert">
        {state.error}
      </pre>
    );
  }
  const read = `${size(state.bytes)} read in ${count(state.reads)} parts`;
  const rows = `${count(state.rows.length)} rows in ${duration(state.ms)}, ${read}`;
  const words = {
    none: "Files of the folder are tables: CSV and Parquet, one or many by a star.",
    starting: "Starting the engine …",
    running: "Asking …",
    done: state.isCut ? `The first ${rows}. There are more; narrow the query to see others.` : rows,
    stopped: `Stopped after ${duration(state.ms)}, ${read}. ${state.error}`,
  };
  return (
    <p className="note">
      {/* How far it has come is not read out: it changes all the time. */}
      <span role="status">{words[state.state]}</span>
      {state.state === "running" && <Going state={state} />}
    </p>
  );
}

/** How often the time of a query is shown anew. */
const TICK_MS = 500;

function Going({ state: { began, bytes } }: { state: SqlState }) {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const tick = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(tick);
  }, []);
  return (
    <span className="num">
      {" "}
      {duration(Math.max(0, now - began))}, {size(bytes)} read
    </span>
  );
}

function Grid({ state: { columns, rows } }: { state: SqlState }) {
  const grid = { gridTemplateColumns: `4rem repeat(${columns.length}, minmax(7rem, 1fr))` };
  const head = (
    <div className="grid-row grid-head" style={grid} role="row">
      <span />
      {columns.map((column, at) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name
          key={at}
          role="columnheader"
          title={column.type}
          className={column.isNumber ? "num" : ""}
        >
          {column.name}
        </span>
      ))}
    </div>
  );
  return (
    <Lines
      className="grid-rows"
      role="table"
      label="Rows"
      count={rows.length}
      rowHeight={24}
      head={head}
      row={(index) => (
        <div key={index} className="grid-row" style={grid} role="row">
          <span className="note num">{index + 1}</span>
          {rows[index]!.map((value, at) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
              key={at}
              role="cell"
              title={value ?? undefined}
              className={value === null ? "note" : columns[at]?.isNumber ? "num" : ""}
            >
              {value ?? "null"}
            </span>
          ))}
        </div>
      )}
    />
  );
}
