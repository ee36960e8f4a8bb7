// A host in memory, which answers the same messages as the real one. Tests and the page's demo use it.

import { asFileError, FileError } from "../errors";
import type { Change, Create, Mode, Workspace, WorkspaceAccess } from "../generated/hostfs";
import { FLAG, HEAD_BYTES, NAMES_MAX, PARTS_MAX, PAYLOAD_BYTES_MAX } from "../generated/hostfs";
import {
  decodeParts,
  decodeReplace,
  decodeRequest,
  encode,
  encodeJson,
  type HandleNumber,
  type Head,
  headOf,
  type Message,
  readJson,
} from "../message";
import type { Transport } from "../transport";
import { type MemoryFile, MemoryTree } from "./tree";

interface OpenFile {
  file: MemoryFile;
  mode: Mode;
  tree: MemoryTree;
  path: string;
}

interface Watched {
  changes: Change[];
  wake: (() => void) | undefined;
  stop: () => void;
}

const HANDLES_MAX = 1024;

export class MemoryHost {
  readonly trees = new Map<string, { tree: MemoryTree; workspace: Workspace }>();
  private readonly open = new Map<string, OpenFile>();
  private readonly watched = new Map<string, Watched>();
  private last = 0;

  constructor(readonly clock: () => number = Date.now) {}

  /** Grants a folder, which has nothing in it yet. */
  grant(id: string, name: string, access: WorkspaceAccess = "read_write"): MemoryTree {
    const tree = new MemoryTree(this.clock);
    tree.isReadOnly = access === "read";
    this.trees.set(id, { tree, workspace: { id, name, path: `/memory/${name}`, access } });
    return tree;
  }

  /** Returns a page's way to it. `isPlain` leaves out what only the extension can. */
  transport(isPlain = false): Transport {
    const call = async (message: Uint8Array) => this.answer(message);
    if (isPlain) return { name: "memory", call };
    return {
      name: "memory",
      call,
      callNow: (message) => this.answerNow(message),
      readInto: (handle, offset, view) => {
        const into = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
        const piece = this.reading(handle).read(offset, into.byteLength);
        into.set(piece);
        return piece.byteLength;
      },
      writeFrom: (handle, offset, view) => {
        const from = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
        this.written(handle, offset, from);
        return from.byteLength;
      },
    };
  }

  /** Answers a message. Like the real host it never fails: every end is an answer. */
  async answer(message: Uint8Array): Promise<Uint8Array> {
    let head: Head;
    try {
      const request = decodeRequest(message);
      head = request.head;
      if (head.op !== "changes") return this.answerNow(message);
    } catch {
      return this.answerNow(message);
    }
    const watched = this.watched.get(key(head.handle));
    if (watched && watched.changes.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, head.length);
        watched.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.answerNow(message);
  }

  answerNow(message: Uint8Array): Uint8Array {
    let head = headOf("use", 0);
    try {
      const request = decodeRequest(message);
      head = request.head;
      return this.answered(request);
    } catch (thrown) {
      const failed = asFileError(thrown).toWire();
      return encodeJson({ ...head, offset: 0, flags: FLAG.failed }, failed);
    }
  }

