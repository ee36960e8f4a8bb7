// What a session has: variables, and what was run.

import type { Cell, Value } from "@oriel/shared/compute";
import { useEffect } from "react";
import { duration, size } from "../shell/words";
import { useStore } from "../store";
import type { Compute } from "./compute";

export function Variables({ compute }: { compute: Compute }) {
  const { variables, more, value, state } = useStore(compute.store);
  return (
    <section className="variables" aria-label="Variables">
      <h2>
        Variables
        {variables.length > 0 && (
          <button
            type="button"
            className="quiet small"
            disabled={state !== "idle"}
            onClick={() => void compute.reset()}
          >
            Forget all
          </button>
        )}
      </h2>
      {variables.length === 0 && <p className="empty">What a script leaves is here.</p>}
      <ul>
        {variables.map((variable) => (
          <li key={variable.name}>
            <button
              type="button"
              className="plain variable"
              disabled={state !== "idle"}
              onClick={() => void compute.look(variable.name)}
            >
              <strong>{variable.name}</strong>
              <span className="note">
                {variable.shape.join("×")} {variable.class}
                {variable.bytes !== undefined && `, ${size(variable.bytes)}`}
              </span>
              <code>{variable.preview}</code>
            </button>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="note">and {more} more</p>}
      {value && <Cells value={value} close={() => compute.store.set({ value: undefined })} />}
    </section>
  );
}

function Cells({ value, close }: { value: Value; close: () => void }) {
  const [rows = 1, columns = 1] = value.shape;
  const cell = (row: number, column: number): Cell | undefined => value.cells[column * rows + row];
  const first = value.start[0] ?? 0;
  return (
    <section className="cells" aria-label={`Value of ${value.variable.name}`}>
      <h3>
        {value.variable.name}
        <button type="button" className="plain close" aria-label="Close" onClick={close}>
          ×
        </button>
      </h3>
      <div className="scroll">
        <table>
          <tbody>
            {Array.from({ length: Math.min(rows, 100) }, (_, row) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its number
              <tr key={row}>
                <th scope="row">{first + row + 1}</th>
                {Array.from({ length: Math.min(columns, 20) }, (_, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a column is its number
                  <td key={column} className="num">
                    {String(cell(row, column) ?? "")}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {value.isCut && <p className="note">Only a part is shown.</p>}
    </section>
  );
}

export function History({ compute }: { compute: Compute }) {
  const { history, run, state } = useStore(compute.store);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each run that ends changes the history
  useEffect(() => {
    void compute.loadHistory();
  }, [compute, run, state]);
  return (
    <div className="panel" role="tabpanel" aria-label="History">
      {history.length === 0 && <p className="empty">What was run is here.</p>}
      <ul className="problems">
        {history.toReversed().map((entry) => (
          <li key={entry.run}>
            <strong>{entry.name}</strong>{" "}
            <span className="chip">{entry.outcome.replace("_", " ")}</span>{" "}
            <span className="note">
              {duration(entry.tookMs)}, {new Date(entry.startedMs).toLocaleTimeString()}
            </span>
            <pre className="line">{entry.text.slice(0, 500)}</pre>
          </li>
        ))}
      </ul>
    </div>
  );
}
