// What the page and the worker of scripts say to each other.

import type { Answer, Event, Request } from "@oriel/shared/compute";
import type { Ring, SharedFiles } from "../shared/memory";

export type Asked =
  | { type: "start"; folder: string; workspace: string; files: SharedFiles }
  /** A script comes as text, whatever it came from. */
  | { type: "ask"; id: number; request: Request };

export type Told =
  | Ring
  | { type: "broken"; message: string }
  | { type: "answer"; id: number; answer: Answer }
  | { type: "event"; event: Event };
