// How a message gets to the host and its answer back. Only the files in `transports/` know how that is
// done; everything else has a `Transport`.

import type { HandleNumber } from "./message";

export type TransportName = "extension" | "invoke" | "scheme" | "text" | "memory" | "opfs";

/** The most bytes that one direct call moves; it holds up the page meanwhile. */
export const DIRECT_BYTES_MAX = 8 * 1024 * 1024;

export interface Transport {
  readonly name: TransportName;
  /** Takes a message to the host. The bytes are its own from then on. */
  call(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** The same at once, where that is possible without holding up anything else for long. */
  readonly callNow?: (message: Uint8Array<ArrayBuffer>) => Uint8Array;
  /** Reads into the caller's own memory by a descriptor that came along with the handle. */
  readonly readInto?: (handle: HandleNumber, offset: number, view: ArrayBufferView) => number;
  /** Writes out of the caller's own memory in the same way. */
  readonly writeFrom?: (handle: HandleNumber, offset: number, view: ArrayBufferView) => number;
  /** Lets go of what the transport itself holds. */
  close?(): void;
}

/** A transport cannot be used here; the next one is tried. */
export class NoTransport extends Error {
  constructor(why: string) {
    super(why);
    this.name = "NoTransport";
  }
}
