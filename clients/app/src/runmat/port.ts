// Scripts in this page: a session in a worker, driven as one of `oriel-compute` is. A script there hears
// nothing while it runs, so stopping it ends the worker, and its variables with it.

import type { Files } from "@oriel/fs-bindings";
import { type Answer, type Event, type Request, SCRIPT_BYTES_MAX } from "@oriel/shared/compute";
import type { ComputePort } from "../compute/port";
import { Served } from "../shared/serve";
import type { Asked, Told } from "./protocol";

/** What a port needs of its page; a test has others. */
export interface Means {
  worker: () => Worker;
  folder: URL;
  now: () => number;
}

interface Going {
  worker: Worker;
  served: Served;
  answers: Map<number, (answer: Answer) => void>;
}

interface Live {
  workspace: string;
  onEvent: (event: Event) => void;
  going: Going;
  run: { number: number; began: number } | undefined;
  isOver: boolean;
}

export class InPage implements ComputePort {
  private readonly sessions = new Map<string, Live>();
  private last = 0;
  private asked = 0;

  constructor(
    private readonly files: Files,
    private readonly means: Means,
  ) {}

  async start(workspace: string, onEvent: (event: Event) => void): Promise<string> {
    this.last += 1;
    const name = `page-${this.last}`;
    await new Promise<void>((resolve, reject) => {
      const live: Live = {
        workspace,
        onEvent: (event) => {
          if (event.type === "ready") resolve();
          if (event.type === "ended") reject(new Error(event.message));
          onEvent(event);
        },
        going: undefined as unknown as Going,
        run: undefined,
        isOver: false,
      };
      live.going = this.begin(live);
      this.sessions.set(name, live);
    });
    return name;
  }

  private begin(live: Live): Going {
    const worker = this.means.worker();
    const served = new Served(this.files.transport);
    const going: Going = { worker, served, answers: new Map() };
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.told(live, going, data);
    worker.onerror = (event) => this.broke(live, going, event.message || "the worker ended");
    const { folder } = this.means;
    worker.postMessage({
      type: "start",
      folder: folder.href,
      workspace: live.workspace,
      files: served.files,
    } satisfies Asked);
    return going;
  }

  private told(live: Live, going: Going, told: Told): void {
    if (live.going !== going) return;
    switch (told.type) {
      case "ring":
        going.served.answer(told);
        return;
      case "answer":
        going.answers.get(told.id)?.(told.answer);
        going.answers.delete(told.id);
        return;
      case "event": {
        const { event } = told;
        if (event.type === "run_started") live.run = { number: event.run, began: this.means.now() };
        if (event.type === "run_ended") live.run = undefined;
        live.onEvent(event);
        return;
      }
      case "broken":
        this.broke(live, going, told.message);
    }
  }

  async ask(session: string, request: Request): Promise<Answer> {
    const live = this.sessions.get(session);
    if (!live || live.isOver)
      return { type: "failed", code: "ended", message: "the session ended" };
    const asked = request.type === "run" ? await this.withText(live.workspace, request) : request;
    const { worker, answers } = live.going;
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve) => {
      answers.set(id, resolve);
      worker.postMessage({ type: "ask", id, request: asked } satisfies Asked);
    });
  }

  /** The page reads the script, so that the worker has nothing to open for it. */
  private async withText(
    workspace: string,
    request: Extract<Request, { type: "run" }>,
  ): Promise<Request> {
    const { source } = request;
    if (source.type === "text") return request;
    const bytes = await this.files
      .workspace(workspace)
      .readFile(source.path, { max: SCRIPT_BYTES_MAX });
    const text = new TextDecoder().decode(bytes);
    return { type: "run", source: { type: "text", name: source.path, text } };
  }

  async interrupt(session: string): Promise<void> {
    const live = this.sessions.get(session);
    if (!live || live.isOver) return;
    const { run } = live;
    if (run) {
      live.onEvent({
        type: "run_ended",
        run: run.number,
        outcome: "interrupted",
        tookMs: this.means.now() - run.began,
        diagnostics: [],
      });
    }
    this.forget(live);
    const message = "The script was ended, and its variables are gone.";
    live.onEvent({ type: "ended", reason: "stopped", message, isRestarting: true });
    this.end(live.going, message);
    live.going = this.begin(live);
  }

  async stop(session: string): Promise<void> {
    const live = this.sessions.get(session);
    this.sessions.delete(session);
    if (!live) return;
    live.isOver = true;
    this.end(live.going, "the session ended");
  }

  private broke(live: Live, going: Going, message: string): void {
    if (live.going !== going || live.isOver) return;
    live.isOver = true;
    this.forget(live);
    this.end(going, message);
    const text = `Scripts in this page ended: ${message}`;
    live.onEvent({ type: "ended", reason: "crashed", message: text, isRestarting: false });
  }

  private forget(live: Live): void {
    live.run = undefined;
    live.onEvent({ type: "variables", variables: [], more: 0 });
    live.onEvent({ type: "figures", figures: [], changed: [] });
  }

  private end({ worker, served, answers }: Going, message: string): void {
    worker.terminate();
    served.end();
    for (const answer of answers.values()) answer({ type: "failed", code: "ended", message });
    answers.clear();
  }
}
