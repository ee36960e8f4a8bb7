// What was written in part is written on, until it is all there or there is a reason.

import { expect, test } from "vitest";
import { FileError } from "./errors";
import { Files } from "./files";
import { FileHandle } from "./handle";
import { FilesNow } from "./now";
import type { Transport } from "./transport";

const stat = { kind: "file", length: 0, modifiedMs: 0, isReadOnly: false } as const;

/** Files on a disk that takes three bytes at once, and no more than so many in all. */
function onDisk(room: number) {
  const disk: number[] = [];
  const transport: Transport = {
    name: "extension",
    call: () => Promise.reject(new Error("it goes by the descriptor")),
    readInto: () => 0,
    writeFrom(_, offset, view) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const some = bytes.subarray(0, Math.min(3, room - offset));
      if (some.byteLength === 0 && bytes.byteLength > 0) {
        throw Object.assign(new Error("no space is left"), { code: "disk_full" });
      }
      disk.splice(offset, some.byteLength, ...some);
      return some.byteLength;
    },
  };
  const files = new Files(transport);
  return { disk, files, handle: new FileHandle(0, 1, "w", "a", "write", stat, true) };
}

const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);

test("what the system takes in parts is all written", async () => {
  const { disk, files, handle } = onDisk(100);
  expect(await files.writeChunk(handle, 0, bytes)).toBe(8);
  expect(new FilesNow(files, "w").writeSync(handle, 8, bytes)).toBe(16);
  expect(disk).toEqual([...bytes, ...bytes]);
});

test("where only a part fits, the reason is told", async () => {
  const { disk, files, handle } = onDisk(5);
  await expect(files.writeChunk(handle, 0, bytes)).rejects.toMatchObject({ code: "disk_full" });
  const now = new FilesNow(files, "w");
  expect(() => now.writeSync(handle, 0, bytes)).toThrow(FileError);
  expect(disk).toEqual([1, 2, 3, 4, 5]);
});
