// The page's files for a worker that waits: messages and answers lie in memory that both see. It takes
// a page that is isolated from other origins; where it is not, the worker asks the scheme.

import { FileError, type Transport } from "@oriel/fs-bindings";

const HEAD_BYTES = 16;
const ROOM_BYTES = 9 * 1024 * 1024;
const WAITS = 0;
const CAME = 1;
const FAILED = 2;

/** After so long an answer does not come any more. */
const ANSWER_MS_MAX = 60_000;

export const sharedMemory = () => new SharedArrayBuffer(HEAD_BYTES + ROOM_BYTES);

/** The worker's end. `ring` tells the page that there is a message. */
export function sharedNow(memory: SharedArrayBuffer, ring: () => void): Transport {
  const head = new Int32Array(memory, 0, 2);
  const room = new Uint8Array(memory, HEAD_BYTES);
  const callNow = (message: Uint8Array) => {
    room.set(message);
    head[1] = message.byteLength;
    Atomics.store(head, 0, WAITS);
    ring();
    if (Atomics.wait(head, 0, WAITS, ANSWER_MS_MAX) === "timed-out") {
      throw new FileError("system", "the page did not answer in time");
    }
    if (Atomics.load(head, 0) === FAILED) throw new FileError("system", "the page has no files");
    return room.slice(0, head[1]);
  };
  return { name: "memory", callNow, call: async (message) => callNow(message) };
}

/** The page's end: answers the message that lies in the memory. */
export async function answerShared(memory: SharedArrayBuffer, transport: Transport): Promise<void> {
  const head = new Int32Array(memory, 0, 2);
  const room = new Uint8Array(memory, HEAD_BYTES);
  let state = CAME;
  try {
    const answer = await transport.call(room.slice(0, head[1]));
    room.set(answer);
    head[1] = answer.byteLength;
  } catch {
    state = FAILED;
  }
  Atomics.store(head, 0, state);
  Atomics.notify(head, 0);
}
