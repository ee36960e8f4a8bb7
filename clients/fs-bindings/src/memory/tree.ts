// Folders and files in memory, with the rules of a granted folder.

import { FileError } from "../errors";
import type { Create, Entry, Mode, Stat } from "../generated/hostfs";
import { PATH_BYTES_MAX } from "../generated/hostfs";

/** A file's bytes. Its room grows by doubling, as a list's does. */
export class MemoryFile {
  readonly kind = "file";
  private room = new Uint8Array(0);
  length = 0;
  modifiedMs: number;
  exclusive: object | undefined;
  readonly shared = new Set<object>();

  constructor(readonly clock: () => number) {
    this.modifiedMs = clock();
  }

  read(offset: number, length: number): Uint8Array {
    return this.room.subarray(
      Math.min(offset, this.length),
      Math.min(offset + length, this.length),
    );
  }

  write(offset: number, bytes: Uint8Array): number {
    const end = offset + bytes.byteLength;
    if (end > this.room.byteLength) this.grow(end);
    this.room.set(bytes, offset);
    this.length = Math.max(this.length, end);
    this.modifiedMs = this.clock();
    return end;
  }

  setLength(length: number): void {
    if (length > this.room.byteLength) this.grow(length);
    // What is cut off must not come back when the file grows again.
    if (length < this.length) this.room.fill(0, length, this.length);
    this.length = length;
    this.modifiedMs = this.clock();
  }

  private grow(room: number): void {
    if (room > 2 ** 31) {
      throw new FileError("disk_full", `${room} bytes do not fit into memory`);
    }
    const more = new Uint8Array(Math.max(room, this.room.byteLength * 2));
    more.set(this.room.subarray(0, this.length));
    this.room = more;
  }
}

export class MemoryFolder {
  readonly kind = "folder";
  readonly entries = new Map<string, MemoryFile | MemoryFolder>();
  modifiedMs: number;

  constructor(clock: () => number) {
    this.modifiedMs = clock();
  }
}

/** The longest name, as on Linux. */
const NAME_BYTES_MAX = 255;

type Node = MemoryFile | MemoryFolder;
type Change = { path: string; kind: "made" | "changed" | "removed" };

export class MemoryTree {
  readonly root: MemoryFolder;
  readonly trash: { path: string; node: Node }[] = [];
  isReadOnly = false;
  /** Hears of everything that changes. */
  readonly listeners = new Set<(change: Change) => void>();

  constructor(readonly clock: () => number) {
    this.root = new MemoryFolder(clock);
  }

  open(path: string, mode: Mode, create: Create, truncate: boolean): MemoryFile {
    if (mode !== "read" || create !== "never" || truncate) this.mayWrite(path);
    const { folder, name } = this.place(path, mode !== "read" || create !== "never");
    const there = folder.entries.get(name);
    if (there instanceof MemoryFolder) {
      throw new FileError("not_a_file", `\`${path}\` is a folder`, { path });
    }
    if (there && create === "must") throw exists(path);
    if (!there && create === "never") throw notFound(path);
    const file = there ?? new MemoryFile(this.clock);
    if (!there) {
      folder.entries.set(name, file);
      this.tell(path, "made");
    } else if (truncate) {
      file.setLength(0);
      this.tell(path, "changed");
    }
    return file;
  }

  replace(path: string, create: Create, bytes: Uint8Array): Stat {
    this.mayWrite(path);
    const { folder, name } = this.place(path, true);
    const there = folder.entries.get(name);
    if (there instanceof MemoryFolder) {
      throw new FileError("not_a_file", `\`${path}\` is a folder`, { path });
    }
    if (there && create === "must") throw exists(path);
    if (!there && create === "never") throw notFound(path);
    // Whoever has the old file open goes on reading it.
    const file = new MemoryFile(this.clock);
    file.write(0, bytes);
    folder.entries.set(name, file);
    this.tell(path, there ? "changed" : "made");
    return this.stat(path);
  }

  stat(path: string): Stat {
    const node = this.find(path);
    return {
      kind: node.kind,
      length: node instanceof MemoryFile ? node.length : 0,
      modifiedMs: node.modifiedMs,
      isReadOnly: this.isReadOnly,
    };
  }

  list(path: string): Entry[] {
    const node = this.find(path);
    if (!(node instanceof MemoryFolder)) {
      throw new FileError("not_a_folder", `\`${path}\` is a file`, { path });
    }
    const entry = ([name, of]: [string, Node]): Entry => ({
      name,
      kind: of.kind,
      length: of instanceof MemoryFile ? of.length : 0,
      modifiedMs: of.modifiedMs,
    });
    return [...node.entries].map(entry).sort((a, b) => compareBytes(a.name, b.name));
  }

