// The files that are open in tabs: what is in them, whether that was saved, and whether someone else
// changed them meanwhile.

import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { asFileError, type Changes, type Files } from "@oriel/fs-bindings";
import { createStore } from "../store";

export interface Tab {
  key: string;
  workspace: string;
  path: string;
  /** `text` can be edited; the others are told about. */
  kind: "loading" | "text" | "binary" | "large" | "failed";
  isDirty: boolean;
  isReadOnly: boolean;
  modifiedMs: number;
  length: number;
  /** What stands above the text: why it cannot be shown, or was not saved. */
  problem: string;
  /** Someone else changed the file since it was read. */
  isConflict: boolean;
}

/** A longer text makes an editor slow. */
const TEXT_BYTES_MAX = 8 * 1024 * 1024;

export class Editor {
  readonly store = createStore<{ tabs: Tab[]; current: string }>({ tabs: [], current: "" });
  /** The text of each tab, kept while another one is in front. */
  readonly states = new Map<string, EditorState>();
  view: EditorView | undefined;
  private pendingJump: { line: number; column: number } | undefined;

  constructor(private readonly files: Files) {}

  /** Loads what edits text, which is most of the page's code, and is not needed before there is one. */
  code(): Promise<typeof import("./language")> {
    return import("./language");
  }

  current(): Tab | undefined {
    const { tabs, current } = this.store.get();
    return tabs.find((tab) => tab.key === current);
  }

  hasUnsaved(): boolean {
    return this.store.get().tabs.some((tab) => tab.isDirty);
  }

  text(key: string): string {
    const isShown = this.store.get().current === key;
    return ((isShown && this.view?.state) || this.states.get(key))?.doc.toString() ?? "";
  }

  async open(workspace: string, path: string): Promise<void> {
    const key = `${workspace}\n${path}`;
    if (this.store.get().tabs.some((tab) => tab.key === key)) {
      this.store.set({ current: key });
      return;
    }
    const tab: Tab = {
      key,
      workspace,
      path,
      kind: "loading",
      isDirty: false,
      isReadOnly: false,
      modifiedMs: 0,
      length: 0,
      problem: "",
      isConflict: false,
    };
    this.store.set(({ tabs }) => ({ tabs: [...tabs, tab], current: key }));
    await this.load(key);
  }

  /** Reads the file anew; what was typed and not saved goes. */
  async load(key: string): Promise<void> {
    const tab = this.find(key);
    if (!tab) return;
    try {
      const workspace = this.files.workspace(tab.workspace);
      const stat = await workspace.stat(tab.path);
      const known = {
        modifiedMs: stat.modifiedMs,
        length: stat.length,
        isReadOnly: stat.isReadOnly,
        isDirty: false,
        isConflict: false,
        problem: "",
      };
      if (stat.length > TEXT_BYTES_MAX) {
        this.change(key, { ...known, kind: "large" });
        return;
      }
      const bytes = await workspace.readFile(tab.path);
      const text = asText(bytes);
      if (text === undefined) {
        this.change(key, { ...known, kind: "binary" });
        return;
      }
      const { stateOf } = await this.code();
      const save = () => void this.save(key);
      const touched = () => this.touched(key);
      this.states.set(key, stateOf(tab.path, text, stat.isReadOnly, save, touched));
      this.change(key, { ...known, kind: "text" });
    } catch (thrown) {
      this.change(key, { kind: "failed", problem: asFileError(thrown).message });
    }
  }

  private touched(key: string): void {
    if (!this.find(key)?.isDirty) this.change(key, { isDirty: true });
  }

  /** Saves; fails where someone else changed the file, unless told to save all the same. */
  async save(key: string, anyway = false): Promise<boolean> {
    const tab = this.find(key);
    if (tab?.kind !== "text" || tab.isReadOnly) return false;
    const workspace = this.files.workspace(tab.workspace);
    const text = this.text(key);
    try {
      const isThere = await workspace.exists(tab.path);
      const there = isThere ? await workspace.stat(tab.path) : undefined;
      if (!anyway && there && there.modifiedMs !== tab.modifiedMs) {
        const problem = "Someone else changed this file since it was opened.";
        this.change(key, { isConflict: true, problem });
        return false;
      }
      const stat = await workspace.replaceFile(tab.path, new TextEncoder().encode(text));
      // What was typed while it was written is not saved yet.
      const isDirty = this.text(key) !== text;
      const { modifiedMs, length } = stat;
      this.change(key, { modifiedMs, length, isDirty, isConflict: false, problem: "" });
      return true;
    } catch (thrown) {
      this.change(key, { problem: `Not saved: ${asFileError(thrown).message}` });
      return false;
    }
  }

  close(key: string): void {
    this.states.delete(key);
    this.store.set(({ tabs, current }) => {
      const at = tabs.findIndex((tab) => tab.key === key);
      const left = tabs.filter((tab) => tab.key !== key);
      const next = left[Math.min(at, left.length - 1)]?.key ?? "";
      return { tabs: left, current: current === key ? next : current };
    });
  }

  select(key: string): void {
    this.store.set({ current: key });
  }

  renamed(workspace: string, from: string, to: string): void {
    const rename = (tab: Tab): Tab => {
      const isIt = tab.workspace === workspace && `${tab.path}/`.startsWith(`${from}/`);
      return isIt ? { ...tab, path: to + tab.path.slice(from.length) } : tab;
    };
    this.store.set(({ tabs }) => ({ tabs: tabs.map(rename) }));
  }

  /** Reads anew what changed outside and has nothing unsaved; tells of it where it has. */
  async heard(workspace: string, news: Changes): Promise<void> {
    const paths = new Set(news.changes.map((change) => change.path));
    for (const tab of this.store.get().tabs) {
      const isIt = tab.workspace === workspace && (news.lookAgain || paths.has(tab.path));
      if (!isIt || tab.kind === "loading") continue;
      const stat = await this.files
        .workspace(workspace)
        .stat(tab.path)
        .catch(() => undefined);
      const now = this.find(tab.key);
      if (!stat || !now || stat.modifiedMs === now.modifiedMs) continue;
      if (!now.isDirty) await this.load(tab.key);
      else {
        const problem = "Someone else changed this file since it was opened.";
        this.change(tab.key, { isConflict: true, problem });
      }
    }
  }

  jump(line: number, column: number): void {
    this.pendingJump = { line, column };
    this.takeJump();
  }

  /** Goes to where it was asked to, once the text is shown. */
  takeJump(): void {
    const { view, pendingJump } = this;
    if (!view || !pendingJump || this.current()?.kind !== "text") return;
    this.pendingJump = undefined;
    const line = view.state.doc.line(Math.min(Math.max(1, pendingJump.line), view.state.doc.lines));
    const anchor = Math.min(line.from + Math.max(0, pendingJump.column - 1), line.to);
    view.dispatch({ selection: { anchor }, scrollIntoView: true });
    view.focus();
  }

  private find(key: string): Tab | undefined {
    return this.store.get().tabs.find((tab) => tab.key === key);
  }

  private change(key: string, change: Partial<Tab>): void {
    const one = (tab: Tab) => (tab.key === key ? { ...tab, ...change } : tab);
    this.store.set(({ tabs }) => ({ tabs: tabs.map(one) }));
  }
}

/** Returns bytes as text; nothing where they are none. */
export function asText(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 8192).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
