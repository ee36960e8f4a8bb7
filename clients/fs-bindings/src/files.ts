// Files of the host for a page: folders that a person granted, and open files in them.

import { asFileError, cancelled, FileError } from "./errors";
import type { Workspace } from "./generated/hostfs";
import { FLAG, HEAD_BYTES, PARTS_MAX, PAYLOAD_BYTES_MAX, type Use } from "./generated/hostfs";
import type { FileHandle } from "./handle";
import { Line } from "./line";
import { decodeReadMany, encode, encodeParts, messageWithRoom, readJson } from "./message";
import { asUse, asWorkspaces } from "./shapes";
import { reader, writer } from "./streams";
import { DIRECT_BYTES_MAX, type Transport } from "./transport";
import { WorkspaceFiles } from "./workspace";

export interface Patience {
  /** Gives up waiting, with `cancelled`. */
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends Patience {
  /** Returns when it is on disk. */
  sync?: boolean;
}

export interface LockOptions extends Patience {
  /** Others may read as well. */
  shared?: boolean;
}

/** A part of an open file. */
export interface FilePart {
  handle: FileHandle;
  offset: number;
  length: number;
}

/** After so many bytes that were moved at once, others on the page have a turn. */
const TURN_BYTES = 4 * DIRECT_BYTES_MAX;

export class Files {
  readonly line: Line;

  constructor(readonly transport: Transport) {
    this.line = new Line(transport);
  }

  /** Returns the granted folders. */
  async workspaces(options: Patience = {}): Promise<Workspace[]> {
    const answer = await this.line.ask("workspaces", {}, options.signal);
    return asWorkspaces(readJson(answer.payload)).workspaces;
  }

  /** Returns what can be done in a granted folder. */
  workspace(id: string): WorkspaceFiles {
    return new WorkspaceFiles(this, id);
  }

  /** Returns how much of each limit this page uses. */
  async use(options: Patience = {}): Promise<Use> {
    const answer = await this.line.ask("use", {}, options.signal);
    return asUse(readJson(answer.payload));
  }

  /**
   * Reads at a place. Fewer bytes come only at the end of the file. With `into` they are put there, and
   * what is returned is the part of it that was filled.
   */
  async readChunk(
    handle: FileHandle,
    offset: number,
    length: number,
    into?: Uint8Array,
    options: Patience = {},
  ): Promise<Uint8Array> {
    open(handle);
    amount(offset, "place");
    amount(length, "length");
    if (into && into.byteLength < length) {
      throw new FileError("too_large", `${length} bytes do not fit into ${into.byteLength}`);
    }
    const { readInto } = this.transport;
    // One piece that nobody has a place for stays where it arrived.
    if (!into && length <= PAYLOAD_BYTES_MAX && !(handle.direct && readInto)) {
      return this.readPiece(handle, offset, length, options);
    }
    const target = into ?? new Uint8Array(await this.sensible(handle, offset, length, options));
    const wanted = Math.min(length, target.byteLength);
    let done = 0;
    while (done < wanted) {
      if (options.signal?.aborted) throw cancelled();
      const size = Math.min(wanted - done, DIRECT_BYTES_MAX);
      const view = target.subarray(done, done + size);
      const came = await this.readAt(handle, offset + done, view, options);
      done += came;
      if (came < size) break;
      if (done % TURN_BYTES === 0 && done < wanted) await turn();
    }
    return target.subarray(0, done);
  }

  /** A length out of thin air would take memory for bytes that do not exist. */
  private async sensible(handle: FileHandle, offset: number, length: number, options: Patience) {
    if (length <= PAYLOAD_BYTES_MAX) return length;
    return Math.min(length, Math.max(0, (await this.length(handle, options)) - offset));
  }

  private async readAt(
    handle: FileHandle,
    offset: number,
    view: Uint8Array,
    options: Patience,
  ): Promise<number> {
    const { readInto } = this.transport;
    if (handle.direct && readInto) {
      const came = this.directly(handle, () => readInto(handle, offset, view));
      if (came !== undefined) return came;
    }
    const piece = await this.readPiece(handle, offset, view.byteLength, options);
    view.set(piece);
    return piece.byteLength;
  }

  private async readPiece(
    handle: FileHandle,
    offset: number,
    length: number,
    options: Patience,
  ): Promise<Uint8Array> {
    const { payload } = await this.line.ask("read", { handle, offset, length }, options.signal);
    if (payload.byteLength > length) {
      throw new FileError("bad_message", "the host sent more than was asked for");
    }
    return payload;
  }

  /** Does it by the descriptor; without an answer where there is none any more. */
  directly<T>(handle: FileHandle, what: () => T): T | undefined {
    try {
      return what();
    } catch (thrown) {
      const error = asFileError(thrown);
      if (error.code !== "unsupported") throw error;
      handle.direct = false;
      return undefined;
    }
  }

  /** Writes at a place, or at the end of a file that was opened to append. Returns where it ends. */
  async writeChunk(
    handle: FileHandle,
    offset: number,
    data: Uint8Array,
    options: WriteOptions = {},
  ): Promise<number> {
    open(handle);
    amount(offset, "place");
    let end = offset;
    let done = 0;
    do {
      if (options.signal?.aborted) throw cancelled();
      const piece = data.subarray(done, done + PAYLOAD_BYTES_MAX);
      end = await this.writePiece(handle, offset + done, piece, options);
      done += piece.byteLength;
      if (done % TURN_BYTES === 0 && done < data.byteLength) await turn();
    } while (done < data.byteLength);
    return end;
  }

