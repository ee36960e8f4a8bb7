// The session of scripts of the page: one at a time, started with the first run in a workspace.

import type { Answer, Event, HistoryEntry, Request, Source, Value } from "@oriel/shared/compute";
import { createStore } from "../store";
import type { ComputePort, EngineName } from "./port";
import { FIRST, reduce, type SessionState } from "./session";

export interface ComputeState extends SessionState {
  /** Whether the page can run scripts at all. */
  isThere: boolean;
  /** Where it can, and where it does. */
  engines: EngineName[];
  engine: EngineName;
  /** Why it cannot now. */
  error: string;
  workspace: string;
  history: HistoryEntry[];
  value: Value | undefined;
  figure: { figure: number; scene: unknown } | undefined;
}

/** What belongs to one session. */
const NOTHING = { history: [], value: undefined, figure: undefined };

/** A second wish to stop so soon after the first ends the process. */
const HARD_MS = 4_000;

/** Events are shown once in a picture of the screen, however many come. */
const FRAME_MS = 16;

export class Compute {
  readonly store = createStore<ComputeState>({
    ...FIRST,
    isThere: false,
    engines: [],
    engine: "direct",
    error: "",
    workspace: "",
    history: [],
    value: undefined,
    figure: undefined,
  });
  private readonly ports = new Map<EngineName, ComputePort>();
  private session: string | undefined;
  private asked = Number.NEGATIVE_INFINITY;
  private waiting: Event[] = [];
  private drawn: number | undefined;

  constructor(
    direct: ComputePort | undefined,
    private readonly clock: () => number = () => performance.now(),
  ) {
    if (direct) this.offer("direct", direct);
  }

  private get port(): ComputePort | undefined {
    return this.ports.get(this.store.get().engine);
  }

  /** Adds a place where scripts can run. The first one is taken. */
  offer(engine: EngineName, port: ComputePort): void {
    this.ports.set(engine, port);
    const { isThere } = this.store.get();
    this.store.set({
      isThere: true,
      engines: [...this.ports.keys()],
      ...(isThere ? {} : { engine }),
    });
  }

  /** Has scripts run elsewhere from now on. What ran before is over, with its variables. */
  async choose(engine: EngineName): Promise<void> {
    const { state, engine: now } = this.store.get();
    if (engine === now || !this.ports.has(engine) || state === "running") return;
    const { port, session } = this;
    this.session = undefined;
    this.store.set({ ...FIRST, engine, error: "", workspace: "", ...NOTHING });
    if (session) await port?.stop(session).catch(() => {});
  }

  async run(workspace: string, source: Source): Promise<void> {
    if (!this.port) {
      this.store.set({ error: "Scripts run in the desktop; this is a plain browser." });
      return;
    }
    this.store.set({ error: "" });
    try {
      await this.begin(workspace);
      await this.ask({ type: "run", source });
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  private async begin(workspace: string): Promise<void> {
    const { state, workspace: mine } = this.store.get();
    if (this.session && mine === workspace && state !== "ended") return;
    if (this.session) await this.port?.stop(this.session).catch(() => {});
    this.session = undefined;
    this.store.set({ ...FIRST, ...NOTHING, state: "starting", workspace });
    const began = this.port;
    const session = await began?.start(workspace, (event) => {
      if (this.port === began) this.came(event);
    });
    this.session = session;
    if (this.store.get().state === "starting") this.store.set({ state: "idle" });
  }

  private came(event: Event): void {
    this.waiting.push(event);
    if (this.waiting.length === 1) setTimeout(() => this.show(), FRAME_MS);
  }

  private show(): void {
    const events = this.waiting;
    this.waiting = [];
    this.store.set((state) => events.reduce<SessionState>(reduce, state));
    for (const event of events) if (event.type === "figures") this.changed(event);
    const { state, figures, figure } = this.store.get();
    if (figure && !figures.some((one) => one.figure === figure.figure)) {
      this.store.set({ figure: undefined });
    }
    if (this.drawn === undefined || state !== "idle") return;
    const last = this.drawn;
    this.drawn = undefined;
    void this.draw(last);
  }

  /** What a script drew last is shown without being asked for, once it can be. */
  private changed({ changed, figures }: Extract<Event, { type: "figures" }>): void {
    const last = changed.filter((one) => figures.some(({ figure }) => figure === one)).at(-1);
    if (last !== undefined) this.drawn = last;
  }

  private async ask(request: Request): Promise<Answer> {
    if (!this.port || !this.session) throw new Error("no session runs");
    const answer = await this.port.ask(this.session, request);
    if (answer.type === "failed") throw new Error(answer.message);
    return answer;
  }

  /** Asks what runs to stop; asked again soon, it ends the process. */
  async stop(): Promise<void> {
    const { state } = this.store.get();
    // What does not run is not stopped: that could end a session with its variables.
    if (!this.port || !this.session || (state !== "running" && state !== "waiting_for_input"))
      return;
    const now = this.clock();
    const isHard = now - this.asked < HARD_MS;
    this.asked = now;
    await this.port.interrupt(this.session, isHard).catch((thrown) => this.failed(thrown));
  }

  async answer(text: string): Promise<void> {
    const { question } = this.store.get();
    if (!question) return;
    await this.quietly({ type: "answer_input", question: question.question, text });
  }

  async reset(): Promise<void> {
    await this.quietly({ type: "reset" });
  }

  async look(name: string): Promise<void> {
    const answer = await this.quietly({ type: "value", name, shape: [100, 20] });
    if (answer?.type === "value") this.store.set({ value: answer });
  }

  async draw(figure: number): Promise<void> {
    const answer = await this.quietly({ type: "figure", figure });
    if (answer?.type === "figure") this.store.set({ figure: { figure, scene: answer.scene } });
  }

  async loadHistory(): Promise<void> {
    if (!this.session) return;
    const answer = await this.quietly({ type: "history" });
    if (answer?.type === "history") this.store.set({ history: answer.runs });
  }

  private async quietly(request: Request): Promise<Answer | undefined> {
    try {
      return await this.ask(request);
    } catch (thrown) {
      this.failed(thrown);
      return undefined;
    }
  }

  private failed(thrown: unknown): void {
    const words = (thrown as { message?: unknown })?.message ?? thrown;
    const { state } = this.store.get();
    const isOver = state === "starting";
    this.store.set({ error: String(words), ...(isOver ? { state: "none" as const } : {}) });
  }
}
