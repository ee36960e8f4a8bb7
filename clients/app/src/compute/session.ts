// What is known of a session: a pure function of the events that came. Output is kept up to a limit; what
// is older goes, and it is said how much.

import type { Diagnostic, Event, FigureBrief, Variable } from "@oriel/shared/compute";
import { duration } from "../shell/words";

export interface Line {
  number: number;
  run: number;
  stream: "stdout" | "stderr" | "note" | "failure";
  text: string;
}

export interface Question {
  question: number;
  prompt: string;
  kind: "line" | "secret" | "key";
}

export interface SessionState {
  state: "none" | "starting" | "idle" | "running" | "waiting_for_input" | "ended";
  run: number;
  lines: Line[];
  /** Lines that went because there were too many. */
  dropped: number;
  problems: Diagnostic[];
  variables: Variable[];
  more: number;
  figures: FigureBrief[];
  question: Question | undefined;
}

/** So many lines are kept; then the oldest tenth goes. */
export const LINES_MAX = 20_000;

/** A longer line is cut into lines of this length. */
const LINE_LENGTH_MAX = 4_000;

export const FIRST: SessionState = {
  state: "none",
  run: 0,
  lines: [],
  dropped: 0,
  problems: [],
  variables: [],
  more: 0,
  figures: [],
  question: undefined,
};

export function reduce(state: SessionState, event: Event): SessionState {
  switch (event.type) {
    case "ready": {
      const ready: SessionState = { ...state, state: "idle", question: undefined };
      if (!event.restored) return ready;
      const { variables, lost } = event.restored;
      const text = `The session was started again with ${variables.length} variables`;
      const gone = lost.length > 0 ? `, without ${lost.join(", ")}` : "";
      return added(ready, "note", `${text}${gone}.\n`);
    }
    case "run_started": {
      const next = { ...state, state: "running" as const, run: event.run, problems: [] };
      return added(next, "note", `▸ ${event.name}\n`);
    }
    case "output":
      if (event.stream === "clear") return { ...state, lines: [], dropped: 0 };
      return added(state, event.stream, event.text);
    case "input_asked": {
      const { question, prompt, kind } = event;
      return { ...state, state: "waiting_for_input", question: { question, prompt, kind } };
    }
    case "input_over":
      if (state.question?.question !== event.question) return state;
      return { ...state, state: "running", question: undefined };
    case "run_ended": {
      const ended: SessionState = {
        ...state,
        state: "idle",
        question: undefined,
        problems: event.diagnostics,
      };
      const errors = event.diagnostics.filter((one) => one.severity === "error");
      const told = errors.reduce((so, error) => added(so, "failure", `${error.message}\n`), ended);
      const words = event.outcome.replace("_", " ");
      return added(told, "note", `${words} after ${duration(event.tookMs)}\n`);
    }
    case "variables":
      return { ...state, variables: event.variables, more: event.more };
    case "figures":
      return { ...state, figures: event.figures };
    case "ended": {
      const next: SessionState = {
        ...state,
        state: event.isRestarting ? "starting" : "ended",
        question: undefined,
      };
      return added(next, "failure", `${event.message}\n`);
    }
  }
}

/** Adds text. A line that was begun by the same stream goes on where it stopped. */
export function added(state: SessionState, stream: Line["stream"], text: string): SessionState {
  const lines = state.lines.slice();
  let number = lines.at(-1)?.number ?? state.dropped;
  const pieces = text.split("\n");
  const last = lines.at(-1);
  if (last && last.stream === stream && last.run === state.run && !last.text.endsWith("\n")) {
    lines.pop();
    number -= 1;
    pieces[0] = last.text + (pieces[0] ?? "");
  }
  pieces.forEach((piece, index) => {
    const isWhole = index < pieces.length - 1;
    if (piece === "" && !isWhole) return;
    for (let at = 0; at === 0 || at < piece.length; at += LINE_LENGTH_MAX) {
      const part = piece.slice(at, at + LINE_LENGTH_MAX);
      const ends = isWhole || at + LINE_LENGTH_MAX < piece.length;
      number += 1;
      lines.push({ number, run: state.run, stream, text: ends ? `${part}\n` : part });
    }
  });
  if (lines.length <= LINES_MAX) return { ...state, lines };
  const gone = lines.length - Math.floor(LINES_MAX * 0.9);
  return { ...state, lines: lines.slice(gone), dropped: state.dropped + gone };
}