  private answered({ head, payload }: Message): Uint8Array {
    const answer: Head = { ...head, offset: 0, length: 0, flags: 0 };
    switch (head.op) {
      case "workspaces":
        return encodeJson(answer, {
          workspaces: [...this.trees.values()].map(({ workspace }) => workspace),
        });
      case "open":
        return this.opened(answer, form(payload));
      case "close":
        this.closed(head.handle);
        return encode(answer);
      case "read": {
        if (head.length > PAYLOAD_BYTES_MAX) throw new FileError("too_large", "cut it into pieces");
        const piece = this.reading(head.handle).read(head.offset, head.length);
        return encode({ ...answer, offset: head.offset }, piece);
      }
      case "write": {
        const end = this.written(head.handle, head.offset, payload);
        return encode({ ...answer, offset: end });
      }
      case "read_many":
        return this.readMany(answer, payload);
      case "length":
        return encode({ ...answer, offset: this.found(head.handle).file.length });
      case "set_length":
        this.writing(head.handle).file.setLength(head.offset);
        return encode({ ...answer, offset: head.offset });
      case "flush":
      case "sync":
        this.found(head.handle);
        return encode(answer);
      case "lock":
        this.lock(head);
        return encode(answer);
      case "watch": {
        const { workspace, path } = form(payload);
        return encode({ ...answer, handle: this.watch(this.tree(workspace), text(path)) });
      }
      case "changes": {
        const watched = this.watched.get(key(head.handle));
        if (!watched) throw badHandle();
        return encodeJson(answer, { changes: watched.changes.splice(0), lookAgain: false });
      }
      case "use":
        return encodeJson(answer, {
          handles: this.open.size,
          handlesMax: HANDLES_MAX,
          behindBytes: 0,
          behindBytesMax: 0,
          mappedBytes: 0,
          mappedBytesMax: 0,
        });
      default:
        return this.named(answer, payload);
    }
  }

  /** What is about names. */
  private named(answer: Head, payload: Uint8Array): Uint8Array {
    if (answer.op === "replace") {
      const { form: json, bytes } = decodeReplace(payload);
      const of = fields(json);
      const create = (of.create ?? "never") as Create;
      return encodeJson(answer, this.tree(of.workspace).replace(text(of.path), create, bytes));
    }
    const of = form(payload);
    const tree = this.tree(of.workspace);
    switch (answer.op) {
      case "stat": {
        const paths = of.paths as string[];
        if (paths.length > NAMES_MAX) throw new FileError("too_large", "too many names");
        const one = (path: string) => {
          try {
            return tree.stat(path);
          } catch (thrown) {
            return asFileError(thrown).toWire();
          }
        };
        return encodeJson(answer, { stats: paths.map(one) });
      }
      case "list": {
        const after = of.after as string | undefined;
        const names = tree.list(text(of.path));
        const from = after === undefined ? 0 : names.findIndex((entry) => entry.name === after) + 1;
        const entries = names.slice(from, from + NAMES_MAX);
        const hasMore = from + NAMES_MAX < names.length;
        return encodeJson(answer, { entries, hasMore, unnameable: 0 });
      }
      case "make_folder":
        tree.makeFolder(text(of.path), of.parents === true);
        return encode(answer);
      case "rename":
        tree.rename(text(of.from), text(of.to), of.replace === true);
        return encode(answer);
      default:
        tree.remove(text(of.path), of.all === true, of.trash === true);
        return encode(answer);
    }
  }

  private opened(answer: Head, of: Record<string, unknown>): Uint8Array {
    if (this.open.size >= HANDLES_MAX) {
      throw new FileError("too_many", `${HANDLES_MAX} files are open`, { hint: "close some" });
    }
    const tree = this.tree(of.workspace);
    const path = text(of.path);
    const mode = of.mode as Mode;
    const create = (of.create ?? "never") as Create;
    const file = tree.open(path, mode, create, of.truncate === true);
    const handle = this.number();
    this.open.set(key(handle), { file, mode, tree, path });
    const flags = of.direct === true ? FLAG.direct : 0;
    const head = { ...answer, handle, offset: file.length, flags };
    return encodeJson(head, { stat: tree.stat(path) });
  }

  private closed(handle: HandleNumber): void {
    const watched = this.watched.get(key(handle));
    if (watched) {
      watched.stop();
      watched.wake?.();
      this.watched.delete(key(handle));
      return;
    }
    const open = this.found(handle);
    this.unlock(open);
    this.open.delete(key(handle));
  }

