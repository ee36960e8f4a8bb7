// A query reads the parts of a file that it needs, few times and never all of it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Blocks, type SourceFile } from "./source";

function file(bytes: Uint8Array): SourceFile {
  return {
    length: bytes.byteLength,
    modifiedMs: 0,
    readAt(offset, into) {
      const piece = bytes.subarray(offset, offset + into.byteLength);
      into.set(piece);
      return piece.byteLength;
    },
    writeAt() {},
    truncate() {},
    close() {},
  };
}

const bytes = Uint8Array.from({ length: 1_000_003 }, (_, at) => (at * 7 + (at >> 9)) & 255);

test("whatever part is asked for is the file's", () => {
  const blocks = new Blocks(file(bytes), { bytes: 0, reads: 0 });
  fc.assert(
    fc.property(fc.nat(1_100_000), fc.nat(400_000), (offset, length) => {
      const into = new Uint8Array(length);
      const came = blocks.read(offset, into);
      expect(came).toBe(Math.max(0, Math.min(length, bytes.byteLength - offset)));
      // A matcher looks at each number by itself, which takes long for so many.
      const same = Buffer.compare(into.subarray(0, came), bytes.subarray(offset, offset + came));
      expect(same).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test("many small reads are few for the host, and a far part costs no more than itself", () => {
  const tally = { bytes: 0, reads: 0 };
  const blocks = new Blocks(file(bytes), tally);
  for (let at = 0; at < 1000; at += 1) blocks.read(at * 8, new Uint8Array(8));
  expect(tally.reads).toBe(1);
  blocks.read(900_000, new Uint8Array(4));
  expect(tally.reads).toBe(2);
  expect(tally.bytes).toBeLessThanOrEqual(2 * 256 * 1024);
});
