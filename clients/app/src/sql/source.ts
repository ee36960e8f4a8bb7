// Where a query's bytes come from. The engine reads at once and in parts; a source does that for open
// files, and counts what was read.

import type { Entry } from "@oriel/fs-bindings";

/** An open file, for an engine that waits for nothing. */
export interface SourceFile {
  readonly length: number;
  readonly modifiedMs: number;
  readAt(offset: number, into: Uint8Array): number;
  writeAt(offset: number, bytes: Uint8Array): void;
  truncate(length: number): void;
  close(): void;
}

export interface Source {
  open(path: string, isWritten: boolean): SourceFile;
  /** Whether there is a file of that name. */
  has(path: string): boolean;
  list(path: string): Entry[];
}

/** Small reads are widened to this, since each costs a way to the host. */
const BLOCK_BYTES = 256 * 1024;

/** So many blocks are kept for each open file. */
const BLOCKS_MAX = 32;

export interface Tally {
  bytes: number;
  reads: number;
  /** Told after each read. */
  onRead?: () => void;
}

/** Reads a file in blocks where little is wanted at once, and as it was asked where much is. */
export class Blocks {
  private readonly blocks = new Map<number, Uint8Array>();

  constructor(
    readonly file: SourceFile,
    private readonly tally: Tally,
  ) {}

  read(offset: number, into: Uint8Array): number {
    if (into.byteLength >= BLOCK_BYTES) return this.fetch(offset, into);
    let done = 0;
    while (done < into.byteLength) {
      const at = offset + done;
      const block = this.block(Math.floor(at / BLOCK_BYTES));
      const from = at % BLOCK_BYTES;
      const piece = block.subarray(from, from + into.byteLength - done);
      if (piece.byteLength === 0) break;
      into.set(piece, done);
      done += piece.byteLength;
    }
    return done;
  }

  /** What is written must not be read as it was before. */
  forget(): void {
    this.blocks.clear();
  }

  private block(number: number): Uint8Array {
    const known = this.blocks.get(number);
    if (known) {
      // The one used last is the last to go.
      this.blocks.delete(number);
      this.blocks.set(number, known);
      return known;
    }
    const room = new Uint8Array(BLOCK_BYTES);
    const block = room.subarray(0, this.fetch(number * BLOCK_BYTES, room));
    if (this.blocks.size >= BLOCKS_MAX) {
      const [oldest] = this.blocks.keys();
      if (oldest !== undefined) this.blocks.delete(oldest);
    }
    this.blocks.set(number, block);
    return block;
  }

  private fetch(offset: number, into: Uint8Array): number {
    const came = this.file.readAt(offset, into);
    this.tally.bytes += came;
    this.tally.reads += 1;
    this.tally.onRead?.();
    return came;
  }
}
