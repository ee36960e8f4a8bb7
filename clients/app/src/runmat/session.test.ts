// A session in the page says what `oriel-compute` says, and a stop ends what does not listen.

import { Files } from "@oriel/fs-bindings";
import { MemoryHost } from "@oriel/fs-bindings/memory";
import type { Event } from "@oriel/shared/compute";
import { expect, test, vi } from "vitest";
import type { InputAsked, Materialized, RunOutcome, Variable } from "./module";
import { InPage } from "./port";
import type { Asked, Told } from "./protocol";
import { Session } from "./session";

const OUTCOME: RunOutcome = {
  executionTimeMs: 1,
  stdout: [],
  displayEvents: [],
  workspace: { full: true, values: [], removals: [] },
  figuresTouched: [],
  warnings: [],
};

const X: Variable = {
  name: "x",
  className: "double",
  shape: [2, 3],
  sizeBytes: 48,
  preview: { values: [1, 2, 3, 4, 5, 6], truncated: false },
};

function session(run: () => Promise<RunOutcome> = async () => OUTCOME) {
  const events: Event[] = [];
  let ask: ((asked: InputAsked) => Promise<string>) | undefined;
  const engine = {
    version: "0.5.6",
    memoryBytes: 1,
    run: vi.fn(async (_: string, { onOutput }: { onOutput?: (entry: never) => void } = {}) => {
      onOutput?.({ stream: "stdout", text: "hi\n", timestampMs: 0 } as never);
      return run();
    }),
    variables: () => [X],
    value: vi.fn(
      async (): Promise<Materialized> => ({
        ...X,
        valueText: "",
        valueJson: { kind: "tensor", preview: [1, null, 3, 4] },
      }),
    ),
    scene: vi.fn(
      async (figure: number): Promise<unknown> =>
        figure === 1 ? { metadata: { title: "Wave" }, plots: [{}, {}] } : undefined,
    ),
    onInput: (given: typeof ask) => {
      ask = given;
    },
    reset: vi.fn(),
  };
  const made = new Session(
    engine,
    (event) => events.push(event),
    () => 10,
  );
  const types = () => events.map(({ type }) => type);
  const ended = () => vi.waitFor(() => expect(types()).toContain("run_ended"));
  return { made, engine, events, types, ended, input: (asked: InputAsked) => ask!(asked) };
}

const SCRIPT = {
  type: "run",
  source: { type: "text", name: "/a.m", text: "x = 1\nbad(1)\n" },
} as const;

test("a run is told from its beginning to its end, with what it left", async () => {
  const { made, types, events, ended } = session(async () => ({ ...OUTCOME, figuresTouched: [1] }));
  expect(await made.ask(SCRIPT)).toEqual({ type: "started", run: 1 });
  await Promise.resolve();
  expect(types(), "the answer is on its way before the script holds up the thread").toEqual([
    "ready",
  ]);
  await ended();
  const all = ["ready", "run_started", "output", "variables", "figures", "run_ended"];
  expect(types()).toEqual(all);
  expect(events[3]).toMatchObject({ variables: [{ name: "x", preview: "1 2 3 4 5 6" }], more: 0 });
  expect(events[4]).toMatchObject({ figures: [{ figure: 1, title: "Wave", plots: 2 }] });
});

test("a second run waits for the first, and so do questions about values", async () => {
  let finish: (outcome: RunOutcome) => void = () => {};
  const { made, ended, types } = session(() => new Promise((resolve) => (finish = resolve)));
  await made.ask(SCRIPT);
  expect(await made.ask(SCRIPT)).toMatchObject({ type: "failed", code: "busy" });
  expect(await made.ask({ type: "value", name: "x" })).toMatchObject({ code: "busy" });
  await vi.waitFor(() => expect(types()).toContain("output"));
  finish(OUTCOME);
  await ended();
  expect(await made.ask({ type: "history" })).toMatchObject({ runs: [{ name: "/a.m" }] });
});

