// Whether a worker of this page can wait for it in shared memory. A browser says so only of pages that are
// isolated from other origins; an engine that a desktop configures lets it work without saying so. So it
// is tried.

const HEARD = 7;

/** A worker that says nothing for so long cannot wait either. */
const ANSWER_MS_MAX = 3_000;

let known: Promise<boolean> | undefined;

/** Tries it once for a page. */
export function sharingWorks(): Promise<boolean> {
  known ??= tried(
    () => new Worker(new URL("./works-worker.ts", import.meta.url), { type: "module" }),
  );
  return known;
}

/** Whether a worker sees what is put into shared memory while it waits there. */
export async function tried(start: () => Worker): Promise<boolean> {
  if (typeof SharedArrayBuffer !== "function" || typeof Atomics !== "object") return false;
  let worker: Worker | undefined;
  try {
    const memory = new SharedArrayBuffer(8);
    const words = new Int32Array(memory);
    worker = start();
    return await answered(worker, memory, words);
  } catch {
    // It may not be posted at all, or there are no workers.
    return false;
  } finally {
    worker?.terminate();
  }
}

function answered(worker: Worker, memory: SharedArrayBuffer, words: Int32Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => resolve(false), ANSWER_MS_MAX);
    const over = (works: boolean) => {
      clearTimeout(impatience);
      resolve(works);
    };
    worker.onmessage = ({ data }) => {
      if (data !== "waits") return over(data === HEARD);
      Atomics.store(words, 1, HEARD);
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
    };
    worker.onerror = () => over(false);
    try {
      worker.postMessage(memory);
    } catch (thrown) {
      clearTimeout(impatience);
      reject(thrown);
    }
  });
}
