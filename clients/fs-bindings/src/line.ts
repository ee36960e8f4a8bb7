// One page's line to its host: it numbers questions, and gives up waiting where the caller does.

import { asFileError, cancelled, FileError } from "./errors";
import { PAYLOAD_BYTES_MAX } from "./generated/hostfs";
import {
  decodeAnswer,
  encode,
  encodeJson,
  type HandleNumber,
  type Head,
  headOf,
  type Message,
  type Op,
} from "./message";
import { settle } from "./question";
import type { Transport } from "./transport";

/** What is asked beside the payload. */
export interface Ask {
  handle?: HandleNumber;
  offset?: number;
  length?: number;
  flags?: number;
}

export class Line {
  private last = 0;

  constructor(readonly transport: Transport) {}

  head(op: Op, ask: Ask = {}): Head {
    this.last = (this.last + 1) >>> 0;
    return { ...headOf(op, this.last), ...ask };
  }

  /** Asks, and returns the answer. */
  ask(op: Op, ask: Ask = {}, signal?: AbortSignal): Promise<Message> {
    const head = this.head(op, ask);
    return this.send(head, encode(head), signal);
  }

  /** Asks with JSON, and returns the answer. */
  askJson(op: Op, form: unknown, signal?: AbortSignal): Promise<Message> {
    const head = this.head(op);
    return this.send(head, encodeJson(head, form), signal);
  }

  /**
   * Sends a whole message. Where the signal ends the wait, the host still does what it was asked, and
   * `late` gets its answer, so that a file that is opened too late is closed again.
   */
  async send(
    head: Head,
    message: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
    late?: (answer: Message) => void,
  ): Promise<Message> {
    if (signal?.aborted) throw cancelled();
    held(message);
    const answered = this.transport.call(message).then(
      (bytes) => settle(head, decodeAnswer(bytes)),
      (thrown) => {
        throw asFileError(thrown);
      },
    );
    if (!signal) return answered;
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        reject(cancelled());
        answered.then(late, () => {});
      };
      signal.addEventListener("abort", giveUp, { once: true });
      answered.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
    });
  }

  /** Asks at once, where the transport can. */
  now(head: Head, message: Uint8Array<ArrayBuffer>): Message {
    const call = this.transport.callNow;
    if (!call) {
      throw new FileError("unsupported", `files cannot be used at once by ${this.transport.name}`, {
        hint: "use the functions that return promises",
      });
    }
    held(message);
    return settle(head, decodeAnswer(call(message)));
  }
}

/** What is too long is refused here, before it is carried anywhere. */
function held(message: Uint8Array): void {
  const payload = message.byteLength - 32;
  if (payload > PAYLOAD_BYTES_MAX) {
    throw new FileError("too_large", `a message carries at most ${PAYLOAD_BYTES_MAX} bytes`, {
      hint: "write large files by `openFileHandle` and `writeChunk`",
    });
  }
}
