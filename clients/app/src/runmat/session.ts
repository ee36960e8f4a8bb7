// A session of scripts in the module: requests in, answers and events out, as `oriel-compute` has them. It
// runs in a worker, and what holds it up is ended with that worker.

import {
  type Answer,
  type Code,
  type Diagnostic,
  type Event,
  type FigureBrief,
  type HistoryEntry,
  PROTOCOL_VERSION,
  type Request,
} from "@oriel/shared/compute";
import type { RunOutcome } from "./module";
import type { RunMat } from "./runmat";
import { partOf, problemOf, variableOf } from "./values";

type Engine = Pick<
  RunMat,
  "version" | "run" | "variables" | "value" | "scene" | "onInput" | "reset" | "memoryBytes"
>;

const VARIABLES_MAX = 1_000;
const HISTORY_MAX = 100;
const REMEMBERED_LENGTH_MAX = 4_096;

const failed = (code: Code, message: string): Answer => ({ type: "failed", code, message });

const words = (thrown: unknown) => String((thrown as { message?: unknown })?.message ?? thrown);

export class Session {
  private run = 0;
  private isRunning = false;
  private printed = 0;
  private questions = 0;
  private answerLine: ((line: string) => void) | undefined;
  private figures = new Map<number, FigureBrief>();
  private history: HistoryEntry[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly tell: (event: Event) => void,
    private readonly clock: () => number = Date.now,
  ) {
    engine.onInput(({ prompt, kind, echo }) => {
      this.questions += 1;
      const question = this.questions;
      const wanted = kind === "keyPress" ? "key" : echo === false ? "secret" : "line";
      this.tell({ type: "input_asked", run: this.run, question, prompt, kind: wanted });
      return new Promise((resolve) => {
        this.answerLine = (line) => {
          this.answerLine = undefined;
          this.tell({ type: "input_over", question });
          resolve(line);
        };
      });
    });
    tell({
      type: "ready",
      protocol: PROTOCOL_VERSION,
      engine: `RunMat ${engine.version}`,
      limits: {},
      isConfined: true,
    });
  }

  async ask(request: Request): Promise<Answer> {
    switch (request.type) {
      case "run":
        return this.begin(request.source);
      case "answer_input":
        return this.input(request.question, request.text);
      case "history":
        return { type: "history", runs: this.history };
      case "status":
        return {
          type: "status",
          state: this.isRunning ? "running" : "idle",
          memoryBytes: this.engine.memoryBytes,
          limits: {},
          isConfined: true,
        };
      case "figures":
        return { type: "figures", figures: this.allFigures() };
      case "variables":
        return { type: "variables", ...this.allVariables() };
      case "interrupt":
      case "stop":
        return failed("unsupported", "a script in the page is stopped by ending its worker");
      default:
        if (this.isRunning) return failed("busy", "a script runs; stop it or wait for its end");
        return this.look(request);
    }
  }

  private async look(
    request: Extract<Request, { type: "reset" | "value" | "figure" }>,
  ): Promise<Answer> {
    try {
      if (request.type === "value") return { type: "value", ...(await this.value(request)) };
      if (request.type === "figure") {
        const { figure } = request;
        const scene = await this.engine.scene(figure);
        if (scene === undefined) return failed("not_found", `there is no figure ${figure}`);
        return { type: "figure", figure, scene };
      }
      this.engine.reset();
      this.figures.clear();
      this.tell({ type: "variables", variables: [], more: 0 });
      this.tell({ type: "figures", figures: [], changed: [] });
      return { type: "done" };
    } catch (thrown) {
      return failed("engine", words(thrown));
    }
  }

  private begin(source: Extract<Request, { type: "run" }>["source"]): Answer {
    if (this.isRunning) return failed("busy", "a script runs; stop it or wait for its end");
    if (source.type !== "text") return failed("bad_message", "the script has to come as text");
    this.isRunning = true;
    this.run += 1;
    // It holds up the thread, so it begins when its answer has gone.
    setTimeout(() => void this.play(source.name ?? "untitled.m", source.text));
    return { type: "started", run: this.run };
  }

