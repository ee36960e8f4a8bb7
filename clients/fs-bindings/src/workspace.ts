// What can be done with names in a granted folder. Paths are relative to it, with `/` between parts.

import { FileError } from "./errors";
import type { FilePart, Files, LockOptions, Patience, WriteOptions } from "./files";
import {
  type Create,
  type Entry,
  FLAG,
  type Mode,
  NAMES_MAX,
  type Open,
  PAYLOAD_BYTES_MAX,
  type Stat,
} from "./generated/hostfs";
import { FileHandle } from "./handle";
import { encodeJson, encodeReplace, type Message, readJson } from "./message";
import { asEntries, asLooked, asOpened, asStat } from "./shapes";
import { type Watching, type WatchOptions, watch } from "./watch";

export interface OpenOptions extends Patience {
  /** Whether it may (`may`) or must (`must`) be made. */
  create?: Create;
  /** Whether what is in it goes. */
  truncate?: boolean;
  /** `false` keeps this process from having a descriptor of it. */
  direct?: boolean;
}

/** The most bytes that `readFile` takes into memory at once, unless told. */
const WHOLE_BYTES_MAX = 512 * 1024 * 1024;

export class WorkspaceFiles {
  constructor(
    readonly files: Files,
    readonly id: string,
  ) {}

  /** Opens a file. */
  async openFileHandle(path: string, mode: Mode, options: OpenOptions = {}): Promise<FileHandle> {
    const { line, transport } = this.files;
    const head = line.head("open");
    const direct = transport.readInto !== undefined && options.direct !== false;
    const message = encodeJson(head, openForm(this.id, path, mode, options, direct));
    const made = (answer: Message) => openedHandle(answer, this.id, path, mode);
    const answer = await line.send(head, message, options.signal, (late) => {
      // It was opened after its caller had gone. Whether closing works is nobody's business any more.
      this.files.closeHandle(made(late)).catch(() => {});
    });
    return made(answer);
  }

  readChunk(...of: Parameters<Files["readChunk"]>): Promise<Uint8Array> {
    return this.files.readChunk(...of);
  }

  writeChunk(handle: FileHandle, offset: number, data: Uint8Array, options?: WriteOptions) {
    return this.files.writeChunk(handle, offset, data, options);
  }

  readMany(parts: readonly FilePart[], options?: Patience): Promise<Uint8Array[]> {
    return this.files.readMany(parts, options);
  }

  length(handle: FileHandle, options?: Patience): Promise<number> {
    return this.files.length(handle, options);
  }

  setLength(handle: FileHandle, length: number, options?: Patience): Promise<void> {
    return this.files.setLength(handle, length, options);
  }

  flush(handle: FileHandle, options?: Patience): Promise<void> {
    return this.files.flush(handle, options);
  }

  sync(handle: FileHandle, options?: Patience): Promise<void> {
    return this.files.sync(handle, options);
  }

  lock(handle: FileHandle, options?: LockOptions): Promise<void> {
    return this.files.lock(handle, options);
  }

  unlock(handle: FileHandle, options?: Patience): Promise<void> {
    return this.files.unlock(handle, options);
  }

  closeHandle(handle: FileHandle): Promise<void> {
    return this.files.closeHandle(handle);
  }

  /** Returns what is known of a name, or fails with why not. */
  async stat(path: string, options: Patience = {}): Promise<Stat> {
    const [one] = await this.statMany([path], options);
    if (one instanceof FileError) throw one;
    return one as Stat;
  }

  /** Returns what is known of each name, or why nothing is, in their places. */
  async statMany(paths: readonly string[], options: Patience = {}): Promise<(Stat | FileError)[]> {
    const found: (Stat | FileError)[] = [];
    for (let at = 0; at < paths.length; at += NAMES_MAX) {
      const some = paths.slice(at, at + NAMES_MAX);
      const form = { workspace: this.id, paths: some };
      const answer = await this.files.line.askJson("stat", form, options.signal);
      for (const one of asLooked(readJson(answer.payload), some.length).stats) {
        found.push("code" in one ? FileError.of(one) : one);
      }
    }
    return found;
  }

  /** Returns whether there is something of that name. */
  async exists(path: string, options: Patience = {}): Promise<boolean> {
    const [one] = await this.statMany([path], options);
    if (!(one instanceof FileError)) return true;
    if (one.code === "not_found" || one.code === "not_a_folder") return false;
    throw one;
  }

  /** Returns what is in a folder, a page at a time, in the order of names. */
  async *pages(path: string, options: Patience = {}): AsyncGenerator<Entry[]> {
    let after: string | undefined;
    for (;;) {
      const form = { workspace: this.id, path, ...(after === undefined ? {} : { after }) };
      const answer = await this.files.line.askJson("list", form, options.signal);
      const { entries, hasMore } = asEntries(readJson(answer.payload));
      yield entries;
      const last = entries.at(-1)?.name;
      if (!hasMore || last === undefined) return;
      if (last === after) {
        throw new FileError("bad_message", "the host lists the same names again", { path });
      }
      after = last;
    }
  }

