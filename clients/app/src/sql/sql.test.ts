// A query is told how far it is, can be ended, and the next one works.

import { Files } from "@oriel/fs-bindings";
import { MemoryHost } from "@oriel/fs-bindings/memory";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Asked, Told } from "./protocol";
import { GONE, Sql } from "./sql";

class FakeWorker {
  onmessage: ((event: { data: Told }) => void) | undefined;
  onerror: unknown;
  asked: Asked[] = [];
  isEnded = false;
  postMessage(asked: Asked) {
    this.asked.push(asked);
  }
  terminate() {
    this.isEnded = true;
  }
  tell(told: Told) {
    this.onmessage?.({ data: told });
  }
}

const workers: FakeWorker[] = [];

function sql(shares = false) {
  const files = new Files(new MemoryHost().transport(true));
  const worker = () => {
    workers.push(new FakeWorker());
    return workers.at(-1) as unknown as Worker;
  };
  return new Sql(files, "extension", { worker, shares: async () => shares, now: () => 1000 });
}

const fromOf = (worker: FakeWorker | undefined) => {
  const run = worker?.asked.find((asked) => asked.type === "run");
  return run?.type === "run" ? run.from.type : undefined;
};

beforeEach(() => {
  vi.useFakeTimers();
  workers.length = 0;
});

afterEach(() => void vi.useRealTimers());

test("files come through shared memory where that works, and by requests where it does not", async () => {
  await sql(true).run("w", "select 1");
  await sql(false).run("w", "select 1");
  expect(workers.map(fromOf)).toEqual(["shared", "scheme"]);
});

test("a query that stops when it is asked to keeps its worker", async () => {
  const asked = sql();
  await asked.run("w", "select 1");
  const [worker] = workers;
  worker?.tell({ type: "ready", version: "1" });
  worker?.tell({ type: "progress", run: 1, bytes: 7, reads: 2 });
  expect(asked.store.get()).toMatchObject({ state: "running", bytes: 7, reads: 2 });
  asked.cancel();
  expect(worker?.asked.at(-1)).toEqual({ type: "cancel" });
  worker?.tell({ type: "stopped", run: 1, ms: 5, bytes: 9, reads: 3 });
  expect(asked.store.get()).toMatchObject({ state: "stopped", ms: 5, bytes: 9 });
  vi.advanceTimersByTime(10_000);
  expect(worker?.isEnded).toBe(false);
  await asked.run("w", "select 2");
  expect(workers.length).toBe(1);
});

test("a query that does not stop is ended with its worker, and the next one has another", async () => {
  const asked = sql(true);
  await asked.run("w", "select 1");
  workers[0]?.tell({ type: "ready", version: "1" });
  asked.cancel();
  vi.advanceTimersByTime(10_000);
  expect(workers[0]?.isEnded).toBe(true);
  expect(asked.store.get()).toMatchObject({ state: "stopped", error: GONE });
  await asked.run("w", "select 2");
  workers[0]?.tell({ type: "rows", run: 1, rows: [["late"]] });
  expect([workers.length, asked.store.get().rows]).toEqual([2, []]);
  const memory = workers.map((worker) => {
    const run = worker.asked.find((one) => one.type === "run");
    return run?.type === "run" && run.from.type === "shared" && run.from.files.memory;
  });
  expect(memory[0]).not.toBe(memory[1]);
});

test("an engine that broke says so and is replaced", async () => {
  const asked = sql();
  await asked.run("w", "select 1");
  workers[0]?.tell({ type: "broken", message: "The engine broke: out of memory" });
  expect(asked.store.get()).toMatchObject({
    state: "failed",
    error: "The engine broke: out of memory",
  });
  await asked.run("w", "select 2");
  expect(workers.length).toBe(2);
});
