// Files of the browser itself (OPFS), for a page that is in no desktop. A worker has them open, and
// answers the same messages as the host does.

import { asFileError, FileError } from "../errors";
import type { Transport } from "../transport";

/** What the worker is sent, and what it answers. */
export interface Sent {
  number: number;
  message: ArrayBuffer;
}

export interface Came {
  number: number;
  /** Without a number: the worker is ready, or why it never will be. */
  ready?: true;
  failed?: string;
  answer?: ArrayBuffer;
}

/** Returns the transport to a worker that runs `opfs/worker`. */
export async function opfs(worker: Worker): Promise<Transport> {
  const waiting = new Map<number, (came: Came) => void>();
  let last = 0;
  await new Promise<void>((resolve, reject) => {
    const broken = (why: string) => {
      const error = new FileError("unsupported", `this browser keeps no files for pages: ${why}`);
      for (const settle of waiting.values()) settle({ number: 0, failed: error.message });
      waiting.clear();
      reject(error);
    };
    worker.onerror = (event) => broken(event.message);
    worker.onmessage = ({ data }: MessageEvent<Came>) => {
      if (data.ready) resolve();
      else if (data.number === 0) broken(data.failed ?? "it does not say why");
      else {
        waiting.get(data.number)?.(data);
        waiting.delete(data.number);
      }
    };
  });
  return {
    name: "opfs",
    call(message) {
      last += 1;
      const number = last;
      return new Promise<Uint8Array>((resolve, reject) => {
        waiting.set(number, ({ answer, failed }) => {
          if (answer) resolve(new Uint8Array(answer));
          else reject(asFileError(new Error(failed ?? "the worker ended")));
        });
        const whole = message.byteLength === message.buffer.byteLength;
        const bytes = whole ? message.buffer : message.slice().buffer;
        worker.postMessage({ number, message: bytes } satisfies Sent, [bytes]);
      });
    },
    close: () => worker.terminate(),
  };
}