  makeFolder(path: string, parents: boolean): void {
    this.mayWrite(path);
    const names = split(path);
    if (names.length === 0) {
      if (parents) return;
      throw exists(path);
    }
    let folder = this.root;
    names.forEach((name, index) => {
      const there = folder.entries.get(name);
      const so = names.slice(0, index + 1).join("/");
      const isLast = index === names.length - 1;
      if (there instanceof MemoryFile) {
        throw isLast
          ? exists(path)
          : new FileError("not_a_folder", `\`${so}\` is a file`, { path });
      }
      if (there && isLast && !parents) throw exists(path);
      if (!there && !isLast && !parents) throw notFound(so);
      if (there) {
        folder = there;
        return;
      }
      const made = new MemoryFolder(this.clock);
      folder.entries.set(name, made);
      folder = made;
      this.tell(so, "made");
    });
  }

  rename(from: string, to: string, replace: boolean): void {
    this.mayWrite(from);
    this.mayWrite(to);
    const source = this.place(from, true);
    const target = this.place(to, true);
    const node = source.folder.entries.get(source.name);
    if (!node) throw notFound(from);
    if (`${to}/`.startsWith(`${from}/`) && to !== from) {
      throw new FileError("bad_name", `\`${from}\` cannot go into itself`, { path: to });
    }
    const there = target.folder.entries.get(target.name);
    if (there && !replace) throw exists(to);
    if (there instanceof MemoryFolder && there.entries.size > 0 && there !== node) {
      throw new FileError("not_empty", `\`${to}\` has something in it`, { path: to });
    }
    source.folder.entries.delete(source.name);
    target.folder.entries.set(target.name, node);
    this.tell(from, "removed");
    this.tell(to, there ? "changed" : "made");
  }

  remove(path: string, all: boolean, trash: boolean): void {
    this.mayWrite(path);
    const { folder, name } = this.place(path, true);
    const node = folder.entries.get(name);
    if (!node) throw notFound(path);
    if (node instanceof MemoryFolder && node.entries.size > 0 && !all && !trash) {
      throw new FileError("not_empty", `\`${path}\` has something in it`, { path });
    }
    folder.entries.delete(name);
    if (trash) this.trash.push({ path, node });
    this.tell(path, "removed");
  }

  find(path: string): Node {
    let node: Node = this.root;
    for (const name of split(path)) {
      if (!(node instanceof MemoryFolder)) {
        throw new FileError("not_a_folder", `a part of \`${path}\` is a file`, { path });
      }
      const next: Node | undefined = node.entries.get(name);
      if (!next) throw notFound(path);
      node = next;
    }
    return node;
  }

  tell(path: string, kind: Change["kind"]): void {
    for (const listener of this.listeners) listener({ path, kind });
  }

  private place(path: string, isWritten: boolean): { folder: MemoryFolder; name: string } {
    const names = split(path);
    const name = names.pop();
    if (name === undefined) {
      const code = isWritten ? "denied" : "not_a_file";
      throw new FileError(code, "that is the granted folder itself", { path });
    }
    const folder = this.find(names.join("/"));
    if (!(folder instanceof MemoryFolder)) {
      throw new FileError("not_a_folder", `a part of \`${path}\` is a file`, { path });
    }
    return { folder, name };
  }

  private mayWrite(path: string): void {
    if (this.isReadOnly) {
      throw new FileError("read_only", "the folder was granted to be read", { path });
    }
    const kept = split(path).find((name) => name.startsWith("."));
    if (kept !== undefined) {
      throw new FileError("denied", `\`${kept}\` is kept from pages`, { path });
    }
  }
}

export function split(path: string): string[] {
  if (path === "") return [];
  if (path.includes("\0")) throw new FileError("bad_name", "a name has no zero byte", { path });
  if (new TextEncoder().encode(path).byteLength > PATH_BYTES_MAX) {
    throw new FileError("bad_name", "the path is too long", { path });
  }
  const names = path.split("/");
  if (names.some((name) => name.length > NAME_BYTES_MAX)) {
    throw new FileError("bad_name", "a name is too long", { path });
  }
  if (path.startsWith("/") || names.includes("..")) {
    throw new FileError("outside", `\`${path}\` leads out of the granted folder`, { path });
  }
  if (names.some((name) => name === "" || name === ".")) {
    throw new FileError("bad_name", `\`${path}\` is no path`, { path });
  }
  return names;
}

const notFound = (path: string) => new FileError("not_found", `there is no \`${path}\``, { path });
const exists = (path: string) =>
  new FileError("exists", `there is a \`${path}\` already`, { path });

function compareBytes(a: string, b: string): number {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
