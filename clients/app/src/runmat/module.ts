// RunMat's module as `cargo xtask runmat-wasm` makes it: what it exports, and whether it is there. Most
// builds do without it, so the page asks before it offers to run scripts in itself.

/** What a script's files go through: `window.__orielFiles`, or anything with its functions. */
export interface ScriptFiles {
  call(message: Uint8Array): Uint8Array;
  readInto?(hi: number, lo: number, offset: number, view: ArrayBufferView): number;
  writeFrom?(hi: number, lo: number, offset: number, view: ArrayBufferView): number;
}

/** What is exported by the module, as far as a page uses it. */
export interface RunMatModule {
  default(options?: { module_or_path: URL | string }): Promise<{ memory: WebAssembly.Memory }>;
  initRunMat(options: Record<string, unknown>): Promise<RunMatSession>;
  /** Forgets all figures. */
  resetPlotState(): void;
  /** Takes away the graphics card that RunMat makes up: what is moved to it never comes back. */
  takeCardAway(): void;
  attachFiles(files: ScriptFiles, workspace: string): void;
  detachFiles(): void;
  flushFiles(): void;
  subscribeStdout(callback: (entry: OutputEntry) => void): number;
  unsubscribeStdout(id: number): void;
}

export interface RunMatSession {
  executeRequest(request: unknown): Promise<RunOutcome>;
  materializeVariable(
    selector: { name: string },
    options: { limit?: number; slice?: { start: number[]; shape: number[] } },
  ): Promise<Materialized>;
  /** The scene of a figure as JSON; nothing where there is no such figure. */
  exportFigureScene(figure: number): Promise<Uint8Array | undefined>;
  setInputHandler(handler: ((asked: InputAsked) => Promise<string>) | null): void;
  workspaceSnapshot(): { values: Variable[] };
  cancelExecution(): void;
  resetSession(): void;
  dispose(): void;
}

/** What a script wants of a person. */
export interface InputAsked {
  prompt: string;
  kind: "line" | "keyPress";
  echo?: boolean;
}

/** A value, or a part of it. */
export interface Materialized extends Variable {
  valueText: string;
  valueJson: Record<string, unknown>;
}

/** What a script printed. */
export interface OutputEntry {
  stream: "stdout" | "stderr" | "clear";
  text: string;
  timestampMs: number;
}

/** A variable of a script. */
export interface Variable {
  name: string;
  className: string;
  shape: number[];
  sizeBytes?: number;
  preview?: { values: number[]; truncated: boolean };
}

/** Why a script failed, and where. */
export interface ScriptError {
  kind: string;
  message: string;
  identifier?: string;
  diagnostic: string;
  span?: { start: number; end: number; line: number; column: number };
  callstack: string[];
}

/** How a run ended. */
export interface RunOutcome {
  valueText?: string;
  executionTimeMs: number;
  error?: ScriptError;
  stdout: OutputEntry[];
  displayEvents: { label: string; valueText: string }[];
  workspace: { full: boolean; values: Variable[]; removals: string[] };
  figuresTouched: number[];
  warnings: { identifier: string; message: string }[];
}

/** The list that lies beside the module. */
export interface ModuleList {
  form: number;
  runmat: string;
  compiler: string;
  files: Record<string, { bytes: number }>;
}

/** The way of talking to the module that this page knows. */
export const FORM = 1;

/** Returns what is known of the module in a folder; nothing where it was not built, or for another page. */
export async function findModule(
  folder: URL,
  get: (address: URL) => Promise<Response> = (address) => fetch(address),
): Promise<ModuleList | undefined> {
  try {
    const answer = await get(new URL("manifest.json", folder));
    // A server that answers every address with a page says that the list is there, and sends that page.
    const list: unknown = answer.ok ? await answer.json() : undefined;
    return isList(list) && list.form === FORM ? list : undefined;
  } catch {
    return undefined;
  }
}

function isList(value: unknown): value is ModuleList {
  if (typeof value !== "object" || value === null) return false;
  const { form, runmat, files } = value as Record<string, unknown>;
  return typeof form === "number" && typeof runmat === "string" && typeof files === "object";
}

/** Loads the code of the module. It is no part of the bundle, so the bundler leaves the address alone. */
export function importModule(folder: URL): Promise<RunMatModule> {
  return import(/* @vite-ignore */ new URL("runmat.js", folder).href);
}
