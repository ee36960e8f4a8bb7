import { describe, expect, test, vi } from "vitest";
import {
  findModule,
  type OutputEntry,
  type RunMatModule,
  type RunOutcome,
  type ScriptFiles,
} from "./module";
import { RunMat } from "./runmat";

const FOLDER = new URL("https://page.test/runmat/");
const LIST = { form: 1, runmat: "0.5.6", compiler: "rustc", files: {} };

const OUTCOME: RunOutcome = {
  executionTimeMs: 1,
  stdout: [],
  displayEvents: [],
  workspace: { full: true, values: [], removals: [] },
  figuresTouched: [],
  warnings: [],
};

/** A module whose scripts do what the test says. */
function fake(script: (print: (text: string) => void, files: ScriptFiles) => void) {
  const subscribers = new Map<number, (entry: OutputEntry) => void>();
  let attached: ScriptFiles | undefined;
  const session = {
    executeRequest: vi.fn(async () => {
      await Promise.resolve();
      const print = (text: string) => {
        for (const tell of subscribers.values()) tell({ stream: "stdout", text, timestampMs: 0 });
      };
      script(print, attached ?? { call: (message) => message });
      return OUTCOME;
    }),
    materializeVariable: vi.fn(),
    exportFigureScene: vi.fn(),
    setInputHandler: vi.fn(),
    workspaceSnapshot: vi.fn(() => ({ values: [] })),
    cancelExecution: vi.fn(),
    resetSession: vi.fn(),
    dispose: vi.fn(),
  };
  const module = {
    default: vi.fn(async () => ({ memory: new WebAssembly.Memory({ initial: 2 }) })),
    initRunMat: vi.fn(async () => session),
    takeCardAway: vi.fn(),
    resetPlotState: vi.fn(),
    attachFiles: vi.fn((files: ScriptFiles) => {
      attached = files;
    }),
    detachFiles: vi.fn(),
    flushFiles: vi.fn(),
    subscribeStdout: vi.fn((callback: (entry: OutputEntry) => void) => {
      subscribers.set(1, callback);
      return 1;
    }),
    unsubscribeStdout: vi.fn((id: number) => void subscribers.delete(id)),
  } satisfies RunMatModule;
  const load = () =>
    RunMat.load({ folder: FOLDER, find: async () => LIST, load: async () => module });
  return { module, session, subscribers, load };
}

describe("the module", () => {
  const answering = (body: string, status = 200) =>
    findModule(FOLDER, async () => new Response(body, { status }));

  test("is there where its list is, in a form that the page knows", async () => {
    expect(await answering(JSON.stringify(LIST))).toEqual(LIST);
    expect(await answering(JSON.stringify({ ...LIST, form: 2 }))).toBeUndefined();
  });

  test("is not there where it was not built", async () => {
    expect(await answering("", 404)).toBeUndefined();
    expect(await answering("<!doctype html>")).toBeUndefined();
    expect(await answering("null")).toBeUndefined();
    const load = vi.fn();
    expect(
      await RunMat.load({ folder: FOLDER, find: async () => undefined, load }),
    ).toBeUndefined();
    expect(load).not.toHaveBeenCalled();
  });

  test("is loaded without telling anybody what is run", async () => {
    const { module, load } = fake(() => {});
    const runmat = await load();
    expect(module.initRunMat).toHaveBeenCalledWith(
      expect.objectContaining({ telemetryConsent: false }),
    );
    expect(module.takeCardAway).toHaveBeenCalledOnce();
    expect(runmat?.version).toBe("0.5.6");
    expect(runmat?.memoryBytes).toBe(131_072);
  });
});

describe("a script", () => {
  test("prints while it runs, and what it wrote is handed on when it ends", async () => {
    const { module, subscribers, load } = fake((print) => {
      print("a");
      print("b");
    });
    const printed: string[] = [];
    await (await load())!.run("disp(1)", { onOutput: ({ text }) => printed.push(text) });
    expect(printed).toEqual(["a", "b"]);
    expect(module.flushFiles).toHaveBeenCalledOnce();
    expect(subscribers.size).toBe(0);
  });

  test("runs alone", async () => {
    const runmat = (await fake(() => {}).load())!;
    const first = runmat.run("1");
    await expect(runmat.run("2")).rejects.toThrow("a script is running");
    await first;
    await runmat.run("3");
  });

  test("that breaks the module leaves nothing behind", async () => {
    const { subscribers, load } = fake(() => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
    const runmat = (await load())!;
    await expect(runmat.run("1")).rejects.toThrow("unreachable");
    expect(runmat.isRunning).toBe(false);
    expect(subscribers.size).toBe(0);
  });

  test("is stopped at its first use of a file after its time", async () => {
    let time = 0;
    const { session, load } = fake((_, files) => {
      files.call(new Uint8Array());
      expect(session.cancelExecution).not.toHaveBeenCalled();
      time = 2001;
      files.readInto?.(0, 1, 0, new Uint8Array(1));
      expect(session.cancelExecution).toHaveBeenCalledOnce();
    });
    const runmat = (await load())!;
    runmat.attach({ call: (message) => message, readInto: () => 1 }, "w");
    await runmat.run("x", { secondsMax: 2, now: () => time });
  });

  test("has only the ways to its files that the page has", async () => {
    const { module, load } = fake(() => {});
    (await load())!.attach({ call: (message) => message }, "w");
    expect(Object.keys(module.attachFiles.mock.calls[0]![0])).toEqual(["call"]);
  });
});
