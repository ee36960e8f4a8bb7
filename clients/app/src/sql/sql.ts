// Queries over files of a workspace: one at a time, in a worker that starts with the first.

import wasm from "@duckdb/duckdb-wasm/dist/duckdb-eh.wasm?url";
import type { Files, TransportName } from "@oriel/fs-bindings";
import { createStore } from "../store";
import { blobsOf } from "./blobs";
import type { Asked, Column, From, Row, Told } from "./protocol";
import { answerShared, sharedMemory } from "./shared";

export interface SqlState {
  state: "none" | "starting" | "running" | "done" | "failed";
  columns: Column[];
  rows: Row[];
  error: string;
  ms: number;
  bytes: number;
  reads: number;
  isCut: boolean;
  version: string;
}

/** A query that does not stop by itself so soon ends with its worker. */
const CANCEL_MS = 2_000;

export class Sql {
  readonly store = createStore<SqlState>({
    state: "none",
    columns: [],
    rows: [],
    error: "",
    ms: 0,
    bytes: 0,
    reads: 0,
    isCut: false,
    version: "",
  });
  private worker: Worker | undefined;
  private memory: SharedArrayBuffer | undefined;
  private last = 0;
  private impatience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly files: Files,
    private readonly transport: TransportName,
  ) {}

  async run(workspace: string, text: string): Promise<void> {
    const { state } = this.store.get();
    if (state === "running" || state === "starting") return;
    this.last += 1;
    const empty = { columns: [], rows: [], error: "", ms: 0, bytes: 0, reads: 0, isCut: false };
    this.store.set({ ...empty, state: this.worker ? "running" : "starting" });
    try {
      const from = await this.from(workspace, text);
      this.worker ??= this.started();
      this.send({ type: "run", run: this.last, text, workspace, from });
    } catch (thrown) {
      this.fail(String((thrown as Error)?.message ?? thrown));
    }
  }

  /**
   * Shared memory is fastest, where the page may have it. Else the desktop's scheme answers a worker that
   * waits; a plain browser hands over what the query names, to be read by parts.
   */
  private async from(workspace: string, text: string): Promise<From> {
    if (globalThis.crossOriginIsolated) {
      this.memory ??= sharedMemory();
      return { type: "shared", memory: this.memory };
    }
    const isAlone = this.transport === "opfs" || this.transport === "memory";
    if (!isAlone) return { type: "scheme" };
    return { type: "blobs", blobs: await blobsOf(this.files, this.transport, workspace, text) };
  }

  private started(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.told(data);
    worker.onerror = (event) => this.broken(event.message || "the worker of queries did not start");
    worker.postMessage({
      type: "start",
      wasm: new URL(wasm, location.href).href,
    } satisfies Asked);
    return worker;
  }

  private told(told: Told): void {
    if ("run" in told && told.run !== this.last) return;
    switch (told.type) {
      case "ring":
        if (this.memory) void answerShared(this.memory, this.files.transport);
        return;
      case "ready":
        this.store.set({ version: told.version, state: "running" });
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
      case "failed":
        clearTimeout(this.impatience);
        this.fail(told.message);
    }
  }

  cancel(): void {
    if (!this.worker) return;
    this.send({ type: "cancel" });
    clearTimeout(this.impatience);
    this.impatience = setTimeout(() => {
      this.broken("The query was ended. Tables that were made in this page are gone with it.");
    }, CANCEL_MS);
  }

  private send(asked: Asked): void {
    this.worker?.postMessage(asked);
  }

  private fail(error: string): void {
    this.store.set({ state: "failed", error });
  }

  private broken(error: string): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.fail(error);
  }
}