  private readMany(answer: Head, payload: Uint8Array): Uint8Array {
    const parts = decodeParts(payload);
    if (parts.length > PARTS_MAX) throw new FileError("bad_message", "too many parts");
    const pieces = parts.map((part) => this.reading(part.handle).read(part.offset, part.length));
    const sum = pieces.reduce((bytes, piece) => bytes + piece.byteLength, parts.length * 4);
    if (sum > PAYLOAD_BYTES_MAX) throw new FileError("too_large", "ask for fewer bytes at once");
    const bytes = encode(answer, new Uint8Array(sum));
    const view = new DataView(bytes.buffer);
    let at = HEAD_BYTES + parts.length * 4;
    pieces.forEach((piece, index) => {
      view.setUint32(HEAD_BYTES + index * 4, piece.byteLength, true);
      bytes.set(piece, at);
      at += piece.byteLength;
    });
    return bytes;
  }

  private lock(head: Head): void {
    const open = this.found(head.handle);
    const { file } = open;
    if ((head.flags & FLAG.unlock) !== 0) {
      this.unlock(open);
      return;
    }
    const others = [...file.shared].some((owner) => owner !== open);
    const isTaken = file.exclusive !== undefined && file.exclusive !== open;
    const isShared = (head.flags & FLAG.shared) !== 0;
    if (isTaken || (!isShared && others)) {
      throw new FileError("locked", `another one has \`${open.path}\` locked`, { path: open.path });
    }
    this.unlock(open);
    if (isShared) file.shared.add(open);
    else file.exclusive = open;
  }

  private unlock(open: OpenFile): void {
    open.file.shared.delete(open);
    if (open.file.exclusive === open) open.file.exclusive = undefined;
  }

  private watch(tree: MemoryTree, path: string): HandleNumber {
    if (tree.stat(path).kind !== "folder") {
      throw new FileError("not_a_folder", `\`${path}\` is a file`, { path });
    }
    const handle = this.number();
    const watched: Watched = { changes: [], wake: undefined, stop: () => {} };
    const listener = (change: Change) => {
      if (path !== "" && !change.path.startsWith(`${path}/`)) return;
      const known = watched.changes.findIndex((other) => other.path === change.path);
      if (known >= 0) watched.changes.splice(known, 1);
      watched.changes.push(change);
      watched.wake?.();
    };
    tree.listeners.add(listener);
    watched.stop = () => tree.listeners.delete(listener);
    this.watched.set(key(handle), watched);
    return handle;
  }

  private written(handle: HandleNumber, offset: number, bytes: Uint8Array): number {
    const { file, mode, tree, path } = this.writing(handle);
    const end = file.write(mode === "append" ? file.length : offset, bytes);
    tree.tell(path, "changed");
    return end;
  }

  private reading(handle: HandleNumber): MemoryFile {
    const { file, mode, path } = this.found(handle);
    if (mode === "write" || mode === "append") {
      throw new FileError("not_permitted", `\`${path}\` was opened to be written`, { path });
    }
    return file;
  }

  private writing(handle: HandleNumber): OpenFile {
    const open = this.found(handle);
    if (open.mode === "read") {
      throw new FileError("read_only", `\`${open.path}\` was opened to be read`, {
        path: open.path,
      });
    }
    return open;
  }

  private found(handle: HandleNumber): OpenFile {
    const open = this.open.get(key(handle));
    if (!open) throw badHandle();
    return open;
  }

  private tree(workspace: unknown): MemoryTree {
    const granted = this.trees.get(text(workspace));
    if (!granted) {
      throw new FileError("no_grant", "no folder of that name was granted to this page");
    }
    return granted.tree;
  }

  private number(): HandleNumber {
    this.last += 1;
    return { hi: 7, lo: this.last };
  }
}

const key = (handle: HandleNumber) => `${handle.hi}:${handle.lo}`;

const badHandle = () => new FileError("bad_handle", "the handle is of no open file of this page");

const form = (payload: Uint8Array) => fields(readJson(payload));

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) {
    throw new FileError("bad_message", "the payload is no form");
  }
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new FileError("bad_message", "a name is missing");
  return value;
}
