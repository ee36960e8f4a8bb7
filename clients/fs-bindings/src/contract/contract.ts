// What files promise, as cases that run in any page over any transport and any host.

import { asFileError } from "../errors";
import type { Files } from "../files";
import { bytesCases } from "./bytes";
import type { Case, Place, Result } from "./check";
import { limitCases } from "./limits";
import { nameCases } from "./names";
import { streamCases } from "./streams";

export type { Result } from "./check";

export const CASES: readonly Case[] = [...bytesCases, ...nameCases, ...streamCases, ...limitCases];

/** A case that takes longer hangs. */
const CASE_MS_MAX = 60_000;

/**
 * Runs every case in a folder of its own, which is removed afterwards. `workspace` has to be granted
 * to be read and written.
 */
export async function contract(
  files: Files,
  workspace: string,
  only: (name: string) => boolean = () => true,
): Promise<Result[]> {
  const granted = files.workspace(workspace);
  const folder = `contract-${crypto.randomUUID().slice(0, 8)}`;
  await granted.makeFolder(folder);
  const results: Result[] = [];
  try {
    for (const [index, one] of CASES.entries()) {
      if (!only(one.name)) continue;
      const home = `${folder}/${index}`;
      const place: Place = { files, workspace: granted, at: (name) => `${home}/${name}` };
      await granted.makeFolder(home);
      results.push(await result(one, place));
    }
  } finally {
    await granted.remove(folder, { all: true });
  }
  return results;
}

async function result(one: Case, place: Place): Promise<Result> {
  const start = performance.now();
  const ms = () => Math.round(performance.now() - start);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it did not end")), CASE_MS_MAX);
  });
  try {
    await Promise.race([one.run(place), late]);
    return { name: one.name, ok: true, ms: ms() };
  } catch (thrown) {
    const { message } = asFileError(thrown);
    return { name: one.name, ok: false, error: message, ms: ms() };
  } finally {
    clearTimeout(timer);
  }
}
