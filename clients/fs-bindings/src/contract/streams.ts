// Streams, news of a folder, and waits that are given up.

import { type Case, check, fails, pattern, same, sameBytes, utf8 } from "./check";

async function gathered(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<BufferSource>).arrayBuffer());
}

export const streamCases: readonly Case[] = [
  {
    name: "a file is read as a stream, whole or from a place to another",
    async run({ workspace: w, files, at }) {
      const bytes = pattern(3_000_000, 9);
      await w.replaceFile(at("a"), bytes);
      const handle = await w.openFileHandle(at("a"), "read");
      sameBytes(await gathered(files.reader(handle)), bytes, "all of it");
      const part = files.reader(handle, { offset: 1000, end: 1_900_000 });
      sameBytes(await gathered(part), bytes.subarray(1000, 1_900_000), "a part");
      same((await gathered(files.reader(handle, { offset: 3_000_000 }))).byteLength, 0, "the end");
      await gathered(files.reader(handle, { close: true }));
      check(handle.closed, "the stream closes the file where it was told to");
    },
  },
  {
    name: "a stream fills the reader's own memory where the engine can",
    async run({ workspace: w, files, at }) {
      const bytes = pattern(100_000, 4);
      await w.replaceFile(at("a"), bytes);
      const handle = await w.openFileHandle(at("a"), "read");
      let reader: ReadableStreamBYOBReader;
      try {
        reader = files.reader(handle).getReader({ mode: "byob" });
      } catch {
        await w.closeHandle(handle);
        return;
      }
      const got = new Uint8Array(100_000);
      let done = 0;
      let view = new Uint8Array(33_333);
      for (;;) {
        const piece = await reader.read(view);
        if (piece.done) break;
        got.set(piece.value, done);
        done += piece.value.byteLength;
        view = new Uint8Array(piece.value.buffer);
      }
      same(done, 100_000, "bytes");
      sameBytes(got, bytes, "what came");
      await w.closeHandle(handle);
    },
  },
  {
    name: "a file is written as a stream",
    async run({ workspace: w, files, at }) {
      const bytes = pattern(2_500_000, 8);
      const handle = await w.openFileHandle(at("a"), "write", { create: "must" });
      const writer = files.writer(handle, { offset: 5, close: true }).getWriter();
      for (let from = 0; from < bytes.byteLength; from += 300_000) {
        await writer.write(bytes.subarray(from, from + 300_000));
      }
      await writer.close();
      check(handle.closed, "the stream closes the file where it was told to");
      sameBytes((await w.readFile(at("a"))).subarray(5), bytes, "what was written");
    },
  },
  {
    name: "who watches a folder hears of what changes in it",
    async run({ workspace: w, at }) {
      const here = at("").slice(0, -1);
      const watching = await w.watch(here, { waitMs: 2000 });
      const kinds = new Map<string, string>();
      const until = async (path: string, kind: string) => {
        while (kinds.get(path) !== kind) {
          const news = await watching.next();
          if (news.done) throw new Error("the watch ended by itself");
          if (news.value.lookAgain) return;
          for (const change of news.value.changes) kinds.set(change.path, change.kind);
        }
      };
      await w.replaceFile(at("a"), utf8("a"));
      while (!kinds.has(at("a"))) {
        const news = await watching.next();
        if (news.done || news.value.lookAgain) break;
        for (const change of news.value.changes) kinds.set(change.path, change.kind);
      }
      await w.remove(at("a"));
      await until(at("a"), "removed");
      await watching.return?.();
      same((await watching.next()).done, true, "a watch that was left is over");
    },
  },
  {
    name: "a wait that is given up ends at once, and leaves nothing open",
    async run({ workspace: w, files, at }) {
      await w.replaceFile(at("a"), pattern(1000));
      const gone = AbortSignal.abort();
      await fails(w.openFileHandle(at("a"), "read", { signal: gone }), "cancelled");
      await fails(w.stat(at("a"), { signal: gone }), "cancelled");
      const handle = await w.openFileHandle(at("a"), "read");
      await fails(w.readChunk(handle, 0, 10, undefined, { signal: gone }), "cancelled");
      await w.closeHandle(handle);
      const { handles } = await files.use();
      const leaver = new AbortController();
      const late = fails(w.openFileHandle(at("a"), "read", { signal: leaver.signal }), "cancelled");
      leaver.abort();
      await late;
      const watching = await w.watch(at("").slice(0, -1), { waitMs: 50 });
      const next = watching.next();
      await watching.return?.();
      same((await next).done, true, "leaving ends the wait for news");
      for (let tries = 0; (await files.use()).handles > handles; tries += 1) {
        check(tries < 1000, "what was opened too late is closed again");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  },
];
