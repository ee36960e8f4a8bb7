// Files of the browser with the rules of a granted folder. Each open file has one access handle, which
// reads and writes at any place; a file that is replaced or removed while it is open lives on aside.

import { FileError } from "../errors";
import type { Create, Entry, Stat } from "../generated/hostfs";
import { split } from "../memory/tree";

/** An open file, which several handles may share. */
export interface Shared {
  file: FileSystemFileHandle;
  access: FileSystemSyncAccessHandle;
  users: Set<object>;
  exclusive: object | undefined;
  readers: Set<object>;
  /** Set where no name leads to it any more. */
  aside: string | undefined;
}

/** What a worker can do with an open file; the types of pages do not have it. */
export interface FileSystemSyncAccessHandle {
  read(into: BufferSource, options: { at: number }): number;
  write(bytes: BufferSource, options: { at: number }): number;
  getSize(): number;
  truncate(length: number): void;
  flush(): void;
  close(): void;
}

/** Browsers can do more with files than their types know. */
interface Movable extends FileSystemFileHandle {
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>;
}

const access = (file: FileSystemFileHandle) => (file as Movable).createSyncAccessHandle();

export class OpfsStore {
  /** Open files by path. */
  private readonly open = new Map<string, Shared>();

  private constructor(
    private readonly root: FileSystemDirectoryHandle,
    private readonly asides: FileSystemDirectoryHandle,
  ) {}

  static async create(): Promise<OpfsStore> {
    const top = await navigator.storage.getDirectory();
    const root = await top.getDirectoryHandle("workspace", { create: true });
    // What lived on aside in an earlier page has no user any more.
    await top.removeEntry("aside", { recursive: true }).catch(() => {});
    return new OpfsStore(root, await top.getDirectoryHandle("aside", { create: true }));
  }

  async use(path: string, create: Create, truncate: boolean, user: object): Promise<Shared> {
    const there = this.open.get(path);
    if (there && create === "must") throw exists(path);
    const shared = there ?? (await this.opened(path, create));
    shared.users.add(user);
    if (truncate) shared.access.truncate(0);
    return shared;
  }

  private async opened(path: string, create: Create): Promise<Shared> {
    const { folder, name } = await this.place(path);
    const kind = await kindOf(folder, name);
    if (kind === "folder") throw new FileError("not_a_file", `\`${path}\` is a folder`, { path });
    if (kind && create === "must") throw exists(path);
    if (!kind && create === "never") throw notFound(path);
    const file = await folder.getFileHandle(name, { create: true });
    const opened = await access(file);
    const shared: Shared = {
      file,
      access: opened,
      users: new Set(),
      exclusive: undefined,
      readers: new Set(),
      aside: undefined,
    };
    this.open.set(path, shared);
    return shared;
  }

  async leave(shared: Shared, user: object): Promise<void> {
    shared.users.delete(user);
    shared.readers.delete(user);
    if (shared.exclusive === user) shared.exclusive = undefined;
    if (shared.users.size > 0) return;
    shared.access.close();
    for (const [path, other] of this.open) if (other === shared) this.open.delete(path);
    if (shared.aside !== undefined) await this.asides.removeEntry(shared.aside).catch(() => {});
  }

  async replace(path: string, create: Create, bytes: Uint8Array): Promise<void> {
    const { folder, name } = await this.place(path);
    const kind = await kindOf(folder, name);
    if (kind === "folder") throw new FileError("not_a_file", `\`${path}\` is a folder`, { path });
    if (kind && create === "must") throw exists(path);
    if (!kind && create === "never") throw notFound(path);
    const beside = crypto.randomUUID();
    const fresh = await this.asides.getFileHandle(beside, { create: true });
    const writer = await access(fresh);
    writer.write(bytes as BufferSource, { at: 0 });
    writer.flush();
    writer.close();
    await this.setAside(path);
    await (fresh as Movable).move(folder, name);
  }

  /** Moves an open file out of the way; whoever has it open goes on with it. */
  private async setAside(path: string): Promise<void> {
    const shared = this.open.get(path);
    if (!shared) return;
    this.open.delete(path);
    shared.aside = crypto.randomUUID();
    await this.moveShared(shared, this.asides, shared.aside);
  }

  private async moveShared(shared: Shared, folder: FileSystemDirectoryHandle, name: string) {
    // A file that is open for writing cannot be moved.
    shared.access.close();
    try {
      await (shared.file as Movable).move(folder, name);
    } finally {
      shared.access = await access(shared.file);
    }
  }

  async stat(path: string): Promise<Stat> {
    const shared = this.open.get(path);
    if (shared) return statOf(shared.access.getSize(), Date.now());
    const names = split(path);
    const name = names.pop();
    const folder = await this.folder(names, path);
    const kind = name === undefined ? "folder" : await kindOf(folder, name);
    if (kind === undefined) throw notFound(path);
    if (kind === "folder" || name === undefined) return { ...statOf(0, 0), kind: "folder" };
    const file = await (await folder.getFileHandle(name)).getFile();
    return statOf(file.size, file.lastModified);
  }