test("a problem has its place and its line", async () => {
  const error = {
    kind: "runtime",
    message: "Undefined function: bad",
    identifier: "RunMat:Undefined",
    diagnostic: "",
    span: { start: 6, end: 12, line: 2, column: 1 },
    callstack: [],
  };
  const { made, events, ended } = session(async () => ({ ...OUTCOME, error }));
  await made.ask(SCRIPT);
  await ended();
  expect(events.at(-1)).toMatchObject({
    outcome: "failed",
    diagnostics: [{ file: "/a.m", line: "bad(1)", span: { startLine: 2, endColumn: 7 } }],
  });
});

test("a part of a value is within what there is, and says where it is cut", async () => {
  const { made, engine } = session();
  const value = await made.ask({ type: "value", name: "x", shape: [100, 2] });
  expect(engine.value).toHaveBeenCalledWith("x", [0, 0], [2, 2]);
  expect(value).toMatchObject({ shape: [2, 2], cells: [1, "NaN", 3, 4], isCut: true });
  expect(await made.ask({ type: "value", name: "y" })).toMatchObject({ type: "failed" });
  expect(await made.ask({ type: "figure", figure: 9 })).toMatchObject({ code: "not_found" });
});

test("a script that asks is answered once", async () => {
  const { made, input, events } = session();
  const line = input({ prompt: "name? ", kind: "line", echo: true });
  expect(events.at(-1)).toMatchObject({ type: "input_asked", question: 1, kind: "line" });
  expect(await made.ask({ type: "answer_input", question: 1, text: "Ada" })).toEqual({
    type: "done",
  });
  expect(await line).toBe("Ada");
  expect(await made.ask({ type: "answer_input", question: 1, text: "x" })).toMatchObject({
    code: "not_found",
  });
});

class FakeWorker {
  static all: FakeWorker[] = [];
  onmessage: ((event: { data: Told }) => void) | undefined;
  isEnded = false;
  asked: Asked[] = [];
  constructor() {
    FakeWorker.all.push(this);
  }
  postMessage(asked: Asked) {
    this.asked.push(asked);
    const limits = {};
    if (asked.type === "start") {
      queueMicrotask(() =>
        this.event({ type: "ready", protocol: 1, engine: "fake", limits, isConfined: true }),
      );
    }
  }
  event(event: Event) {
    this.onmessage?.({ data: { type: "event", event } });
  }
  terminate() {
    this.isEnded = true;
  }
}

test("a stop ends the worker, and the session goes on without its variables", async () => {
  const host = new MemoryHost();
  host.grant("w", "w");
  const files = new Files(host.transport(true));
  await files.workspace("w").replaceFile("a.m", new TextEncoder().encode("x = 1"));
  const events: Event[] = [];
  const worker = () => new FakeWorker() as unknown as Worker;
  const port = new InPage(files, { worker, folder: new URL("https://page.test/"), now: () => 5 });
  const name = await port.start("w", (event) => events.push(event));
  const answer = port.ask(name, { type: "run", source: { type: "file", path: "a.m" } });
  const [first] = FakeWorker.all;
  await vi.waitFor(() => expect(first?.asked.at(-1)).toMatchObject({ type: "ask" }));
  expect(first?.asked.at(-1)).toMatchObject({
    request: { source: { type: "text", name: "a.m", text: "x = 1" } },
  });
  first?.event({ type: "run_started", run: 1, name: "/a.m" });
  await port.interrupt(name);
  expect(first?.isEnded).toBe(true);
  expect(await answer).toMatchObject({ type: "failed", code: "ended" });
  await vi.waitFor(() => expect(events.at(-1)?.type).toBe("ready"));
  expect(events.map(({ type }) => type)).toEqual([
    "ready",
    "run_started",
    "run_ended",
    "variables",
    "figures",
    "ended",
    "ready",
  ]);
  first?.event({ type: "run_started", run: 2, name: "late" });
  expect(events.length).toBe(7);
  FakeWorker.all[1]?.onmessage?.({ data: { type: "broken", message: "no memory" } });
  expect(events.at(-1)).toMatchObject({ type: "ended", reason: "crashed", isRestarting: false });
  expect(await port.ask(name, { type: "status" })).toMatchObject({ code: "ended" });
});