  private async writePiece(
    handle: FileHandle,
    offset: number,
    piece: Uint8Array,
    options: WriteOptions,
  ): Promise<number> {
    const { writeFrom } = this.transport;
    if (handle.direct && writeFrom && !options.sync && handle.mode !== "append") {
      const end = this.directly(handle, () => writeAll(writeFrom, handle, offset, piece));
      if (end !== undefined) return end;
    }
    const flags = options.sync ? FLAG.sync : 0;
    const head = this.line.head("write", { handle, offset, flags });
    const message = messageWithRoom(head, piece.byteLength);
    message.set(piece, HEAD_BYTES);
    const answer = await this.line.send(head, message, options.signal);
    return answer.head.offset;
  }

  /** Reads many parts of open files at once. */
  async readMany(parts: readonly FilePart[], options: Patience = {}): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = [];
    for (const batch of batches(parts)) {
      const head = this.line.head("read_many");
      const message = encode(head, encodeParts(batch));
      const answer = await this.line.send(head, message, options.signal);
      for (const piece of decodeReadMany(answer.payload, batch)) pieces.push(piece);
    }
    return pieces;
  }

  /** Returns how long an open file is. */
  async length(handle: FileHandle, options: Patience = {}): Promise<number> {
    open(handle);
    return (await this.line.ask("length", { handle }, options.signal)).head.offset;
  }

  /** Makes an open file so long. */
  async setLength(handle: FileHandle, length: number, options: Patience = {}): Promise<void> {
    open(handle);
    amount(length, "length");
    await this.line.ask("set_length", { handle, offset: length }, options.signal);
  }

  /** Hands what was written to the system. */
  async flush(handle: FileHandle, options: Patience = {}): Promise<void> {
    open(handle);
    await this.line.ask("flush", { handle }, options.signal);
  }

  /** Returns when what was written is on disk. */
  async sync(handle: FileHandle, options: Patience = {}): Promise<void> {
    open(handle);
    await this.line.ask("sync", { handle }, options.signal);
  }

  /** Locks a file among those who lock. It never waits: another one's lock is `locked`. */
  async lock(handle: FileHandle, options: LockOptions = {}): Promise<void> {
    open(handle);
    const flags = options.shared ? FLAG.shared : 0;
    await this.line.ask("lock", { handle, flags }, options.signal);
  }

  /** Gives the lock back. */
  async unlock(handle: FileHandle, options: Patience = {}): Promise<void> {
    open(handle);
    await this.line.ask("lock", { handle, flags: FLAG.unlock }, options.signal);
  }

  /** Closes a file. It fails where something that was written did not reach it; it is closed then too. */
  async closeHandle(handle: FileHandle): Promise<void> {
    open(handle);
    handle.closed = true;
    await this.line.ask("close", { handle });
  }

  /** Returns a file's bytes from a place on, as a stream. It closes the file where told. */
  reader(handle: FileHandle, options?: Parameters<typeof reader>[2]): ReadableStream<Uint8Array> {
    return reader(this, handle, options);
  }

  /** Returns a stream that writes into a file from a place on. */
  writer(handle: FileHandle, options?: Parameters<typeof writer>[2]): WritableStream<Uint8Array> {
    return writer(this, handle, options);
  }

  /** Lets go of what the transport holds. */
  close(): void {
    this.transport.close?.();
  }
}

/**
 * Writes all of it by a descriptor. Where the system took a part, it is asked to take the rest, and then
 * says why it does not: that the disk is full, say.
 */
export function writeAll(
  writeFrom: NonNullable<Transport["writeFrom"]>,
  handle: FileHandle,
  offset: number,
  bytes: Uint8Array,
): number {
  let done = 0;
  do {
    const went = writeFrom(handle, offset + done, bytes.subarray(done));
    if (went === 0 && done < bytes.byteLength) {
      throw new FileError("system", `${done} of ${bytes.byteLength} bytes were written`, {
        path: handle.path,
        hint: "see whether the disk is full, then write them again",
      });
    }
    done += went;
  } while (done < bytes.byteLength);
  return offset + done;
}

/** Cuts parts so that each answer fits into a message. A part by itself may have no more than one. */
function* batches(parts: readonly FilePart[]): Generator<FilePart[]> {
  let batch: FilePart[] = [];
  let bytes = 0;
  for (const part of parts) {
    open(part.handle);
    amount(part.offset, "place");
    amount(part.length, "length");
    const cost = part.length + 4;
    if (cost > PAYLOAD_BYTES_MAX) {
      throw new FileError("too_large", "a part is longer than a message; use `readChunk`");
    }
    if (batch.length === PARTS_MAX || bytes + cost > PAYLOAD_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(part);
    bytes += cost;
  }
  if (batch.length > 0) yield batch;
}

export function open(handle: FileHandle): void {
  if (handle.closed) {
    throw new FileError("bad_handle", `\`${handle.path}\` was closed`, { path: handle.path });
  }
}

export function amount(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new FileError("bad_message", `${value} is no ${what} in a file`);
  }
}

/** Lets everything else that waits for the page have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
