// Messages as raw bodies of a native command.

import { invoke as tauriInvoke } from "@tauri-apps/api/core";
import { asFileError, badAnswer, FileError } from "../errors";
import { NoTransport, type Transport } from "../transport";

export type Invoke = (command: string, body?: unknown) => Promise<unknown>;

/** Returns how native commands are called, where the page is in the desktop. */
export function nativeInvoke(scope: object = globalThis): Invoke | undefined {
  if (!("__TAURI_INTERNALS__" in scope)) return undefined;
  return (command, body) => tauriInvoke(command, body as Uint8Array | undefined);
}

/** Returns the transport of `files_call`. */
export function invoke(by: Invoke | undefined): Transport {
  if (!by) throw new NoTransport("the page has no native commands");
  return {
    name: "invoke",
    async call(message) {
      try {
        return asBytes(await by("files_call", message));
      } catch (thrown) {
        throw refused("files_call", thrown);
      }
    },
  };
}

/** A native command was not allowed, not there, or failed before there was an answer. */
export function refused(command: string, thrown: unknown): FileError {
  if (thrown instanceof FileError) return thrown;
  const error = asFileError(thrown);
  return new FileError(error.code, `the native command ${command} failed: ${error.message}`);
}

export function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  // Where the engine has no raw bodies, bytes come as a list of numbers.
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  throw badAnswer("it is not made of bytes");
}
