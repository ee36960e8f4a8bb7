// What a contract's cases are made of. There is no test framework here: a case runs in any page.

import { asFileError, FileError } from "../errors";
import type { Files } from "../files";
import type { Code } from "../generated/hostfs";
import type { WorkspaceFiles } from "../workspace";

/** What became of a case. */
export interface Result {
  name: string;
  ok: boolean;
  /** Why it failed. */
  error?: string;
  ms: number;
}

/** What a case works with: a folder of its own, which is empty. */
export interface Place {
  files: Files;
  workspace: WorkspaceFiles;
  /** Returns the path of a name in the case's folder. */
  at(name: string): string;
}

/** A promise that files keep, and what shows it. */
export interface Case {
  name: string;
  run(place: Place): Promise<void>;
}

export function check(is: boolean, what: string): void {
  if (!is) throw new Error(what);
}

export function same(is: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(is), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left} is not ${right}`);
}

export function sameBytes(is: Uint8Array, wanted: Uint8Array, what: string): void {
  if (is.byteLength !== wanted.byteLength) {
    throw new Error(`${what}: ${is.byteLength} bytes are not ${wanted.byteLength}`);
  }
  const at = wanted.findIndex((byte, index) => byte !== is[index]);
  if (at >= 0) throw new Error(`${what}: byte ${at} is ${is[at]} and not ${wanted[at]}`);
}

/** Checks that it fails, with one of these codes, as a `FileError` with words in it. */
export async function fails(what: Promise<unknown>, ...codes: Code[]): Promise<FileError> {
  let came: unknown;
  try {
    came = await what;
  } catch (thrown) {
    const error = asFileError(thrown);
    if (!(thrown instanceof FileError)) throw new Error(`it threw what is no FileError: ${thrown}`);
    if (!codes.includes(error.code)) {
      throw new Error(
        `it failed with ${error.code} (${error.message}) and not ${codes.join(" or ")}`,
      );
    }
    check(error.message !== "", "an error has words");
    return error;
  }
  const text = came instanceof Uint8Array ? `${came.byteLength} bytes` : JSON.stringify(came);
  throw new Error(`it did not fail with ${codes.join(" or ")}; it gave ${text}`);
}

/** Bytes that tell where they are from. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 255;
  }
  return bytes;
}

export const utf8 = (text: string) => new TextEncoder().encode(text);
