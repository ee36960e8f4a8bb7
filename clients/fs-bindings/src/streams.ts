// Web streams over an open file. They ask for the next piece only when someone wants it.

import type { Files, Patience } from "./files";
import type { FileHandle } from "./handle";

/** What is read at once where the reader has no place of its own. */
const PIECE_BYTES = 1024 * 1024;

export interface ReaderOptions extends Patience {
  /** Where it begins. */
  offset?: number;
  /** Where it ends; the end of the file unless told. */
  end?: number;
  /** Whether the file is closed when the stream ends or is given up. */
  close?: boolean;
}

export interface WriterOptions extends Patience {
  offset?: number;
  close?: boolean;
}

export function reader(
  files: Files,
  handle: FileHandle,
  options: ReaderOptions = {},
): ReadableStream<Uint8Array> {
  let at = options.offset ?? 0;
  const end = options.end ?? Number.MAX_SAFE_INTEGER;
  const over = async () => {
    if (options.close && !handle.closed) await files.closeHandle(handle);
  };
  const wanted = (room: number) => Math.min(room, end - at);
  const pull = async (controller: ReadableByteStreamController) => {
    const request = controller.byobRequest;
    const place = request?.view;
    let came = 0;
    if (request && place) {
      const view = new Uint8Array(place.buffer, place.byteOffset, place.byteLength);
      const size = wanted(view.byteLength);
      came = (await files.readChunk(handle, at, size, view, options)).byteLength;
      at += came;
      if (came > 0) request.respond(came);
    } else {
      const piece = await files.readChunk(handle, at, wanted(PIECE_BYTES), undefined, options);
      came = piece.byteLength;
      at += came;
      // What is enqueued is taken from its owner, so it must be all of its memory.
      if (came > 0) controller.enqueue(whole(piece));
    }
    if (came > 0) return;
    await over();
    controller.close();
    request?.respond(0);
  };
  const source = { pull, cancel: over };
  try {
    return new ReadableStream({ ...source, type: "bytes" }) as ReadableStream<Uint8Array>;
  } catch {
    // An engine without byte streams has plain ones, which know no place of the reader's.
    const plain = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      pull(controller as unknown as ReadableByteStreamController);
    return new ReadableStream<Uint8Array>({ pull: plain, cancel: over });
  }
}

function whole(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && piece.byteLength * 2 > buffer.byteLength) {
    return new Uint8Array(buffer, piece.byteOffset, piece.byteLength);
  }
  return piece.slice() as Uint8Array<ArrayBuffer>;
}

export function writer(
  files: Files,
  handle: FileHandle,
  options: WriterOptions = {},
): WritableStream<Uint8Array> {
  let at = options.offset ?? 0;
  const over = async () => {
    if (options.close && !handle.closed) await files.closeHandle(handle);
  };
  return new WritableStream<Uint8Array>(
    {
      async write(chunk) {
        at = await files.writeChunk(handle, at, chunk, options);
      },
      async close() {
        await files.flush(handle, options);
        await over();
      },
      abort: over,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 4 * PIECE_BYTES }),
  );
}
