// What is too much or makes no sense is refused with words, and hurts nobody.

import { HEAD_BYTES } from "../generated/hostfs";
import { decodeAnswer, encode, headOf } from "../message";
import { settle } from "../question";
import { type Case, check, fails, pattern, same, sameBytes } from "./check";

export const limitCases: readonly Case[] = [
  {
    name: "numbers that are no place and no length are refused",
    async run({ workspace: w, at }) {
      await w.replaceFile(at("a"), pattern(10));
      const handle = await w.openFileHandle(at("a"), "readwrite");
      for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        await fails(w.readChunk(handle, wrong, 1), "bad_message");
        await fails(w.readChunk(handle, 0, wrong), "bad_message");
        await fails(w.writeChunk(handle, wrong, pattern(1)), "bad_message");
        await fails(w.setLength(handle, wrong), "bad_message");
      }
      await fails(w.readChunk(handle, 0, 11, new Uint8Array(10)), "too_large");
      same((await w.readChunk(handle, 0, 2 ** 40)).byteLength, 10, "a length out of thin air");
      await w.closeHandle(handle);
      sameBytes(await w.readFile(at("a")), pattern(10), "the file");
    },
  },
  {
    name: "what is no message is answered by an error",
    async run({ files }) {
      const good = encode({ ...headOf("workspaces", 9) });
      const wrong = (at: number, byte: number) => {
        const bytes = good.slice();
        bytes[at] = byte;
        return bytes;
      };
      const messages = [
        good.slice(0, HEAD_BYTES - 1),
        wrong(0, 1),
        wrong(2, 9),
        wrong(3, 0),
        wrong(24, 1),
        wrong(31, 128),
        encode(headOf("open", 9), new Uint8Array([255, 1, 2])),
        encode(headOf("stat", 9), new TextEncoder().encode('{"workspace":1}')),
        encode(headOf("read_many", 9), new Uint8Array(23)),
        encode(headOf("replace", 9), new Uint8Array([9, 0, 0, 0])),
      ];
      for (const message of messages) {
        const answer = decodeAnswer(await files.transport.call(message));
        const ask = async () => settle(answer.head, answer);
        await fails(ask(), "bad_message");
      }
      check((await files.workspaces()).length > 0, "the next message is answered as ever");
    },
  },
  {
    name: "handles that were never given open nothing",
    async run({ workspace: w, files, at }) {
      await w.replaceFile(at("a"), pattern(10));
      const handle = await w.openFileHandle(at("a"), "read");
      for (let at = 0; at < 64; at += 1) {
        const guess = { hi: handle.hi ^ (at % 8), lo: (handle.lo + at + 1) >>> 0 };
        await fails(files.line.ask("length", { handle: guess }), "bad_handle");
      }
      await w.closeHandle(handle);
    },
  },
  {
    name: "thousands of files are opened and closed, and none stays open",
    async run({ workspace: w, files, at }) {
      await w.replaceFile(at("a"), pattern(10));
      const { handles } = await files.use();
      for (let round = 0; round < 40; round += 1) {
        const open = Array.from({ length: 50 }, () => w.openFileHandle(at("a"), "read"));
        const all = await Promise.all(open);
        same((await files.use()).handles, handles + 50, "how many are open");
        await Promise.all(all.map((handle) => w.closeHandle(handle)));
      }
      same((await files.use()).handles, handles, "how many are open at the end");
    },
  },
];
