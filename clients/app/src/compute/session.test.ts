// What a page knows of a session follows from the events alone, however they were cut.

import type { Event } from "@oriel/shared/compute";
import fc from "fast-check";
import { expect, test } from "vitest";
import { added, FIRST, LINES_MAX, reduce } from "./session";

const text = (state: typeof FIRST) => state.lines.map((line) => line.text).join("");

test("output reads the same wherever it was cut", () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom("a", "ä", "\n", " ") }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(words, (pieces) => {
      const cut = pieces.reduce((state, piece) => added(state, "stdout", piece), FIRST);
      const whole = added(FIRST, "stdout", pieces.join(""));
      expect(text(cut)).toBe(pieces.join(""));
      expect(cut.lines).toEqual(whole.lines);
    }),
  );
});

test("what is printed without end is kept up to a limit, and what went is counted", () => {
  let state = FIRST;
  for (let at = 0; at < 30; at += 1) state = added(state, "stdout", "x\n".repeat(1000));
  expect(state.lines.length).toBeLessThanOrEqual(LINES_MAX);
  expect(state.lines.length + state.dropped).toBe(30_000);
  expect(state.lines.at(-1)?.number).toBe(30_000);
  expect(added(FIRST, "stdout", "y".repeat(10_000)).lines.length).toBe(3);
});

test("a run that fails leaves its problems, until the next one begins", () => {
  const problem = { severity: "error", code: "E", message: "no such name", stack: [] } as const;
  const events: Event[] = [
    { type: "run_started", run: 1, name: "a.m" },
    {
      type: "run_ended",
      run: 1,
      outcome: "failed",
      tookMs: 3,
      diagnostics: [{ ...problem, stack: [] }],
    },
  ];
  const failed = events.reduce(reduce, FIRST);
  expect([failed.state, failed.problems.length]).toEqual(["idle", 1]);
  expect(text(failed)).toContain("no such name");
  expect(reduce(failed, { type: "run_started", run: 2, name: "a.m" }).problems).toEqual([]);
});

test("a question that is over is asked no more", () => {
  const asked = reduce(FIRST, {
    type: "input_asked",
    run: 1,
    question: 4,
    prompt: "name? ",
    kind: "line",
  });
  expect(asked.question?.question).toBe(4);
  expect(reduce(asked, { type: "input_over", question: 3 }).question?.question).toBe(4);
  expect(reduce(asked, { type: "input_over", question: 4 }).question).toBeUndefined();
});
