// The page's part in a worker with files: it answers what the worker asks, and closes what an ended worker
// left open.

import { OP_NUMBERS, type Transport } from "@oriel/fs-bindings";
import { answerShared, type Ring, type SharedFiles, sharedMemory } from "./memory";

const FLAG_AT = 28;
const IS_FAILED = 1;

export class Served {
  /** What the worker is told. */
  readonly files: SharedFiles;
  private readonly transport: Transport;
  private readonly open = new Map<string, Uint8Array<ArrayBuffer>>();
  private isOver = false;

  constructor(private readonly page: Transport) {
    this.files = {
      memory: sharedMemory(),
      name: page.name,
      isDirect: page.readInto !== undefined && page.writeFrom !== undefined,
    };
    this.transport = {
      name: page.name,
      call: (message) => this.call(message),
      ...(page.readInto && { readInto: page.readInto }),
      ...(page.writeFrom && { writeFrom: page.writeFrom }),
    };
  }

  answer({ place }: Ring): void {
    if (!this.isOver) void answerShared(this.files.memory, place, this.transport);
  }

  /** Closes the worker's files. Nothing is answered any more. */
  end(): void {
    this.isOver = true;
    for (const message of this.open.values()) this.close(message);
    this.open.clear();
  }

  private async call(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const op = message[3];
    const name = String(message.subarray(8, 16));
    const answer = await this.page.call(message);
    const isDone = ((answer[FLAG_AT] ?? 0) & IS_FAILED) === 0;
    if (op === OP_NUMBERS.close) this.open.delete(name);
    if (op !== OP_NUMBERS.open || !isDone) return answer;
    // A head without a payload: what closes this handle.
    const close = answer.slice(0, 32);
    close[3] = OP_NUMBERS.close;
    close.fill(0, 16, 32);
    if (this.isOver) this.close(close);
    else this.open.set(String(close.subarray(8, 16)), close);
    return answer;
  }

  private close(message: Uint8Array<ArrayBuffer>): void {
    // What the host has closed already needs no closing.
    this.page.call(message).catch(() => {});
  }
}
