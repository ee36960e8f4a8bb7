// What a script prints, as it prints it, and what was wrong in it.

import type { Diagnostic } from "@oriel/shared/compute";
import { type FormEvent, useState } from "react";
import { Lines } from "../shell/window";
import { count } from "../shell/words";
import { useStore } from "../store";
import type { Workbench } from "../workbench";
import type { Compute } from "./compute";

export function OutputPanel({ compute }: { compute: Compute }) {
  const { lines, dropped, error, state, question, isThere } = useStore(compute.store);
  return (
    <div className="panel" role="tabpanel" aria-label="Output">
      {error && (
        <p className="said said-bad" role="alert">
          {error}
        </p>
      )}
      {dropped > 0 && <p className="note">{count(dropped)} earlier lines are not kept.</p>}
      {lines.length === 0 && !error && (
        <p className="empty">
          {state === "starting" && "Starting …"}
          {state !== "starting" &&
            (isThere
              ? "Run a script, and what it prints is here."
              : "Scripts run in the desktop; a plain browser edits files and asks tables.")}
        </p>
      )}
      <Lines
        className="output"
        role="log"
        label="Output"
        count={lines.length}
        rowHeight={20}
        follows
        row={(index) => {
          const line = lines[index]!;
          return (
            <pre key={line.number} className={`line line-${line.stream}`}>
              {line.text.replace(/\n$/, "")}
            </pre>
          );
        }}
      />
      {question && (
        <Input
          key={question.question}
          compute={compute}
          prompt={question.prompt}
          isSecret={question.kind === "secret"}
        />
      )}
    </div>
  );
}

function Input({
  compute,
  prompt,
  isSecret,
}: {
  compute: Compute;
  prompt: string;
  isSecret: boolean;
}) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void compute.answer(text);
  };
  return (
    <form className="input" onSubmit={submit}>
      <label>
        {prompt || "The script asks for input"}
        <input
          type={isSecret ? "password" : "text"}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button type="submit" className="small">
        Answer
      </button>
    </form>
  );
}

export function ProblemsPanel({ workbench }: { workbench: Workbench }) {
  const { problems, workspace } = useStore(workbench.compute.store);
  if (problems.length === 0) {
    return (
      <div className="panel" role="tabpanel" aria-label="Problems">
        <p className="empty">Nothing was wrong in the last run.</p>
      </div>
    );
  }
  const jump = (problem: Diagnostic) => {
    const { file, span } = problem;
    if (file) void workbench.jump(workspace, file, span?.startLine ?? 1, span?.startColumn ?? 1);
  };
  return (
    <div className="panel" role="tabpanel" aria-label="Problems">
      <ul className="problems">
        {problems.map((problem, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: problems have no names, and never move
          <li key={index}>
            <span className={`chip chip-${problem.severity === "error" ? "bad" : "warn"}`}>
              {problem.severity}
            </span>
            <button
              type="button"
              className="plain"
              disabled={!problem.file}
              onClick={() => jump(problem)}
            >
              {problem.message}
              {problem.file && (
                <span className="note">
                  {" "}
                  {problem.file}:{problem.span?.startLine ?? 1}
                </span>
              )}
            </button>
            {problem.line && <pre className="line">{problem.line}</pre>}
            {problem.stack.length > 0 && <pre className="note">{problem.stack.join("\n")}</pre>}
          </li>
        ))}
      </ul>
    </div>
  );
}