  async list(path: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const handle of (await this.folder(split(path), path)).values()) {
      const { name } = handle;
      if (handle.kind === "directory") {
        entries.push({ name, kind: "folder", length: 0, modifiedMs: 0 });
        continue;
      }
      const { kind, length, modifiedMs } = await this.stat(path === "" ? name : `${path}/${name}`);
      entries.push({ name, kind, length, modifiedMs });
    }
    const encoder = new TextEncoder();
    const key = (name: string) => String.fromCharCode(...encoder.encode(name));
    return entries.sort((a, b) => (key(a.name) < key(b.name) ? -1 : 1));
  }

  async makeFolder(path: string, parents: boolean): Promise<void> {
    const names = split(path);
    const name = names.pop();
    if (name === undefined) throw exists(path);
    if (!parents) {
      const folder = await this.folder(names, path);
      if (await kindOf(folder, name)) throw exists(path);
      await folder.getDirectoryHandle(name, { create: true });
      return;
    }
    let folder = this.root;
    for (const part of [...names, name]) {
      if ((await kindOf(folder, part)) === "file") {
        throw new FileError("not_a_folder", `a part of \`${path}\` is a file`, { path });
      }
      folder = await folder.getDirectoryHandle(part, { create: true });
    }
  }

  async rename(from: string, to: string, replace: boolean): Promise<void> {
    const source = await this.place(from);
    const target = await this.place(to);
    const kind = await kindOf(source.folder, source.name);
    if (!kind) throw notFound(from);
    if (`${to}/`.startsWith(`${from}/`) && to !== from) {
      throw new FileError("bad_name", `\`${from}\` cannot go into itself`, { path: to });
    }
    const there = await kindOf(target.folder, target.name);
    if (there && !replace) throw exists(to);
    if (there === "folder") await removeFrom(target.folder, target.name, to, false);
    else if (there) await this.setAside(to);
    await this.move(from, to);
  }

  private async move(from: string, to: string): Promise<void> {
    const source = await this.place(from);
    const target = await this.place(to);
    if ((await kindOf(source.folder, source.name)) === "folder") {
      const folder = await source.folder.getDirectoryHandle(source.name);
      await target.folder.getDirectoryHandle(target.name, { create: true });
      for await (const name of folder.keys()) await this.move(`${from}/${name}`, `${to}/${name}`);
      await source.folder.removeEntry(source.name);
      return;
    }
    const shared = this.open.get(from);
    if (shared) {
      this.open.delete(from);
      await this.moveShared(shared, target.folder, target.name);
      this.open.set(to, shared);
      return;
    }
    const file = await source.folder.getFileHandle(source.name);
    await (file as Movable).move(target.folder, target.name);
  }

  async remove(path: string, all: boolean): Promise<void> {
    const { folder, name } = await this.place(path);
    if (!(await kindOf(folder, name))) throw notFound(path);
    if (this.open.has(path)) {
      await this.setAside(path);
      return;
    }
    for (const other of [...this.open.keys()]) {
      if (all && other.startsWith(`${path}/`)) await this.setAside(other);
    }
    await removeFrom(folder, name, path, all);
  }

  private async place(path: string): Promise<{ folder: FileSystemDirectoryHandle; name: string }> {
    const names = split(path);
    const name = names.pop();
    if (name === undefined) {
      throw new FileError("not_a_file", "that is the granted folder itself", { path });
    }
    return { folder: await this.folder(names, path), name };
  }

  private async folder(names: string[], path: string): Promise<FileSystemDirectoryHandle> {
    let folder = this.root;
    for (const name of names) {
      const kind = await kindOf(folder, name);
      if (!kind) throw notFound(path);
      if (kind === "file") {
        throw new FileError("not_a_folder", `a part of \`${path}\` is a file`, { path });
      }
      folder = await folder.getDirectoryHandle(name);
    }
    return folder;
  }
}

async function kindOf(folder: FileSystemDirectoryHandle, name: string) {
  try {
    await folder.getFileHandle(name);
    return "file" as const;
  } catch (thrown) {
    const { name: why } = thrown as DOMException;
    if (why === "TypeMismatchError") return "folder" as const;
    if (why === "NotFoundError") return undefined;
    throw new FileError("bad_name", `\`${name}\` is no name here`);
  }
}

async function removeFrom(
  folder: FileSystemDirectoryHandle,
  name: string,
  path: string,
  all: boolean,
): Promise<void> {
  try {
    await folder.removeEntry(name, { recursive: all });
  } catch (thrown) {
    if ((thrown as DOMException).name !== "InvalidModificationError") throw thrown;
    throw new FileError("not_empty", `\`${path}\` has something in it`, { path });
  }
}

const statOf = (length: number, modifiedMs: number): Stat => ({
  kind: "file",
  length,
  modifiedMs,
  isReadOnly: false,
});

const notFound = (path: string) => new FileError("not_found", `there is no \`${path}\``, { path });
const exists = (path: string) =>
  new FileError("exists", `there is a \`${path}\` already`, { path });
