// The sources that there are: the host's files, or parts of what the browser keeps.

import type { Transport } from "@oriel/fs-bindings";
import { FileError, type FileHandle, Files, FilesNow, SCHEME } from "@oriel/fs-bindings";
import type { Source, SourceFile } from "./source";

/** Files over a transport that answers at once. */
export class HostSource implements Source {
  private readonly now: FilesNow;

  constructor(transport: Transport, workspace: string) {
    this.now = new FilesNow(new Files(transport), workspace);
  }

  open(path: string, isWritten: boolean): SourceFile {
    const options = isWritten ? ({ create: "may" } as const) : {};
    const mode = isWritten ? "readwrite" : "read";
    const handle: FileHandle = this.now.openSync(path, mode, options);
    return {
      length: handle.stat.length,
      modifiedMs: handle.stat.modifiedMs,
      readAt: (offset, into) => this.now.readSync(handle, offset, into),
      writeAt: (offset, bytes) => void this.now.writeSync(handle, offset, bytes),
      truncate: (length) => this.now.setLengthSync(handle, length),
      close: () => this.now.closeSync(handle),
    };
  }

  has(path: string): boolean {
    try {
      return this.now.statSync(path).kind === "file";
    } catch {
      return false;
    }
  }

  list(path: string) {
    return this.now.readDirSync(path);
  }
}

/** Files that the page handed over, of which parts are read when they are needed. */
export class BlobSource implements Source {
  constructor(private readonly blobs: ReadonlyMap<string, Blob>) {}

  open(path: string, isWritten: boolean): SourceFile {
    const blob = this.blobs.get(path);
    if (isWritten) throw new FileError("unsupported", "queries write files only in the desktop");
    if (!blob) throw new FileError("not_found", `there is no \`${path}\``);
    const reader = new FileReaderSync();
    return {
      length: blob.size,
      modifiedMs: blob instanceof File ? blob.lastModified : 0,
      readAt(offset, into) {
        const piece = reader.readAsArrayBuffer(blob.slice(offset, offset + into.byteLength));
        into.set(new Uint8Array(piece));
        return piece.byteLength;
      },
      writeAt() {},
      truncate() {},
      close() {},
    };
  }

  has(path: string): boolean {
    return this.blobs.has(path);
  }

  list(): never[] {
    return [];
  }
}

/** The host's scheme, asked by requests that the worker waits for. */
export function schemeNow(): Transport {
  const callNow = (message: Uint8Array<ArrayBuffer>) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${SCHEME}/call`, false);
    request.responseType = "arraybuffer";
    request.send(message);
    if (request.status !== 200) {
      throw new FileError("system", `${SCHEME}/call answered with status ${request.status}`);
    }
    return new Uint8Array(request.response as ArrayBuffer);
  };
  return { name: "scheme", callNow, call: async (message) => callNow(message) };
}
