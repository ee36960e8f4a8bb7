// The granted folders and what is in them, as far as a person has opened them.

import {
  asFileError,
  type Changes,
  type Entry,
  FileError,
  type Watching,
  type Workspace,
} from "@oriel/fs-bindings";
import type { Editor } from "../editor/editor";
import type { Host } from "../host";
import { createStore } from "../store";

/** A line of the tree. */
export interface Row {
  key: string;
  workspace: Workspace;
  path: string;
  name: string;
  depth: number;
  kind: Entry["kind"] | "workspace";
  isOpen: boolean;
  length: number;
  /** Instead of something in it: why a folder cannot be shown, or that it is empty. */
  note?: string;
}

export interface TreeState {
  workspaces: Workspace[];
  /** What is in each open folder; `undefined` while it is read. */
  folders: ReadonlyMap<string, Entry[] | undefined | FileError>;
  selected: string;
  isLoading: boolean;
  error: string;
}

export const keyOf = (workspace: string, path: string) => `${workspace}\n${path}`;
export const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
export const join = (folder: string, name: string) => (folder === "" ? name : `${folder}/${name}`);

export class Tree {
  readonly store = createStore<TreeState>({
    workspaces: [],
    folders: new Map(),
    selected: "",
    isLoading: true,
    error: "",
  });
  private readonly watched = new Map<string, Watching>();

  constructor(
    private readonly host: Host,
    private readonly editor: Editor,
  ) {}

  async load(): Promise<void> {
    this.store.set({ isLoading: true, error: "" });
    try {
      const workspaces = await this.host.files.workspaces();
      this.store.set({ workspaces, isLoading: false });
      const [first] = workspaces;
      if (first && this.store.get().folders.size === 0) await this.open(first.id, "");
      for (const workspace of workspaces) void this.watch(workspace.id);
    } catch (thrown) {
      this.store.set({ isLoading: false, error: asFileError(thrown).message });
    }
  }

  async grant(access: "read" | "read_write"): Promise<void> {
    try {
      const granted = await this.host.grant?.(access);
      if (!granted) return;
      await this.load();
      await this.open(granted.id, "");
    } catch (thrown) {
      this.store.set({ error: asFileError(thrown).message });
    }
  }

  async open(workspace: string, path: string): Promise<void> {
    const key = keyOf(workspace, path);
    if (!this.store.get().folders.has(key)) this.put(key, undefined);
    try {
      this.put(key, sorted(await this.host.files.workspace(workspace).readDir(path)));
    } catch (thrown) {
      this.put(key, asFileError(thrown));
    }
  }

  close(workspace: string, path: string): void {
    const folders = new Map(this.store.get().folders);
    folders.delete(keyOf(workspace, path));
    this.store.set({ folders });
  }

  private put(key: string, entries: Entry[] | undefined | FileError): void {
    const folders = new Map(this.store.get().folders);
    folders.set(key, entries);
    this.store.set({ folders });
  }

  private async watch(workspace: string): Promise<void> {
    if (this.watched.has(workspace)) return;
    try {
      const watching = await this.host.files.workspace(workspace).watch("");
      this.watched.set(workspace, watching);
      for await (const news of watching) await this.heard(workspace, news);
    } catch {
      // A folder that cannot be watched is shown all the same, and looked at anew by hand.
    } finally {
      this.watched.delete(workspace);
    }
  }

  private async heard(workspace: string, news: Changes): Promise<void> {
    const open = [...this.store.get().folders.keys()];
    const touched = new Set(news.changes.map((change) => keyOf(workspace, parentOf(change.path))));
    for (const key of open) {
      const [owner, path = ""] = key.split("\n");
      if (owner !== workspace || !(news.lookAgain || touched.has(key))) continue;
      await this.open(workspace, path);
    }
    await this.editor.heard(workspace, news);
  }

  async makeFile(workspace: string, folder: string, name: string): Promise<void> {
    const path = join(folder, name);
    await this.host.files
      .workspace(workspace)
      .replaceFile(path, new Uint8Array(), { create: "must" });
    await this.open(workspace, folder);
    await this.editor.open(workspace, path);
  }

  async makeFolder(workspace: string, folder: string, name: string): Promise<void> {
    await this.host.files.workspace(workspace).makeFolder(join(folder, name));
    await this.open(workspace, folder);
  }

  async rename(workspace: string, path: string, name: string): Promise<void> {
    const to = join(parentOf(path), name);
    await this.host.files.workspace(workspace).rename(path, to);
    this.editor.renamed(workspace, path, to);
    await this.open(workspace, parentOf(path));
  }

  /** Moves to the trash. Where there is none it fails with `unsupported`, and `forGood` removes. */
  async remove(workspace: string, path: string, forGood: boolean): Promise<void> {
    const options = forGood ? { all: true } : { trash: true };
    await this.host.files.workspace(workspace).remove(path, options);
    await this.open(workspace, parentOf(path));
  }
}

/** Folders first, then names as people sort them. */
function sorted(entries: Entry[]): Entry[] {
  const rank = (entry: Entry) => (entry.kind === "folder" ? 0 : 1);
  const order = new Intl.Collator(undefined, { numeric: true });
  return entries.sort((a, b) => rank(a) - rank(b) || order.compare(a.name, b.name));
}

/** Returns the lines that are seen, from top to bottom. */
export function rowsOf({ workspaces, folders }: TreeState): Row[] {
  const rows: Row[] = [];
  const note = (row: Row, text: string): Row => ({
    ...row,
    key: `${row.key}\n`,
    kind: "other",
    depth: row.depth + 1,
    name: text,
    note: text,
  });
  const add = (row: Row) => {
    const key = keyOf(row.workspace.id, row.path);
    const isOpen = folders.has(key) && (row.kind === "folder" || row.kind === "workspace");
    rows.push({ ...row, isOpen });
    if (!isOpen) return;
    const entries = folders.get(key);
    if (entries === undefined) rows.push(note(row, "Reading …"));
    else if (entries instanceof FileError) rows.push(note(row, entries.message));
    else if (entries.length === 0) rows.push(note(row, "Empty"));
    else for (const entry of entries) add(childOf(row, entry));
  };
  for (const workspace of workspaces) {
    const name = workspace.name;
    const row = { key: keyOf(workspace.id, ""), workspace, path: "", name, depth: 0, length: 0 };
    add({ ...row, kind: "workspace", isOpen: false });
  }
  return rows;
}

function childOf(row: Row, entry: Entry): Row {
  const path = join(row.path, entry.name);
  return {
    key: keyOf(row.workspace.id, path),
    workspace: row.workspace,
    path,
    name: entry.name,
    depth: row.depth + 1,
    kind: entry.kind,
    isOpen: false,
    length: entry.length,
  };
}
