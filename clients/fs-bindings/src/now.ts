// Files at once, without promises, as a wasm runtime's file calls want them. Only the extension can.

import { FileError } from "./errors";
import { amount, type Files, open, writeAll } from "./files";
import { type Entry, HEAD_BYTES, type Mode, type Stat } from "./generated/hostfs";
import type { FileHandle } from "./handle";
import { encode, encodeJson, encodeReplace, messageWithRoom, type Op, readJson } from "./message";
import { asEntries, asLooked, asStat } from "./shapes";
import { DIRECT_BYTES_MAX } from "./transport";
import { type OpenOptions, openedHandle, openForm } from "./workspace";

/** Returns whether files can be used at once here. */
export function canNow(files: Files): boolean {
  return files.transport.callNow !== undefined;
}

export class FilesNow {
  constructor(
    readonly files: Files,
    readonly id: string,
  ) {}

  openSync(path: string, mode: Mode, options: OpenOptions = {}): FileHandle {
    const direct = this.files.transport.readInto !== undefined && options.direct !== false;
    const answer = this.ask("open", openForm(this.id, path, mode, options, direct));
    return openedHandle(answer, this.id, path, mode);
  }

  /** Reads at a place into a view, and returns how many bytes came: fewer only at the end. */
  readSync(handle: FileHandle, offset: number, into: Uint8Array): number {
    open(handle);
    amount(offset, "place");
    let done = 0;
    while (done < into.byteLength) {
      const view = into.subarray(done, done + DIRECT_BYTES_MAX);
      const came = this.readAt(handle, offset + done, view);
      done += came;
      if (came < view.byteLength) break;
    }
    return done;
  }

  private readAt(handle: FileHandle, offset: number, view: Uint8Array): number {
    const { readInto } = this.files.transport;
    if (handle.direct && readInto) {
      const came = this.files.directly(handle, () => readInto(handle, offset, view));
      if (came !== undefined) return came;
    }
    const head = this.files.line.head("read", { handle, offset, length: view.byteLength });
    const { payload } = this.files.line.now(head, encode(head));
    if (payload.byteLength > view.byteLength) {
      throw new FileError("bad_message", "the host sent more than was asked for");
    }
    view.set(payload);
    return payload.byteLength;
  }

  /** Writes at a place, or at the end, and returns where it ends. */
  writeSync(handle: FileHandle, offset: number, data: Uint8Array): number {
    open(handle);
    amount(offset, "place");
    let end = offset;
    let done = 0;
    do {
      const piece = data.subarray(done, done + DIRECT_BYTES_MAX);
      end = this.writeAt(handle, offset + done, piece);
      done += piece.byteLength;
    } while (done < data.byteLength);
    return end;
  }

  private writeAt(handle: FileHandle, offset: number, piece: Uint8Array): number {
    const { writeFrom } = this.files.transport;
    if (handle.direct && writeFrom && handle.mode !== "append") {
      const end = this.files.directly(handle, () => writeAll(writeFrom, handle, offset, piece));
      if (end !== undefined) return end;
    }
    const head = this.files.line.head("write", { handle, offset });
    const message = messageWithRoom(head, piece.byteLength);
    message.set(piece, HEAD_BYTES);
    return this.files.line.now(head, message).head.offset;
  }

  lengthSync(handle: FileHandle): number {
    return this.about("length", handle).head.offset;
  }

  setLengthSync(handle: FileHandle, length: number): void {
    amount(length, "length");
    this.about("set_length", handle, length);
  }

  flushSync(handle: FileHandle): void {
    this.about("flush", handle);
  }

  syncSync(handle: FileHandle): void {
    this.about("sync", handle);
  }

  closeSync(handle: FileHandle): void {
    open(handle);
    handle.closed = true;
    const head = this.files.line.head("close", { handle });
    this.files.line.now(head, encode(head));
  }

  statSync(path: string): Stat {
    const answer = this.ask("stat", { workspace: this.id, paths: [path] });
    const [one] = asLooked(readJson(answer.payload), 1).stats;
    if (one === undefined || "code" in one) {
      throw one ? FileError.of(one) : new FileError("bad_message", "there is no stat");
    }
    return one;
  }

  readDirSync(path: string): Entry[] {
    const all: Entry[] = [];
    for (let more = true; more; ) {
      const after = all.at(-1)?.name;
      const form = { workspace: this.id, path, ...(after === undefined ? {} : { after }) };
      const { entries, hasMore } = asEntries(readJson(this.ask("list", form).payload));
      if (entries.at(-1)?.name === after && hasMore) {
        throw new FileError("bad_message", "the host lists the same names again", { path });
      }
      all.push(...entries);
      more = hasMore;
    }
    return all;
  }

  makeFolderSync(path: string, options: { parents?: boolean } = {}): void {
    this.ask("make_folder", { workspace: this.id, path, parents: options.parents ?? false });
  }

  renameSync(from: string, to: string, options: { replace?: boolean } = {}): void {
    this.ask("rename", { workspace: this.id, from, to, replace: options.replace ?? false });
  }

  removeSync(path: string, options: { all?: boolean; trash?: boolean } = {}): void {
    const { all = false, trash = false } = options;
    this.ask("remove", { workspace: this.id, path, all, trash });
  }

  replaceFileSync(path: string, bytes: Uint8Array): Stat {
    const head = this.files.line.head("replace");
    const form = { workspace: this.id, path, create: "may" };
    const answer = this.files.line.now(head, encodeReplace(head, form, bytes));
    return asStat(readJson(answer.payload));
  }

  private ask(op: Op, form: unknown) {
    const head = this.files.line.head(op);
    return this.files.line.now(head, encodeJson(head, form));
  }

  private about(op: Op, handle: FileHandle, offset = 0) {
    open(handle);
    const head = this.files.line.head(op, { handle, offset });
    return this.files.line.now(head, encode(head));
  }
}