  private async play(name: string, text: string): Promise<void> {
    const { run } = this;
    const startedMs = this.clock();
    this.printed = 0;
    this.tell({ type: "run_started", run, name });
    let diagnostics: Diagnostic[];
    let touched: number[] = [];
    try {
      const outcome = await this.engine.run(text, {
        name,
        onOutput: ({ stream, text }) => {
          this.printed += 1;
          this.tell({ type: "output", run, number: this.printed, stream, text });
        },
      });
      diagnostics = problemsOf(outcome, name, text);
      touched = [...outcome.figuresTouched];
    } catch (thrown) {
      // The module itself cannot go on; whoever started it ends the worker.
      if (thrown instanceof WebAssembly.RuntimeError) throw thrown;
      diagnostics = [
        { severity: "error", code: "Oriel:Page", message: words(thrown), file: name, stack: [] },
      ];
    }
    const isFailed = diagnostics.some(({ severity }) => severity === "error");
    const outcome = isFailed ? "failed" : "completed";
    const tookMs = this.clock() - startedMs;
    this.remember({ run, name, startedMs, tookMs, outcome, text });
    await this.lookAtFigures(touched);
    this.isRunning = false;
    this.tell({ type: "variables", ...this.allVariables() });
    this.tell({ type: "figures", figures: this.allFigures(), changed: touched });
    this.tell({ type: "run_ended", run, outcome, tookMs, diagnostics });
  }

  /** The module tells which figures a run touched, and no more; a title is in a figure's scene. */
  private async lookAtFigures(touched: readonly number[]): Promise<void> {
    for (const figure of new Set([...this.figures.keys(), ...touched])) {
      let scene: { metadata?: { title?: string }; plots?: unknown[] } | undefined;
      try {
        scene = (await this.engine.scene(figure)) as typeof scene;
      } catch {
        // It is too large to be described; that is said when it is asked for.
        scene = {};
      }
      if (!scene) this.figures.delete(figure);
      else {
        const { metadata, plots } = scene;
        const brief = { figure, title: metadata?.title ?? "", plots: plots?.length ?? 0 };
        this.figures.set(figure, brief);
      }
    }
  }

  private allFigures(): FigureBrief[] {
    return [...this.figures.values()].sort((one, other) => one.figure - other.figure);
  }

  private allVariables() {
    const all = this.engine
      .variables()
      .map(variableOf)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    return {
      variables: all.slice(0, VARIABLES_MAX),
      more: Math.max(0, all.length - VARIABLES_MAX),
    };
  }

  private async value({ name, start, shape }: Extract<Request, { type: "value" }>) {
    const known = this.engine.variables().find((variable) => variable.name === name);
    if (!known) throw new Error(`there is no variable ${name}`);
    const from = known.shape.map((_, at) => start?.[at] ?? 0);
    const wanted = known.shape.map((length, at) =>
      Math.max(0, Math.min(length - (from[at] ?? 0), shape?.[at] ?? length)),
    );
    return partOf(await this.engine.value(name, from, wanted), from, wanted);
  }

  private input(question: number, text: string): Answer {
    if (question !== this.questions || !this.answerLine) {
      return failed("not_found", "this question is over");
    }
    this.answerLine(text);
    return { type: "done" };
  }

  private remember(entry: HistoryEntry): void {
    const text = entry.text.slice(0, REMEMBERED_LENGTH_MAX);
    this.history = [...this.history, { ...entry, text }].slice(-HISTORY_MAX);
  }
}

function problemsOf(outcome: RunOutcome, name: string, text: string): Diagnostic[] {
  const warnings = outcome.warnings.map(({ identifier, message }) => ({
    severity: "warning" as const,
    code: identifier,
    message,
    file: name,
    stack: [],
  }));
  return outcome.error ? [problemOf(outcome.error, name, text), ...warnings] : warnings;
}
