// Open files: what is written is read again, at any place, in any order, as much as one likes.

import type { FileHandle } from "../handle";
import { type Case, check, fails, type Place, pattern, same, sameBytes, utf8 } from "./check";

const MIB = 1024 * 1024;

/** Opens a file, and closes it whatever becomes of it. */
async function using<T>(
  place: Place,
  name: string,
  mode: "read" | "write" | "readwrite" | "append",
  what: (handle: FileHandle) => Promise<T>,
  options: { create?: "never" | "may" | "must"; truncate?: boolean; direct?: boolean } = {},
): Promise<T> {
  const handle = await place.workspace.openFileHandle(place.at(name), mode, options);
  try {
    return await what(handle);
  } finally {
    if (!handle.closed) await place.workspace.closeHandle(handle);
  }
}

const make = { create: "must" } as const;

export const bytesCases: readonly Case[] = [
  {
    name: "what was written is read again",
    async run(place) {
      const { workspace: w } = place;
      const bytes = pattern(100_000);
      await using(place, "a", "write", (h) => w.writeChunk(h, 0, bytes), make);
      sameBytes(await w.readFile(place.at("a")), bytes, "the file");
      await using(place, "a", "read", async (h) => {
        same(h.stat.length, 100_000, "the length at opening");
        same(h.stat.kind, "file", "the kind at opening");
        sameBytes(await w.readChunk(h, 40, 9), bytes.subarray(40, 49), "a part");
        sameBytes(await w.readChunk(h, 99_990, 100), bytes.subarray(99_990), "its end");
        same((await w.readChunk(h, 100_000, 10)).byteLength, 0, "bytes after the end");
        same((await w.readChunk(h, 2 ** 40, 10)).byteLength, 0, "bytes far after the end");
        same((await w.readChunk(h, 5, 0)).byteLength, 0, "no bytes");
      });
    },
  },
  {
    name: "bytes are read into the reader's own memory, and nothing beside them",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), pattern(1000));
      const memory = new Uint8Array(64).fill(7);
      await using(place, "a", "read", async (h) => {
        const got = await w.readChunk(h, 100, 10, memory.subarray(20, 30));
        check(got.buffer === memory.buffer, "it is the reader's own memory");
      });
      sameBytes(memory.subarray(20, 30), pattern(1000).subarray(100, 110), "what was read");
      check(
        [...memory.subarray(0, 20), ...memory.subarray(30)].every((b) => b === 7),
        "the rest",
      );
    },
  },
  {
    name: "chunks longer than a message arrive whole",
    async run(place) {
      const { workspace: w } = place;
      const bytes = pattern(20 * MIB + 13, 5);
      await using(
        place,
        "big",
        "readwrite",
        async (h) => {
          same(await w.writeChunk(h, 3, bytes), bytes.byteLength + 3, "where it ends");
          sameBytes(await w.readChunk(h, 3, bytes.byteLength), bytes, "all of it");
          same(await w.length(h), bytes.byteLength + 3, "its length");
        },
        make,
      );
      await using(
        place,
        "big",
        "read",
        async (h) =>
          sameBytes(await w.readChunk(h, 3, bytes.byteLength + 99), bytes, "by messages"),
        { direct: false },
      );
    },
  },
  {
    name: "a file is as written whether by descriptor or by messages",
    async run(place) {
      const { workspace: w } = place;
      await using(
        place,
        "a",
        "readwrite",
        async (direct) => {
          await w.writeChunk(direct, 0, utf8("0123456789"));
          await using(
            place,
            "a",
            "readwrite",
            async (plain) => {
              await w.writeChunk(plain, 3, utf8("abc"));
              await w.flush(plain);
              sameBytes(await w.readChunk(direct, 0, 99), utf8("012abc6789"), "by descriptor");
              await w.writeChunk(direct, 9, utf8("xyz"));
              await w.flush(direct);
              sameBytes(await w.readChunk(plain, 0, 99), utf8("012abc678xyz"), "by messages");
            },
            { direct: false },
          );
        },
        make,
      );
    },
  },
  {
    name: "reads and writes of one handle overlap and each has its own place",
    async run(place) {
      const { workspace: w } = place;
      const pieces = Array.from({ length: 32 }, (_, index) => pattern(70_000, index + 1));
      await using(
        place,
        "a",
        "readwrite",
        async (h) => {
          const write = (piece: Uint8Array, index: number) =>
            w.writeChunk(h, index * 70_000, piece);
          await Promise.all(pieces.map(write).reverse());
          const read = async (piece: Uint8Array, index: number) =>
            sameBytes(await w.readChunk(h, index * 70_000, 70_000), piece, `piece ${index}`);
          await Promise.all(pieces.map(read));
          await Promise.all(
            pieces.map((piece, index) =>
              index % 2 === 0 ? read(piece, index) : write(piece, index),
            ),
          );
          await Promise.all(pieces.map(read));
        },
        make,
      );
    },
  },
  {
    name: "a gap that nobody wrote is zeros",
    async run(place) {
      const { workspace: w } = place;
      await using(
        place,
        "a",
        "readwrite",
        async (h) => {
          await w.writeChunk(h, 1000, utf8("x"));
          same(await w.length(h), 1001, "the length");
          sameBytes(await w.readChunk(h, 0, 1000), new Uint8Array(1000), "the gap");
          await w.setLength(h, 4);
          await w.setLength(h, 8);
          same(await w.length(h), 8, "the length that was set");
          sameBytes(await w.readChunk(h, 0, 99), new Uint8Array(8), "after shrinking and growing");
        },
        make,
      );
    },
  },
  {
    name: "what is appended goes to the end, wherever it was asked to",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), utf8("one"));
      await using(place, "a", "append", async (h) => {
        same(await w.writeChunk(h, 0, utf8("two")), 6, "where it ends");
        same(await w.writeChunk(h, 0, utf8("three")), 11, "where it ends then");
      });
      sameBytes(await w.readFile(place.at("a")), utf8("onetwothree"), "the file");
    },
  },
  {
    name: "a file is made, must be new, or must be there, as was asked",
    async run(place) {
      const { workspace: w } = place;
      await fails(w.openFileHandle(place.at("no"), "read"), "not_found");
      await fails(w.openFileHandle(place.at("no"), "write"), "not_found");
      await using(place, "a", "write", (h) => w.writeChunk(h, 0, utf8("abc")), { create: "may" });
      await fails(w.openFileHandle(place.at("a"), "write", make), "exists");
      await using(place, "a", "write", async () => {}, { create: "may" });
      same((await w.stat(place.at("a"))).length, 3, "opening takes nothing away");
      await using(place, "a", "write", async () => {}, { truncate: true });
      same((await w.stat(place.at("a"))).length, 0, "truncating does");
    },
  },
  {
    name: "a handle does only what it was opened for",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), utf8("abc"));
      await using(place, "a", "read", async (h) => {
        await fails(w.writeChunk(h, 0, utf8("x")), "read_only", "not_permitted");
        await fails(w.setLength(h, 0), "read_only", "not_permitted");
      });
      await using(place, "a", "write", async (h) => {
        await fails(w.readChunk(h, 0, 1), "read_only", "not_permitted");
      });
      sameBytes(await w.readFile(place.at("a")), utf8("abc"), "the file");
    },
  },
  {
    name: "a closed handle is of no file",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), utf8("abc"));
      const handle = await w.openFileHandle(place.at("a"), "read");
      await w.closeHandle(handle);
      await fails(w.readChunk(handle, 0, 1), "bad_handle");
      await fails(w.closeHandle(handle), "bad_handle");
      handle.closed = false;
      await fails(w.readChunk(handle, 0, 1), "bad_handle");
      await fails(w.length(handle), "bad_handle");
      await fails(w.closeHandle(handle), "bad_handle");
    },
  },
  {
    name: "many parts of many files come at once, each in its place",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), pattern(5000, 1));
      await w.replaceFile(place.at("b"), pattern(50, 2));
      await using(place, "a", "read", (a) =>
        using(place, "b", "read", async (b) => {
          const pieces = await w.readMany([
            { handle: a, offset: 10, length: 5 },
            { handle: b, offset: 40, length: 99 },
            { handle: b, offset: 99, length: 1 },
            { handle: a, offset: 0, length: 5000 },
          ]);
          same(pieces.length, 4, "parts");
          sameBytes(pieces[0]!, pattern(5000, 1).subarray(10, 15), "the first");
          sameBytes(pieces[1]!, pattern(50, 2).subarray(40), "up to the end");
          same(pieces[2]!.byteLength, 0, "after the end");
          sameBytes(pieces[3]!, pattern(5000, 1), "the last");
          const many = Array.from({ length: 3000 }, (_, at) => ({
            handle: a,
            offset: at,
            length: 1,
          }));
          const bytes = (await w.readMany(many)).map((piece) => piece[0] ?? -1);
          sameBytes(Uint8Array.from(bytes), pattern(5000, 1).subarray(0, 3000), "thousands");
        }),
      );
    },
  },
  {
    name: "what was synced can be read by whoever opens the file anew",
    async run(place) {
      const { workspace: w } = place;
      await using(
        place,
        "a",
        "write",
        async (h) => {
          await w.writeChunk(h, 0, utf8("first"), { sync: true });
          sameBytes(await w.readFile(place.at("a")), utf8("first"), "after a synced write");
          await w.writeChunk(h, 5, utf8(" second"));
          await w.sync(h);
          sameBytes(await w.readFile(place.at("a")), utf8("first second"), "after sync");
        },
        make,
      );
    },
  },
  {
    name: "a lock keeps others who lock away, until it is given back",
    async run(place) {
      const { workspace: w } = place;
      await w.replaceFile(place.at("a"), utf8("abc"));
      await using(place, "a", "readwrite", (one) =>
        using(place, "a", "readwrite", async (other) => {
          await w.lock(one);
          await fails(w.lock(other), "locked");
          await fails(w.lock(other, { shared: true }), "locked");
          await w.unlock(one);
          await w.lock(one, { shared: true });
          await w.lock(other, { shared: true });
          await w.unlock(other);
          await w.closeHandle(one);
          await w.lock(other);
        }),
      );
    },
  },
];
