// What changes in a folder, as an async iterator. The host is asked and waits until there is news.

import { asFileError } from "./errors";
import type { Patience } from "./files";
import type { Changes } from "./generated/hostfs";
import { readJson } from "./message";
import { asChanges } from "./shapes";
import type { WorkspaceFiles } from "./workspace";

export interface WatchOptions extends Patience {
  /** How long one question waits for news. */
  waitMs?: number;
}

/** News of a folder. It is watched until `return` is called, by hand or by leaving a loop. */
export type Watching = AsyncIterableIterator<Changes>;

/** A question that waits longer would be taken for one that was lost. */
const WAIT_MS = 20_000;

export async function watch(
  workspace: WorkspaceFiles,
  path: string,
  options: WatchOptions,
): Promise<Watching> {
  const { line } = workspace.files;
  const answer = await line.askJson("watch", { workspace: workspace.id, path }, options.signal);
  const { handle } = answer.head;
  const length = options.waitMs ?? WAIT_MS;
  let isOver = false;
  const over = async () => {
    if (isOver) return;
    isOver = true;
    // A watch that the host has ended already is over as well.
    await line.ask("close", { handle }).catch(() => {});
  };
  // Leaving must not wait for news that may never come, so the question is given up.
  const left = new AbortController();
  options.signal?.addEventListener("abort", () => left.abort(), { once: true });
  const next = async (): Promise<IteratorResult<Changes>> => {
    while (!isOver && !left.signal.aborted) {
      try {
        const news = await line.ask("changes", { handle, length }, left.signal);
        const changes = asChanges(readJson(news.payload));
        if (changes.changes.length > 0 || changes.lookAgain) return { done: false, value: changes };
      } catch (thrown) {
        await over();
        if (left.signal.aborted) break;
        throw asFileError(thrown);
      }
    }
    await over();
    return { done: true, value: undefined };
  };
  const watching: Watching = {
    next,
    async return() {
      left.abort();
      await over();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => watching,
  };
  return watching;
}
