// What a worker reads through shared memory is the file's, however it is cut, and a failure arrives whole.
// The page's end answers within the call here; a browser's test has two threads.

import { FileError, type Transport } from "@oriel/fs-bindings";
import { expect, test, vi } from "vitest";
import { answerShared, PIECE_BYTES, sharedMemory, sharedTransport } from "./memory";
import { Served } from "./serve";
import { tried } from "./works";

const bytes = Uint8Array.from(
  { length: 3 * PIECE_BYTES + 77 },
  (_, at) => (at * 7 + (at >> 9)) & 255,
);

function page(change: Partial<Transport> = {}): Transport {
  return {
    name: "extension",
    call: async (message) => message,
    readInto: (_, offset, view) => {
      const piece = bytes.subarray(offset, offset + view.byteLength);
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(piece);
      return piece.byteLength;
    },
    writeFrom: (_, __, view) => view.byteLength,
    ...change,
  };
}

function worker(transport: Transport) {
  const memory = sharedMemory();
  const files = { memory, name: transport.name, isDirect: transport.readInto !== undefined };
  return sharedTransport(files, ({ place }) => void answerShared(memory, place, transport));
}

const handle = { hi: 0xffff_ffff, lo: 7 };

test("a read is cut into pieces and put together again", () => {
  const { readInto } = worker(page());
  for (const [offset, length] of [
    [0, bytes.byteLength],
    [5, PIECE_BYTES],
    [PIECE_BYTES - 1, PIECE_BYTES + 2],
    [bytes.byteLength - 3, 3 * PIECE_BYTES],
    [bytes.byteLength + 9, 10],
    [1, 0],
  ] as const) {
    const into = new Uint8Array(length);
    const came = readInto!(handle, offset, into);
    const wanted = bytes.subarray(offset, offset + length);
    expect(came).toBe(wanted.byteLength);
    expect(Buffer.compare(into.subarray(0, came), wanted)).toBe(0);
  }
});

test("the page is asked for the handle and the place that the worker named", () => {
  const readInto = vi.fn((_h: unknown, _o: number, _v: ArrayBufferView) => 4);
  worker(page({ readInto })).readInto!(handle, 2 ** 40 + 3, new Uint8Array(4));
  expect(readInto.mock.calls[0]?.slice(0, 2)).toEqual([handle, 2 ** 40 + 3]);
});

test("a failure has its code, and the next question is answered as if there had been none", () => {
  let fails = true;
  const transport = page();
  const { readInto } = transport;
  transport.readInto satisfies unknown;
  const asked = worker({
    ...transport,
    readInto: (handle, offset, view) => {
      if (fails) throw new FileError("bad_handle", "this handle is closed", { path: "a" });
      return readInto!(handle, offset, view);
    },
  });
  const read = () => asked.readInto!(handle, 0, new Uint8Array(2 * PIECE_BYTES));
  expect(read).toThrow(expect.objectContaining({ code: "bad_handle", path: "a" }));
  fails = false;
  expect(read()).toBe(2 * PIECE_BYTES);
});

test("a page that reads by messages only gives its worker nothing else", () => {
  const { readInto: _, writeFrom: __, ...plain } = page();
  expect(worker(plain).readInto).toBeUndefined();
});

test("a worker that was ended leaves no file open", async () => {
  const closed: number[] = [];
  const opened = (message: Uint8Array) => {
    const answer = message.slice(0, 32);
    if (message[3] === 2) answer[8] = 9;
    if (message[3] === 3) closed.push(message[8] ?? 0);
    return answer;
  };
  const served = new Served(page({ call: async (message) => opened(message) }));
  const { memory } = served.files;
  const open = new Uint8Array(32);
  open[3] = 2;
  new Int32Array(memory, 0, 3).set([0, 0, 32]);
  new Uint8Array(memory, 64, 32).set(open);
  served.answer({ type: "ring", place: 0 });
  await vi.waitFor(() => expect(Atomics.load(new Int32Array(memory, 0, 1), 0)).toBe(1));
  served.end();
  expect(closed).toEqual([9]);
});

test("sharing is tried, and whatever goes wrong means that it does not work", async () => {
  const answering = (answer: (memory: SharedArrayBuffer, tell: (data: unknown) => void) => void) =>
    tried(() => {
      const worker = {
        onmessage: undefined as ((event: { data: unknown }) => void) | undefined,
        terminate: () => {},
        postMessage: (memory: SharedArrayBuffer) =>
          answer(memory, (data) => worker.onmessage?.({ data })),
      };
      return worker as unknown as Worker;
    });
  const waits = answering((memory, tell) => {
    tell("waits");
    tell(new Int32Array(memory)[1]);
  });
  expect(await waits).toBe(true);
  expect(await answering((_, tell) => tell(0))).toBe(false);
  const cannot = answering(() => {
    throw new Error("it cannot be cloned");
  });
  expect(await cannot).toBe(false);
});
