// The fastest way: a library of ours in the page's own process, which reads and writes by descriptors
// that the host sent there. Its calls are synchronous, so what may wait goes another way.

import { asFileError } from "../errors";
import { FLAG, OP } from "../generated/hostfs";
import { NoTransport, type Transport } from "../transport";

/** What the library puts into the page. */
export interface OrielFiles {
  call(message: Uint8Array): Uint8Array;
  readInto(hi: number, lo: number, offset: number, view: ArrayBufferView): number;
  writeFrom(hi: number, lo: number, offset: number, view: ArrayBufferView): number;
}

declare global {
  interface Window {
    readonly __orielFiles?: OrielFiles;
  }
}

/** What asks for work on names, of which nobody knows how long it takes, or waits for news. */
const SLOW: ReadonlySet<number> = new Set([
  OP.list,
  OP.make_folder,
  OP.rename,
  OP.remove,
  OP.replace,
  OP.watch,
  OP.changes,
]);

/** What waits for the disk. Its handle has to be known on the other way too. */
const WAITS: ReadonlySet<number> = new Set([OP.sync]);

function isSlow(message: Uint8Array): boolean {
  const op = message[3] ?? 0;
  const waits = WAITS.has(op) || (op === OP.write && ((message[28] ?? 0) & FLAG.sync) !== 0);
  return SLOW.has(op) || waits;
}

/** Returns the extension's transport. `slow` takes what would hold up the page. */
export function extension(scope: { __orielFiles?: OrielFiles }, slow?: Transport): Transport {
  const files = scope.__orielFiles;
  if (typeof files?.call !== "function") throw new NoTransport("the page has no `__orielFiles`");
  // What a watch has for a handle is known only to the way it was asked on, and `changes` goes there too.
  const watches = new Set<string>();
  const handleOf = (message: Uint8Array) => String(message.subarray(8, 16));
  const callNow = (message: Uint8Array) => typed(() => files.call(message));
  return {
    name: "extension",
    callNow,
    async call(message) {
      if (!slow) return callNow(message);
      const op = message[3];
      if (op === OP.close && watches.delete(handleOf(message))) return slow.call(message);
      if (!isSlow(message)) return callNow(message);
      const answer = await slow.call(message);
      if (op === OP.watch) watches.add(handleOf(answer));
      return answer;
    },
    readInto: (handle, offset, view) =>
      typed(() => files.readInto(handle.hi, handle.lo, offset, view)),
    writeFrom: (handle, offset, view) =>
      typed(() => files.writeFrom(handle.hi, handle.lo, offset, view)),
  };
}

function typed<T>(what: () => T): T {
  try {
    return what();
  } catch (thrown) {
    throw asFileError(thrown);
  }
}
