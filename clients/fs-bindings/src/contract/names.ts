// Names in a granted folder: looking, making, renaming, removing, and never leaving it.

import { FileError } from "../errors";
import { type Case, check, fails, pattern, same, sameBytes, utf8 } from "./check";

export const nameCases: readonly Case[] = [
  {
    name: "a folder lists what is in it, in the order of names",
    async run({ workspace: w, at }) {
      const names = ["b", "a", "ä", "Z", "name with spaces", "100%", "ж"];
      for (const name of names) await w.replaceFile(at(name), utf8(name));
      await w.makeFolder(at("folder"));
      const entries = await w.readDir(at("").slice(0, -1));
      const wanted = ["100%", "Z", "a", "b", "folder", "name with spaces", "ä", "ж"];
      same(
        entries.map((entry) => entry.name),
        wanted,
        "names",
      );
      const kinds = Object.fromEntries(entries.map((entry) => [entry.name, entry.kind]));
      same([kinds.folder, kinds.a], ["folder", "file"], "kinds");
      same(entries.find((entry) => entry.name === "ä")?.length, 2, "a length");
      await fails(w.readDir(at("none")), "not_found");
      await fails(w.readDir(at("a")), "not_a_folder");
    },
  },
  {
    name: "names are looked at many at once, each answered in its place",
    async run({ workspace: w, at }) {
      const before = Date.now();
      await w.replaceFile(at("a"), pattern(77));
      await w.makeFolder(at("folder"));
      const [file, none, folder] = await w.statMany([at("a"), at("none"), at("folder")]);
      check(!(file instanceof FileError) && file?.kind === "file", "a file");
      check(!(file instanceof FileError) && file?.length === 77, "its length");
      const age = file instanceof FileError || !file ? Number.NaN : file.modifiedMs - before;
      check(Math.abs(age) < 60_000, `its time is of now, and not ${age} ms off`);
      check(none instanceof FileError && none.code === "not_found", "nothing");
      check(!(folder instanceof FileError) && folder?.kind === "folder", "a folder");
      same(await w.exists(at("a")), true, "there");
      same(await w.exists(at("none")), false, "not there");
      await fails(w.stat(at("none")), "not_found");
    },
  },
  {
    name: "folders are made, with those above them only where asked",
    async run({ workspace: w, at }) {
      await fails(w.makeFolder(at("a/b/c")), "not_found");
      await w.makeFolder(at("a/b/c"), { parents: true });
      await w.makeFolder(at("a/b/c"), { parents: true });
      await fails(w.makeFolder(at("a/b/c")), "exists");
      await w.replaceFile(at("file"), utf8("x"));
      await fails(w.makeFolder(at("file")), "exists");
      await fails(w.makeFolder(at("file/below"), { parents: true }), "not_a_folder", "exists");
    },
  },
  {
    name: "a name is given to something else only where asked",
    async run({ workspace: w, at }) {
      await w.replaceFile(at("a"), utf8("a"));
      await w.replaceFile(at("b"), utf8("b"));
      await fails(w.rename(at("a"), at("b")), "exists");
      sameBytes(await w.readFile(at("b")), utf8("b"), "it is still there");
      await w.rename(at("a"), at("b"), { replace: true });
      sameBytes(await w.readFile(at("b")), utf8("a"), "it took its place");
      same(await w.exists(at("a")), false, "it went");
      await fails(w.rename(at("none"), at("c")), "not_found");
      await w.makeFolder(at("folder/below"), { parents: true });
      await w.rename(at("folder"), at("other"));
      same((await w.stat(at("other/below"))).kind, "folder", "a folder takes all along");
    },
  },
  {
    name: "a file that was renamed is still open",
    async run({ workspace: w, at }) {
      await w.replaceFile(at("a"), utf8("abc"));
      const handle = await w.openFileHandle(at("a"), "readwrite");
      await w.rename(at("a"), at("b"));
      await w.writeChunk(handle, 3, utf8("def"));
      sameBytes(await w.readChunk(handle, 0, 9), utf8("abcdef"), "by its handle");
      await w.closeHandle(handle);
      sameBytes(await w.readFile(at("b")), utf8("abcdef"), "by its name");
    },
  },
  {
    name: "a folder with something in it goes only where asked",
    async run({ workspace: w, at }) {
      await w.makeFolder(at("a/b"), { parents: true });
      await w.replaceFile(at("a/b/c"), utf8("c"));
      await fails(w.remove(at("a")), "not_empty");
      same(await w.exists(at("a/b/c")), true, "nothing went");
      await w.remove(at("a"), { all: true });
      same(await w.exists(at("a")), false, "it went");
      await fails(w.remove(at("a")), "not_found");
      await w.makeFolder(at("empty"));
      await w.remove(at("empty"));
    },
  },
  {
    name: "a whole file takes another's place at once",
    async run({ workspace: w, at }) {
      await fails(w.replaceFile(at("a"), utf8("x"), { create: "never" }), "not_found");
      const made = await w.replaceFile(at("a"), utf8("first"), { create: "must" });
      same([made.kind, made.length], ["file", 5], "what is known of it");
      await fails(w.replaceFile(at("a"), utf8("x"), { create: "must" }), "exists");
      const reader = await w.openFileHandle(at("a"), "read");
      const stat = await w.replaceFile(at("a"), utf8("second one"), { create: "never" });
      same(stat.length, 10, "its new length");
      sameBytes(await w.readChunk(reader, 0, 99), utf8("first"), "whoever had it open");
      await w.closeHandle(reader);
      sameBytes(await w.readFile(at("a")), utf8("second one"), "whoever opens it");
      await w.replaceFile(at("a"), new Uint8Array());
      same((await w.stat(at("a"))).length, 0, "nothing is a file's content too");
    },
  },
  {
    name: "a file longer than a message takes another's place at once too",
    async run({ workspace: w, at }) {
      const bytes = pattern(9 * 1024 * 1024, 3);
      await w.replaceFile(at("a"), utf8("old"));
      await w.replaceFile(at("a"), bytes);
      sameBytes(await w.readFile(at("a")), bytes, "the file");
      same((await w.readDir(at("").slice(0, -1))).length, 1, "nothing is left beside it");
    },
  },
  {
    name: "no path leads out of the folder",
    async run({ workspace: w, at }) {
      for (const path of ["../x", "/etc/passwd", `${at("a")}/../../../../x`, "..", "a/../../x"]) {
        await fails(w.openFileHandle(path, "read"), "outside", "bad_name");
        await fails(w.stat(path), "outside", "bad_name");
        await fails(w.replaceFile(path, utf8("x")), "outside", "bad_name");
        await fails(w.makeFolder(path), "outside", "bad_name");
        await fails(w.remove(path, { all: true }), "outside", "bad_name");
        await fails(w.rename(path, at("x")), "outside", "bad_name");
      }
      for (const path of ["a\0b", "x".repeat(5000), "a//b", "./a"]) {
        await fails(w.openFileHandle(path, "read"), "bad_name", "outside");
      }
      await fails(w.openFileHandle(at("x".repeat(300)), "write", { create: "may" }), "bad_name");
      await fails(w.openFileHandle(at("").slice(0, -1), "read"), "not_a_file");
    },
  },
  {
    name: "names that begin with a dot are kept from pages that write",
    async run({ workspace: w, at }) {
      await fails(w.replaceFile(at(".git"), utf8("x")), "denied");
      await fails(w.openFileHandle(at(".env"), "write", { create: "may" }), "denied");
      await fails(w.makeFolder(at(".git/hooks"), { parents: true }), "denied");
      await w.replaceFile(at("a"), utf8("x"));
      await fails(w.rename(at("a"), at(".profile")), "denied");
    },
  },
  {
    name: "a folder that nobody granted is none",
    async run({ files }) {
      const other = files.workspace("nobody-granted-this");
      await fails(other.readDir(""), "no_grant");
      await fails(other.openFileHandle("a", "read"), "no_grant");
      await fails(other.makeFolder("a"), "no_grant");
    },
  },
];
