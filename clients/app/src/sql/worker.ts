// The worker of queries: the engine, which waits for its files, so that the page never does.

import {
  createDuckDB,
  type DuckDBBindings,
  type DuckDBConnection,
  VoidLogger,
} from "@duckdb/duckdb-wasm/blocking";
import { type RecordBatch, tableFromIPC } from "apache-arrow";
import { sharedTransport } from "../shared/memory";
import { cell, isNumber } from "./cells";
import { type Asked, type From, ROWS_MAX, type Row, type Told } from "./protocol";
import { Surroundings } from "./runtime";
import type { Source, Tally } from "./source";
import { BlobSource, HostSource, schemeNow } from "./sources";

const surroundings = new Surroundings();
let engine: Promise<{ bindings: DuckDBBindings; connection: DuckDBConnection }> | undefined;
let isCancelled = false;

/** How far a query has come is told so often. */
const PROGRESS_MS = 500;

/** A query was given up; it is no failure. */
class Stopped extends Error {}

const tell = (told: Told) => self.postMessage(told);

async function start(wasm: string) {
  const bundle = { mainModule: wasm, mainWorker: "" };
  const runtime = surroundings.runtime();
  const bindings = await createDuckDB({ mvp: bundle, eh: bundle }, new VoidLogger(), runtime);
  await bindings.instantiate(() => {});
  bindings.open({ query: { castBigIntToDouble: false } });
  const connection = bindings.connect();
  // What is not built in is nowhere: the page fetches nothing from anywhere else.
  connection.query("SET autoinstall_known_extensions=false; SET autoload_known_extensions=false");
  tell({ type: "ready", version: bindings.getVersion() });
  return { bindings, connection };
}

function sourceOf(from: From, workspace: string): Source {
  if (from.type === "blobs") return new BlobSource(from.blobs);
  if (from.type === "scheme") return new HostSource(schemeNow(), workspace);
  return new HostSource(sharedTransport(from.files, tell), workspace);
}

/** Lets a wish to cancel come in. */
const turn = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });

async function run({ run, text, workspace, from }: Extract<Asked, { type: "run" }>) {
  const { bindings, connection } = (await engine) ?? {};
  if (!bindings || !connection) throw new Error("the engine did not start");
  surroundings.source = sourceOf(from, workspace);
  isCancelled = false;
  // The engine would keep pages of files that may have changed since the last query.
  bindings.flushFiles();
  bindings.dropFiles();
  const began = performance.now();
  const tally = tallyOf(run, began);
  surroundings.tally = tally;
  try {
    await ask(bindings, connection, run, text, began);
  } catch (thrown) {
    surroundings.closeAll();
    if (!(thrown instanceof Stopped)) throw thrown;
    const { bytes, reads } = tally;
    tell({ type: "stopped", run, ms: performance.now() - began, bytes, reads });
  }
}

/** Counts what a query reads, and tells of it while it runs. */
function tallyOf(run: number, began: number): Tally {
  let told = began;
  const tally: Tally = {
    bytes: 0,
    reads: 0,
    onRead: () => {
      const now = performance.now();
      if (now - told < PROGRESS_MS) return;
      told = now;
      tell({ type: "progress", run, bytes: tally.bytes, reads: tally.reads });
    },
  };
  return tally;
}

async function ask(
  bindings: DuckDBBindings,
  connection: DuckDBConnection,
  run: number,
  text: string,
  began: number,
) {
  // biome-ignore lint/correctness/useHookAtTopLevel: this is no hook of React's
  const id = connection.useUnsafe((_, conn) => conn);
  let header = bindings.startPendingQuery(id, text);
  while (header === null) {
    await turn();
    if (isCancelled) {
      bindings.cancelPendingQuery(id);
      throw new Stopped();
    }
    header = bindings.pollPendingQuery(id);
  }
  const { fields } = tableFromIPC(header.slice()).schema;
  tell({
    type: "columns",
    run,
    columns: fields.map((field) => ({
      name: field.name,
      type: String(field.type),
      isNumber: isNumber(field),
    })),
  });
  let count = 0;
  for (;;) {
    const chunk = bindings.fetchQueryResults(id);
    if (!chunk || chunk.byteLength === 0) break;
    for (const batch of tableFromIPC([header, chunk.slice()]).batches) {
      const rows = rowsOf(batch, ROWS_MAX - count);
      if (rows.length > 0) tell({ type: "rows", run, rows });
      count += batch.numRows;
    }
    if (count > ROWS_MAX) break;
    await turn();
    if (isCancelled) throw new Stopped();
  }
  const { bytes, reads } = surroundings.tally;
  const isCut = count > ROWS_MAX;
  const ms = performance.now() - began;
  tell({ type: "done", run, ms, rows: Math.min(count, ROWS_MAX), isCut, bytes, reads });
}

function rowsOf(batch: RecordBatch, max: number): Row[] {
  const { fields } = batch.schema;
  const columns = fields.map((field, at) => ({ field, values: batch.getChildAt(at) }));
  const length = Math.max(0, Math.min(batch.numRows, max));
  return Array.from({ length }, (_, row) =>
    columns.map(({ field, values }) => cell(values?.get(row), field)),
  );
}

const words = (thrown: unknown) => String((thrown as { message?: string })?.message ?? thrown);

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  if (data.type === "start") {
    engine = start(new URL(data.wasm, self.location.href).href);
    engine.catch((thrown) => tell({ type: "broken", message: words(thrown) }));
  } else if (data.type === "cancel") {
    isCancelled = true;
  } else {
    run(data).catch((thrown) => {
      // An engine that broke within itself answers nothing any more.
      if (thrown instanceof WebAssembly.RuntimeError) {
        tell({ type: "broken", message: `The engine broke: ${words(thrown)}` });
      } else tell({ type: "failed", run: data.run, message: words(thrown) });
    });
  }
};
