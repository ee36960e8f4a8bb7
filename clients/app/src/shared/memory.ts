// The page's files for a worker that waits: questions and answers lie in memory that both see. The worker
// asks and sleeps; the page answers, by its own direct way where it has one, and wakes it.
//
// There are two places for questions, so that the page fetches the next piece while the worker takes out
// the one before.

import {
  asFileError,
  DIRECT_BYTES_MAX,
  FileError,
  type Transport,
  type TransportName,
} from "@oriel/fs-bindings";

/** What a worker is told of the page's files. */
export interface SharedFiles {
  memory: SharedArrayBuffer;
  name: TransportName;
  /** Whether the page reads and writes by descriptors of its own. */
  isDirect: boolean;
}

/** What the worker says to the page: there is a question in this place. */
export interface Ring {
  type: "ring";
  place: number;
}

const PLACES = 2;
const HEAD_BYTES = 64;

/** A message with the longest payload fits. */
const ROOM_BYTES = DIRECT_BYTES_MAX + 64 * 1024;
const PLACE_BYTES = HEAD_BYTES + ROOM_BYTES;

/** A long read is cut into such pieces: one is taken out while the next one comes. */
export const PIECE_BYTES = 2 * 1024 * 1024;

/** After so long an answer does not come any more, and no other is waited for. */
const ANSWER_MS_MAX = 60_000;

/** What stands in the head of a place. */
const STATE = 0;
const KIND = 1;
const LENGTH = 2;
const HI = 3;
const LO = 4;
/** The offset in the file, as a number of eight bytes. */
const OFFSET = 3;

const ASKED = 0;
const CAME = 1;
const FAILED = 2;

const CALL = 0;
const READ = 1;
const WRITE = 2;

interface Place {
  head: Int32Array;
  numbers: Float64Array;
  room: Uint8Array;
}

export const sharedMemory = () => new SharedArrayBuffer(PLACES * PLACE_BYTES);

function placesOf(memory: SharedArrayBuffer): [Place, Place] {
  const place = (at: number): Place => ({
    head: new Int32Array(memory, at * PLACE_BYTES, HEAD_BYTES / 4),
    numbers: new Float64Array(memory, at * PLACE_BYTES, HEAD_BYTES / 8),
    room: new Uint8Array(memory, at * PLACE_BYTES + HEAD_BYTES, ROOM_BYTES),
  });
  return [place(0), place(1)];
}

interface Question {
  kind: number;
  handle?: { hi: number; lo: number };
  offset?: number;
  length: number;
}

/** The worker's end, as a transport that answers at once. */
export function sharedTransport(files: SharedFiles, tell: (ring: Ring) => void): Transport {
  const places = placesOf(files.memory);
  let isLost = false;
  const ask = (at: number, question: Question) => {
    if (isLost) throw lost();
    const { head, numbers } = places[at]!;
    head[KIND] = question.kind;
    head[LENGTH] = question.length;
    head[HI] = question.handle?.hi ?? 0;
    head[LO] = question.handle?.lo ?? 0;
    numbers[OFFSET] = question.offset ?? 0;
    Atomics.store(head, STATE, ASKED);
    tell({ type: "ring", place: at });
  };
  const came = (at: number): number => {
    const { head, room } = places[at]!;
    if (Atomics.wait(head, STATE, ASKED, ANSWER_MS_MAX) === "timed-out") {
      // An answer that comes after all must not be taken for one to the next question.
      isLost = true;
      throw lost();
    }
    const length = head[LENGTH] ?? 0;
    if (Atomics.load(head, STATE) === CAME) return length;
    throw asFileError(JSON.parse(new TextDecoder().decode(room.slice(0, length))));
  };
  const callNow = (message: Uint8Array) => {
    const { room } = places[0];
    if (message.byteLength > room.byteLength) {
      throw new FileError("too_large", `a message carries at most ${DIRECT_BYTES_MAX} bytes`);
    }
    room.set(message);
    ask(0, { kind: CALL, length: message.byteLength });
    return room.slice(0, came(0));
  };
  const read: Transport["readInto"] = (handle, offset, view) => {
    const into = bytesOf(view);
    const piece = (from: number) => Math.min(PIECE_BYTES, into.byteLength - from);
    const want = (at: number, from: number) =>
      ask(at, { kind: READ, handle, offset: offset + from, length: piece(from) });
    let done = 0;
    let at = 0;
    if (into.byteLength > 0) want(at, 0);
    while (done < into.byteLength) {
      const wanted = piece(done);
      const next = done + wanted;
      const hasNext = next < into.byteLength;
      if (hasNext) want(1 - at, next);
      let length: number;
      try {
        length = came(at);
      } catch (thrown) {
        settle(hasNext, 1 - at);
        throw thrown;
      }
      into.set(places[at]!.room.subarray(0, length), done);
      done += length;
      if (length < wanted) {
        // The file ends here, and what was asked beyond it has to be over before it is asked anew.
        settle(hasNext, 1 - at);
        break;
      }
      at = 1 - at;
    }
    return done;
  };
  const settle = (isAsked: boolean, at: number) => {
    if (!isAsked || isLost) return;
    try {
      came(at);
    } catch {
      // Whoever reads there gets the same failure then.
    }
  };
  const write: Transport["writeFrom"] = (handle, offset, view) => {
    const from = bytesOf(view).subarray(0, DIRECT_BYTES_MAX);
    places[0].room.set(from);
    ask(0, { kind: WRITE, handle, offset, length: from.byteLength });
    return came(0);
  };
  return {
    name: files.name,
    callNow,
    call: async (message) => callNow(message),
    ...(files.isDirect ? { readInto: read, writeFrom: write } : {}),
  };
}

const lost = () =>
  new FileError("system", "the page did not answer in time", { hint: "stop this and try again" });

const bytesOf = (view: ArrayBufferView) =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** The page's end: answers the question that lies in a place. */
export async function answerShared(
  memory: SharedArrayBuffer,
  at: number,
  transport: Transport,
): Promise<void> {
  const place = placesOf(memory)[at];
  if (!place) return;
  const { head, numbers, room } = place;
  const handle = { hi: (head[HI] ?? 0) >>> 0, lo: (head[LO] ?? 0) >>> 0 };
  const offset = numbers[OFFSET] ?? 0;
  const view = room.subarray(0, Math.max(0, Math.min(head[LENGTH] ?? 0, room.byteLength)));
  let state = CAME;
  try {
    if (head[KIND] === READ) head[LENGTH] = direct(transport.readInto)(handle, offset, view);
    else if (head[KIND] === WRITE) head[LENGTH] = direct(transport.writeFrom)(handle, offset, view);
    else {
      // The message is the transport's own from here on, and the host takes no shared memory.
      const answer = await transport.call(Uint8Array.from(view));
      room.set(answer);
      head[LENGTH] = answer.byteLength;
    }
  } catch (thrown) {
    const words = new TextEncoder().encode(JSON.stringify(asFileError(thrown).toWire()));
    room.set(words.subarray(0, ROOM_BYTES));
    head[LENGTH] = words.byteLength;
    state = FAILED;
  }
  Atomics.store(head, STATE, state);
  Atomics.notify(head, STATE);
}

function direct<T>(way: T | undefined): T {
  if (!way) throw new FileError("unsupported", "this page reads and writes by messages only");
  return way;
}
