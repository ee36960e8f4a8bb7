// Asks for a name, or whether something is to go.

import type { FileError } from "@oriel/fs-bindings";
import { type FormEvent, useEffect, useRef, useState } from "react";
import type { Row } from "./tree";

export interface Question {
  kind: "file" | "folder" | "rename" | "remove";
  row: Row;
  /** Where something new is made. */
  folder: string;
}

interface Wanted {
  question: Question;
  /** Does it; returns why it could not be done. */
  act: (name: string, forGood: boolean) => Promise<FileError | undefined>;
  onDone: () => void;
}

const TITLES: Record<Question["kind"], string> = {
  file: "New file",
  folder: "New folder",
  rename: "Rename",
  remove: "Move to the trash",
};

export function Ask({ question, act, onDone }: Wanted) {
  const { kind, row, folder } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const [name, setName] = useState(kind === "rename" ? row.name : "");
  const [problem, setProblem] = useState<FileError>();
  const [isBusy, setBusy] = useState(false);
  const forGood = problem?.code === "unsupported" && kind === "remove";
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const failed = await act(name.trim(), forGood);
    setBusy(false);
    if (failed) setProblem(failed);
    else onDone();
  };
  const verb = forGood ? "Remove for good" : kind === "remove" ? "Move to the trash" : "OK";
  return (
    <dialog ref={dialog} onClose={onDone} aria-labelledby="ask-title">
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="ask-title">{TITLES[kind]}</h2>
        {kind === "remove" ? (
          <p>
            <bdi>{row.path}</bdi>
            {row.kind === "folder" && " and all that is in it"}
          </p>
        ) : (
          <label>
            Name{kind !== "rename" && folder !== "" && <> in {folder}</>}
            {/* The dialog is about nothing else. */}
            <input
              autoFocus
              required
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </label>
        )}
        {problem && (
          <p className="field-error" role="alert">
            {problem.message}
            {problem.hint && ` (${problem.hint})`}
          </p>
        )}
        <p className="actions">
          <button type="submit" className={kind === "remove" ? "danger" : ""} disabled={isBusy}>
            {verb}
          </button>
          <button type="button" className="quiet" onClick={onDone}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}
