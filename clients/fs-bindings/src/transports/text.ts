// Messages as base64 in JSON. It is slow, can be read in a debugger, and is never chosen by itself.

import { badAnswer } from "../errors";
import { NoTransport, type Transport } from "../transport";
import { type Invoke, refused } from "./invoke";

/** Returns the transport of `files_call_text`. */
export function text(by: Invoke | undefined): Transport {
  if (!by) throw new NoTransport("the page has no native commands");
  return {
    name: "text",
    async call(message) {
      try {
        return fromBase64(await by("files_call_text", { message: toBase64(message) }));
      } catch (thrown) {
        throw refused("files_call_text", thrown);
      }
    },
  };
}

/** `String.fromCharCode` takes only so many arguments. */
const PIECE = 32 * 1024;

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.byteLength; at += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(binary);
}

export function fromBase64(value: unknown): Uint8Array {
  if (typeof value !== "string") throw badAnswer("it is no text");
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch {
    throw badAnswer("it is no base64");
  }
}
