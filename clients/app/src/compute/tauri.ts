// A session of scripts by the desktop's native commands.

import type { Invoke } from "@oriel/fs-bindings";
import type { Answer, Event, Request } from "@oriel/shared/compute";
import { Channel } from "@tauri-apps/api/core";
import type { ComputePort } from "./port";

export class TauriCompute implements ComputePort {
  constructor(private readonly invoke: Invoke) {}

  async start(workspace: string, onEvent: (event: Event) => void): Promise<string> {
    const events = new Channel<Event>(onEvent);
    return (await this.invoke("compute_start", { workspace, events })) as string;
  }

  async ask(session: string, request: Request): Promise<Answer> {
    return (await this.invoke("compute_ask", { session, request })) as Answer;
  }

  async interrupt(session: string, hard: boolean): Promise<void> {
    await this.invoke("compute_interrupt", { session, hard });
  }

  async stop(session: string): Promise<void> {
    await this.invoke("compute_stop", { session });
  }
}
