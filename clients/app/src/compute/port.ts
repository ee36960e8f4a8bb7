// How the page drives a session of scripts. Only the adapters know their transport.

import type { Answer, Event, Request } from "@oriel/shared/compute";

/** Where scripts run: in `oriel-compute`, attached to the folder, or in a worker of this page. */
export type EngineName = "direct" | "page";

export interface ComputePort {
  /** Starts a session for a workspace, and returns its name. */
  start(workspace: string, onEvent: (event: Event) => void): Promise<string>;
  ask(session: string, request: Request): Promise<Answer>;
  /** Stops what runs; `hard` ends the process where nothing else helps. */
  interrupt(session: string, hard: boolean): Promise<void>;
  stop(session: string): Promise<void>;
}
