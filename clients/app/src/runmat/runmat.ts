// Scripts in the module, with the files of a workspace behind them. A script holds up its thread while it
// runs, since its files are read and written at once; so the page has it in a worker.

import {
  findModule,
  type InputAsked,
  importModule,
  type Materialized,
  type OutputEntry,
  type RunMatModule,
  type RunMatSession,
  type RunOutcome,
  type ScriptFiles,
  type Variable,
} from "./module";

/** How a script is run. */
export interface RunOptions {
  /** What it is called where it fails. */
  name?: string;
  /** Told of all that is printed, as it is printed. */
  onOutput?: (entry: OutputEntry) => void;
  /** How long it may take. It is looked at when the script prints or uses a file, and only then. */
  secondsMax?: number;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** Where the module comes from; the page's own folder unless told. */
export interface Source {
  folder: URL;
  find?: typeof findModule;
  load?: (folder: URL) => Promise<RunMatModule>;
}

/** A session of RunMat. There is one at a time: its files, output and figures are the module's. */
export class RunMat {
  /** Which version of RunMat it is. */
  readonly version: string;
  readonly #module: RunMatModule;
  readonly #session: RunMatSession;
  readonly #memory: WebAssembly.Memory;
  #isRunning = false;
  #deadline = Number.POSITIVE_INFINITY;
  #now: () => number = () => performance.now();

  private constructor(
    version: string,
    module: RunMatModule,
    session: RunMatSession,
    memory: WebAssembly.Memory,
  ) {
    this.version = version;
    this.#module = module;
    this.#session = session;
    this.#memory = memory;
  }

  /** Loads the module; returns nothing where it was not built. */
  static async load({
    folder,
    find = findModule,
    load = importModule,
  }: Source): Promise<RunMat | undefined> {
    const list = await find(folder);
    if (!list) return undefined;
    const module = await load(folder);
    const { memory } = await module.default({ module_or_path: new URL("runmat_bg.wasm", folder) });
    // Nothing of what a user runs is told to anybody.
    const options = { enableGpu: false, telemetryConsent: false, logLevel: "error" };
    const session = await module.initRunMat(options);
    module.takeCardAway();
    return new RunMat(list.runmat, module, session, memory);
  }

  /** Whether a script runs. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** How much memory the module has. It grows and never shrinks. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Makes a workspace the `/` of every script, by its id. */
  attach(files: ScriptFiles, workspace: string): void {
    this.#module.attachFiles(this.#watched(files), workspace);
  }

  /** Takes the workspace away again; what scripts wrote is written first. */
  detach(): void {
    this.#module.detachFiles();
  }

  /** Runs a script to its end. A script that fails is an outcome with an error; only a module that cannot
   * go on, or a file that could not be written, throws. */
  async run(text: string, options: RunOptions = {}): Promise<RunOutcome> {
    if (this.#isRunning) throw new Error("a script is running; wait for it or stop it first");
    const { name = "untitled.m", onOutput, secondsMax = Number.POSITIVE_INFINITY, now } = options;
    if (now) this.#now = now;
    this.#deadline = this.#now() + secondsMax * 1000;
    this.#isRunning = true;
    const subscription = this.#module.subscribeStdout((entry) => {
      onOutput?.(entry);
      this.#look();
    });
    try {
      const outcome = await this.#session.executeRequest({ source: { kind: "text", name, text } });
      // A script may leave files open, and what it wrote is to be there for others all the same.
      this.#module.flushFiles();
      return outcome;
    } finally {
      this.#module.unsubscribeStdout(subscription);
      this.#deadline = Number.POSITIVE_INFINITY;
      this.#isRunning = false;
    }
  }

  /** Asks the running script to stop. It does at its next statement, and does not leave a builtin. */
  stop(): void {
    this.#session.cancelExecution();
  }

  /** Returns the variables that scripts left. */
  variables(): Variable[] {
    return this.#session.workspaceSnapshot().values;
  }

  /** Returns a part of a variable's value. */
  value(name: string, start: number[], shape: number[]): Promise<Materialized> {
    return this.#session.materializeVariable({ name }, { slice: { start, shape } });
  }

  /** Returns what a figure is made of; nothing where there is none. */
  async scene(figure: number): Promise<unknown> {
    const bytes = await this.#session.exportFigureScene(figure);
    if (!bytes) return undefined;
    return (JSON.parse(new TextDecoder().decode(bytes)) as { figure?: unknown }).figure;
  }

  /** Has somebody asked where a script wants a line. */
  onInput(ask: (asked: InputAsked) => Promise<string>): void {
    this.#session.setInputHandler(ask);
  }

  /** Forgets all variables and figures. */
  reset(): void {
    this.#session.resetSession();
    this.#module.resetPlotState();
  }

  /** Lets go of the session. */
  dispose(): void {
    this.#module.detachFiles();
    this.#session.dispose();
  }

  #look(): void {
    if (this.#now() > this.#deadline) this.stop();
  }

  /** The same files, at each use of which the time is looked at. */
  #watched(files: ScriptFiles): ScriptFiles {
    const { readInto, writeFrom } = files;
    return {
      call: (message) => {
        this.#look();
        return files.call(message);
      },
      ...(readInto && {
        readInto: (hi: number, lo: number, offset: number, view: ArrayBufferView) => {
          this.#look();
          return readInto.call(files, hi, lo, offset, view);
        },
      }),
      ...(writeFrom && {
        writeFrom: (hi: number, lo: number, offset: number, view: ArrayBufferView) => {
          this.#look();
          return writeFrom.call(files, hi, lo, offset, view);
        },
      }),
    };
  }
}
