// The best way that works is taken, and the host is told of each that did not.

import { expect, test } from "vitest";
import { choose, type Means, transportNamed } from "./choose";
import { Files } from "./files";
import { OP } from "./generated/hostfs";
import { MemoryHost } from "./memory/memory";
import type { OrielFiles } from "./transports/extension";
import { fromBase64, toBase64 } from "./transports/text";

/** A host that is reached by every way, and what it was asked by native commands. */
function host() {
  const memory = new MemoryHost();
  memory.grant("w1", "memory");
  const direct = memory.transport();
  const asked: { command: string; op?: number; body?: unknown }[] = [];
  const orielFiles: OrielFiles = {
    call: (message) => memory.answerNow(message),
    readInto: (hi, lo, offset, view) => direct.readInto!({ hi, lo }, offset, view),
    writeFrom: (hi, lo, offset, view) => direct.writeFrom!({ hi, lo }, offset, view),
  };
  const means: Means = {
    scope: { __orielFiles: orielFiles },
    invoke: async (command, body) => {
      if (command === "files_stepped_down") {
        asked.push({ command, body });
        return null;
      }
      const message =
        command === "files_call"
          ? (body as Uint8Array)
          : fromBase64((body as { message: string }).message);
      asked.push({ command, op: message[3]! });
      const answer = await memory.answer(message);
      return command === "files_call" ? answer.slice().buffer : toBase64(answer);
    },
    fetch: async (_, init) =>
      new Response((await memory.answer(init.body as Uint8Array)).slice() as BodyInit),
  };
  return { means, asked };
}

test("the extension is taken where it is, and nobody is told anything", async () => {
  const { means, asked } = host();
  const { transport, steps } = await choose(means);
  expect([transport?.name, steps, asked]).toEqual(["extension", [], []]);
});

test("each step down is told with its reason", async () => {
  const { means, asked } = host();
  const { transport, steps } = await choose({ ...means, scope: {} });
  expect(transport?.name).toBe("invoke");
  const told = { from: "extension", to: "invoke", reason: "the page has no `__orielFiles`" };
  expect(steps).toEqual([told]);
  expect(asked.filter((one) => one.command === "files_stepped_down")).toEqual([
    { command: "files_stepped_down", body: told },
  ]);
});

test("a way that answers nonsense, or refuses, is no way", async () => {
  const { means } = host();
  const broken = { call: () => new Uint8Array(40) } as unknown as OrielFiles;
  const refusing = async () => {
    throw new Error("not allowed");
  };
  const chosen = await choose({ ...means, scope: { __orielFiles: broken }, invoke: refusing });
  expect(chosen.transport?.name).toBe("scheme");
  expect(chosen.steps.map(({ from, to }) => `${from} ${to}`)).toEqual([
    "extension invoke",
    "invoke scheme",
  ]);
  expect(chosen.steps[1]?.reason).toContain("not allowed");
});

test("a page in no desktop has no way at all", async () => {
  const chosen = await choose({ scope: {}, invoke: undefined, fetch: undefined });
  expect(chosen.transport).toBeUndefined();
  expect(chosen.steps.at(-1)?.to).toBe("none");
});

test("by the extension what may wait goes by native commands, and all else does not", async () => {
  const { means, asked } = host();
  const files = new Files(transportNamed("extension", means));
  const workspace = files.workspace("w1");
  const handle = await workspace.openFileHandle("a", "readwrite", { create: "may" });
  await files.writeChunk(handle, 0, new Uint8Array(10));
  await files.readChunk(handle, 0, 10);
  expect(asked).toEqual([]);
  await files.sync(handle);
  await files.closeHandle(handle);
  const watching = await workspace.watch("");
  await workspace.makeFolder("b");
  await watching.next();
  await watching.return?.();
  const ops = ["sync", "watch", "make_folder", "changes", "close"] as const;
  expect(asked.map((one) => one.op)).toEqual(ops.map((op) => OP[op]));
});

test("the text way works, and is taken only by hand", async () => {
  const { means, asked } = host();
  const files = new Files(transportNamed("text", means));
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at);
  await files.workspace("w1").replaceFile("a", bytes);
  expect(await files.workspace("w1").readFile("a")).toEqual(bytes);
  expect(new Set(asked.map((one) => one.command))).toEqual(new Set(["files_call_text"]));
});
