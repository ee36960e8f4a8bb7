// What can go wrong with a file, as programs and people read it.

import { CODES, type Code, type Failed } from "./generated/hostfs";

/** A request failed. `code` is for programs; `message` and `hint` are for people. */
export class FileError extends Error {
  readonly code: Code;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, more: { path?: string; hint?: string } = {}) {
    super(message);
    this.name = "FileError";
    this.code = code;
    this.path = more.path;
    this.hint = more.hint;
  }

  static of(failed: Failed): FileError {
    return new FileError(failed.code, failed.message, {
      ...(failed.path === undefined ? {} : { path: failed.path }),
      ...(failed.hint === undefined ? {} : { hint: failed.hint }),
    });
  }

  /** What `Failed` says the same. */
  toWire(): Failed {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.path === undefined ? {} : { path: this.path }),
    };
  }
}

export function isCode(value: unknown): value is Code {
  return (CODES as readonly unknown[]).includes(value);
}

/** Returns whatever was thrown as a `FileError`. A code that came with it is kept. */
export function asFileError(thrown: unknown, fallback: Code = "system"): FileError {
  if (thrown instanceof FileError) return thrown;
  if (typeof thrown === "object" && thrown !== null) {
    const { code, message, name, hint, path } = thrown as Record<string, unknown>;
    const text = typeof message === "string" && message !== "" ? message : String(thrown);
    const more = {
      ...(typeof hint === "string" ? { hint } : {}),
      ...(typeof path === "string" ? { path } : {}),
    };
    if (isCode(code)) return new FileError(code, text, more);
    if (name === "AbortError") return cancelled();
    return new FileError(fallback, text, more);
  }
  return new FileError(fallback, String(thrown));
}

export function cancelled(): FileError {
  return new FileError("cancelled", "it was given up by who asked for it");
}

export function badAnswer(why: string): FileError {
  return new FileError("bad_message", `the host's answer cannot be read: ${why}`, {
    hint: "restart the desktop; its page and its host may be of different versions",
  });
}
