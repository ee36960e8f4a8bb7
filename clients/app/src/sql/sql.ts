// Queries over files of a workspace: one at a time, in a worker that starts with the first.

import wasm from "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm?url";
import type { Files, TransportName } from "@oriel/fs-bindings";
import { Served } from "../shared/serve";
import { sharingWorks } from "../shared/works";
import { createStore } from "../store";
import { blobsOf } from "./blobs";
import type { Asked, Column, From, Row, Told } from "./protocol";

export interface SqlState {
  state: "none" | "starting" | "running" | "done" | "stopped" | "failed";
  columns: Column[];
  rows: Row[];
  error: string;
  /** When the query began, by the page's clock. */
  began: number;
  ms: number;
  bytes: number;
  reads: number;
  isCut: boolean;
  version: string;
}

/** A query that does not stop by itself so soon ends with its worker. */
const CANCEL_MS = 2_000;

export const GONE = "Tables that were made in this page are gone with it.";

/** What starts the worker, and says whether memory can be shared with it; a test has others. */
export interface Means {
  worker: () => Worker;
  shares: () => Promise<boolean>;
  now: () => number;
}

const MEANS: Means = {
  // The bundler finds the worker only where its address is written out like this.
  worker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  shares: sharingWorks,
  now: () => performance.now(),
};

export class Sql {
  readonly store = createStore<SqlState>({
    state: "none",
    columns: [],
    rows: [],
    error: "",
    began: 0,
    ms: 0,
    bytes: 0,
    reads: 0,
    isCut: false,
    version: "",
  });
  private worker: Worker | undefined;
  private served: Served | undefined;
  private last = 0;
  private impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly files: Files,
    private readonly transport: TransportName,
    private readonly means: Means = MEANS,
  ) {}

  async run(workspace: string, text: string): Promise<void> {
    const { state } = this.store.get();
    if (state === "running" || state === "starting") return;
    this.last += 1;
    const run = this.last;
    const empty = { columns: [], rows: [], error: "", ms: 0, bytes: 0, reads: 0, isCut: false };
    const began = this.means.now();
    this.store.set({ ...empty, began, state: this.worker ? "running" : "starting" });
    try {
      const from = await this.from(workspace, text);
      if (run !== this.last) return;
      this.worker ??= this.started();
      this.send({ type: "run", run, text, workspace, from });
    } catch (thrown) {
      this.fail(String((thrown as Error)?.message ?? thrown));
    }
  }

  /**
   * Shared memory is fastest, where the page may have it. Else the desktop's scheme answers a worker that
   * waits; a plain browser hands over what the query names, to be read by parts.
   */
  private async from(workspace: string, text: string): Promise<From> {
    if (this.transport !== "memory" && (await this.means.shares())) {
      this.served ??= new Served(this.files.transport);
      return { type: "shared", files: this.served.files };
    }
    const isAlone = this.transport === "opfs" || this.transport === "memory";
    if (!isAlone) return { type: "scheme" };
    return { type: "blobs", blobs: await blobsOf(this.files, this.transport, workspace, text) };
  }

  private started(): Worker {
    const worker = this.means.worker();
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.told(data);
    worker.onerror = (event) => this.broken(event.message || "the worker of queries did not start");
    worker.postMessage({ type: "start", wasm } satisfies Asked);
    return worker;
  }

  private told(told: Told): void {
    if ("run" in told && told.run !== this.last) return;
    switch (told.type) {
      case "ring":
        this.served?.answer(told);
        return;
      case "ready":
        this.store.set({ version: told.version, state: "running" });
        return;
      case "progress":
        this.store.set({ bytes: told.bytes, reads: told.reads });
        return;
      case "broken":
        this.broken(told.message);
        return;
      case "columns":
        this.store.set({ columns: told.columns });
        return;
      case "rows":
        this.store.set(({ rows }) => ({ rows: [...rows, ...told.rows] }));
        return;
      case "done": {
        clearTimeout(this.impatience);
        const { ms, bytes, reads, isCut } = told;
        this.store.set({ state: "done", ms, bytes, reads, isCut });
        return;
      }
      case "stopped": {
        clearTimeout(this.impatience);
        const { ms, bytes, reads } = told;
        this.store.set({ state: "stopped", ms, bytes, reads });
        return;
      }
      case "failed":
        clearTimeout(this.impatience);
        this.fail(told.message);
    }
  }

  /** Ends the query: by asking, and where that does not help soon, with its worker. */
  cancel(): void {
    const { state } = this.store.get();
    if (state !== "running" && state !== "starting") return;
    if (!this.worker || state === "starting") {
      this.end();
      return;
    }
    this.send({ type: "cancel" });
    clearTimeout(this.impatience);
    this.impatience = setTimeout(() => this.end(GONE), CANCEL_MS);
  }

  private end(error = ""): void {
    this.drop();
    this.last += 1;
    const ms = this.means.now() - this.store.get().began;
    this.store.set({ state: "stopped", ms, error });
  }

  private send(asked: Asked): void {
    this.worker?.postMessage(asked);
  }

  private fail(error: string): void {
    this.store.set({ state: "failed", error });
  }

  private broken(error: string): void {
    this.drop();
    this.fail(error);
  }

  /** The next query has a new worker, in memory of its own: an answer to the old one may still come. */
  private drop(): void {
    clearTimeout(this.impatience);
    this.worker?.terminate();
    this.worker = undefined;
    this.served?.end();
    this.served = undefined;
  }
}
