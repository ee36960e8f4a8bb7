// The page reads and writes just the bytes that the host's own tests keep, and no bytes make it do
// anything but refuse them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FileError } from "./errors";
import { Files } from "./files";
import { FLAG, HEAD_BYTES, OP } from "./generated/hostfs";
import {
  decodeAnswer,
  decodeParts,
  decodeReadMany,
  decodeReplace,
  decodeRequest,
  encode,
  encodeParts,
  encodeReplace,
  type Head,
  headOf,
  type Op,
  readJson,
} from "./message";

const GOLDEN = join(import.meta.dirname, "../../../crates/wire/golden/hostfs");
const OPS = Object.keys(OP) as Op[];
const HANDLE = { hi: 0x01234567, lo: 0x89abcdef };

function golden(name: string): Uint8Array {
  const text = readFileSync(join(GOLDEN, `${name}.hex`), "utf8");
  return Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
}

describe("the golden bytes", () => {
  test("are there for every operation and no other", () => {
    const wanted = OPS.flatMap((op) => [`${op}-answer.hex`, `${op}-request.hex`]).sort();
    expect(readdirSync(GOLDEN).sort()).toEqual(wanted);
  });

  test.each(OPS)("of %s are read, and written again as they were", (op) => {
    for (const [end, decode] of [
      ["request", decodeRequest],
      ["answer", decodeAnswer],
    ] as const) {
      const bytes = golden(`${op}-${end}`);
      const { head, payload } = decode(bytes);
      expect([head.op, head.request]).toEqual([op, 7]);
      expect(encode(head, payload)).toEqual(bytes);
    }
  });

  test("say what was said", () => {
    const read = decodeRequest(golden("read-request")).head;
    expect(read).toMatchObject({ handle: HANDLE, offset: 4096, length: 65_536 });
    const open = decodeAnswer(golden("open-answer"));
    expect(open.head).toMatchObject({ handle: HANDLE, offset: 5, flags: FLAG.direct });
    expect(readJson(open.payload)).toMatchObject({ stat: { kind: "file", length: 5 } });
    const parts = decodeParts(decodeRequest(golden("read_many-request")).payload);
    expect(parts.map(({ offset, length }) => [offset, length])).toEqual([
      [0, 3],
      [9, 2],
    ]);
    expect(encode(headOf("read_many", 7), encodeParts(parts))).toEqual(golden("read_many-request"));
    const pieces = decodeReadMany(decodeAnswer(golden("read_many-answer")).payload, parts);
    expect(pieces.map((piece) => new TextDecoder().decode(piece))).toEqual(["abc", "de"]);
    const { form, bytes } = decodeReplace(decodeRequest(golden("replace-request")).payload);
    expect(encodeReplace(headOf("replace", 7), form, bytes)).toEqual(golden("replace-request"));
  });
});

/** Whatever it does, it ends in a value or in an error of ours that says that a message is bad. */
function holds(what: () => unknown): void {
  try {
    what();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(FileError);
    expect((thrown as FileError).code).toBe("bad_message");
  }
}

const bytes = fc.uint8Array({ maxLength: 200 });
const heads: fc.Arbitrary<Head> = fc.record({
  op: fc.constantFrom(...OPS),
  request: fc.nat(2 ** 32 - 1),
  handle: fc.record({ hi: fc.nat(2 ** 32 - 1), lo: fc.nat(2 ** 32 - 1) }),
  offset: fc.maxSafeNat(),
  length: fc.constant(0),
  flags: fc.nat(31),
});

test("no bytes break whoever reads them", () => {
  fc.assert(
    fc.property(bytes, (some) => {
      holds(() => decodeRequest(some));
      holds(() => decodeAnswer(some));
      holds(() => decodeParts(some));
      holds(() => decodeReplace(some));
      holds(() => readJson(some));
      holds(() => decodeReadMany(some, [{ handle: HANDLE, offset: 0, length: 9 }]));
    }),
  );
});

test("any head is read as it was written", () => {
  fc.assert(
    fc.property(heads, bytes, (head, payload) => {
      const back = decodeAnswer(encode(head, payload));
      expect(back.head).toEqual({ ...head, length: payload.byteLength });
      expect(back.payload).toEqual(payload);
    }),
  );
});

test("a byte that is changed, and one that is missing, is noticed or is another message", () => {
  fc.assert(
    fc.property(heads, fc.nat(HEAD_BYTES - 1), fc.nat(255), (head, at, byte) => {
      const message = encode(head, new Uint8Array([1, 2, 3]));
      expect(() => decodeAnswer(message.subarray(0, message.byteLength - 1))).toThrow(FileError);
      message[at] = byte;
      holds(() => decodeAnswer(message));
    }),
  );
});

/** A host that answers with anything: bytes, or a well-formed message about something else. */
const hostile = fc.oneof(
  bytes.map((some) => () => some),
  fc.tuple(heads, fc.json()).map(([head, json]) => (asked: Uint8Array) => {
    const { op, request } = decodeRequest(asked).head;
    return encode({ ...head, op, request }, new TextEncoder().encode(json));
  }),
  fc.tuple(heads, bytes).map(([head, payload]) => (asked: Uint8Array) => {
    const { op, request } = decodeRequest(asked).head;
    return encode({ ...head, op, request, flags: head.flags & ~FLAG.failed }, payload);
  }),
);

test("a host that lies ends in an error, or in values of the right shape", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (answer) => {
      const files = new Files({ name: "memory", call: async (asked) => answer(asked) });
      const workspace = files.workspace("w");
      const works = [
        files.workspaces(),
        files.use(),
        workspace.stat("a"),
        workspace.pages("a").next(),
        workspace.openFileHandle("a", "read"),
        workspace.replaceFile("a", new Uint8Array(3)),
        workspace.readFile("a", { max: 4096 }),
      ];
      for (const end of await Promise.allSettled(works)) {
        if (end.status === "rejected") expect(end.reason).toBeInstanceOf(FileError);
      }
    }),
    { numRuns: 300 },
  );
});