  /** Returns all that is in a folder, in the order of names. */
  async readDir(path: string, options: Patience = {}): Promise<Entry[]> {
    const all: Entry[] = [];
    for await (const page of this.pages(path, options)) all.push(...page);
    return all;
  }

  /** Makes a folder; with `parents` those above it too. */
  async makeFolder(path: string, options: Patience & { parents?: boolean } = {}): Promise<void> {
    const form = { workspace: this.id, path, parents: options.parents ?? false };
    await this.files.line.askJson("make_folder", form, options.signal);
  }

  /** Gives another name; it takes another file's place only with `replace`. */
  async rename(
    from: string,
    to: string,
    options: Patience & { replace?: boolean } = {},
  ): Promise<void> {
    const form = { workspace: this.id, from, to, replace: options.replace ?? false };
    await this.files.line.askJson("rename", form, options.signal);
  }

  /** Removes; a folder with all that is in it only with `all`, to the user's trash with `trash`. */
  async remove(
    path: string,
    options: Patience & { all?: boolean; trash?: boolean } = {},
  ): Promise<void> {
    const { all = false, trash = false } = options;
    const form = { workspace: this.id, path, all, trash };
    await this.files.line.askJson("remove", form, options.signal);
  }

  /**
   * Puts a whole file in the place of another at once: whoever reads sees the old one or the new one.
   * What is longer than a message is written beside it first, and takes its place when it is on disk.
   */
  async replaceFile(
    path: string,
    bytes: Uint8Array,
    options: Patience & { create?: Create } = {},
  ): Promise<Stat> {
    const form = { workspace: this.id, path, create: options.create ?? "may" };
    // The JSON is in the payload too, and never has more than this.
    if (bytes.byteLength > PAYLOAD_BYTES_MAX - 32 * 1024) {
      return this.replaceByParts(path, bytes, options);
    }
    const { line } = this.files;
    const head = line.head("replace");
    const answer = await line.send(head, encodeReplace(head, form, bytes), options.signal);
    return asStat(readJson(answer.payload));
  }

  private async replaceByParts(
    path: string,
    bytes: Uint8Array,
    options: Patience & { create?: Create },
  ): Promise<Stat> {
    const there = await this.exists(path, options);
    if (options.create === "never" && !there) {
      throw new FileError("not_found", `there is no \`${path}\``, { path });
    }
    if (options.create === "must" && there) {
      throw new FileError("exists", `there is a \`${path}\` already`, { path });
    }
    const beside = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
    const handle = await this.openFileHandle(beside, "write", { create: "must" });
    try {
      await this.files.writeChunk(handle, 0, bytes, options);
      await this.files.sync(handle, options);
      await this.files.closeHandle(handle);
      await this.rename(beside, path, { ...options, replace: options.create !== "must" });
    } catch (thrown) {
      if (!handle.closed) await this.files.closeHandle(handle).catch(() => {});
      // What is left over is removed; where that fails too, what failed first is what counts.
      await this.remove(beside).catch(() => {});
      throw thrown;
    }
    return this.stat(path, options);
  }

  /** Returns a whole file. One that is longer than `max` is refused. */
  async readFile(path: string, options: Patience & { max?: number } = {}): Promise<Uint8Array> {
    const max = options.max ?? WHOLE_BYTES_MAX;
    const handle = await this.openFileHandle(path, "read", options);
    try {
      const { length } = handle.stat;
      if (length > max) {
        throw new FileError(
          "too_large",
          `\`${path}\` has ${length} bytes, and ${max} may be read`,
          {
            path,
            hint: "read it in parts by `openFileHandle` and `readChunk`",
          },
        );
      }
      return await this.files.readChunk(handle, 0, length, undefined, options);
    } finally {
      // A file that was only read has nothing to lose.
      await this.files.closeHandle(handle).catch(() => {});
    }
  }

  /** Tells what changes in a folder and below it, until `return` is called or the signal ends it. */
  watch(path: string, options: WatchOptions = {}): Promise<Watching> {
    return watch(this, path, options);
  }
}

export function openForm(
  workspace: string,
  path: string,
  mode: Mode,
  options: OpenOptions,
  direct: boolean,
): Open {
  const { create = "never", truncate = false } = options;
  return { workspace, path, mode, create, truncate, direct };
}

export function openedHandle(
  answer: Message,
  workspace: string,
  path: string,
  mode: Mode,
): FileHandle {
  const { head, payload } = answer;
  const { stat } = asOpened(readJson(payload));
  const direct = (head.flags & FLAG.direct) !== 0;
  return new FileHandle(head.handle.hi, head.handle.lo, workspace, path, mode, stat, direct);
}
