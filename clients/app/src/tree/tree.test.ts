// A person's files: what is seen of them, saved, and kept from being lost.

import { Files } from "@oriel/fs-bindings";
import { MemoryHost } from "@oriel/fs-bindings/memory";
import { expect, test } from "vitest";
import { asText, Editor } from "../editor/editor";
import { rowsOf, Tree } from "./tree";

const utf8 = (text: string) => new TextEncoder().encode(text);

async function scene() {
  let now = 1000;
  const memory = new MemoryHost(() => now++);
  memory.grant("w", "runs");
  const files = new Files(memory.transport(true));
  const workspace = files.workspace("w");
  await workspace.makeFolder("data");
  for (const name of ["b10.m", "b9.m", "data/x.csv"]) await workspace.replaceFile(name, utf8(name));
  const editor = new Editor(files);
  const host = { files, transport: "memory", grant: undefined, openSettings: undefined } as const;
  const tree = new Tree({ ...host, compute: undefined }, editor);
  await tree.load();
  return { workspace, editor, tree };
}

const names = (tree: Tree) => rowsOf(tree.store.get()).map((row) => `${row.depth} ${row.name}`);

test("a folder shows its folders first, and what is in them when it is opened", async () => {
  const { tree } = await scene();
  expect(names(tree)).toEqual(["0 runs", "1 data", "1 b9.m", "1 b10.m"]);
  await tree.open("w", "data");
  expect(names(tree)).toEqual(["0 runs", "1 data", "2 x.csv", "1 b9.m", "1 b10.m"]);
  await tree.open("w", "gone");
  expect(names(tree)).not.toContain("2 gone");
});

test("a file that someone else changed is not saved over unless one says so", async () => {
  const { workspace, editor } = await scene();
  await editor.open("w", "b9.m");
  const key = editor.current()!.key;
  await workspace.replaceFile("b9.m", utf8("theirs"));
  expect(await editor.save(key)).toBe(false);
  expect(editor.current()).toMatchObject({ isConflict: true });
  expect(await workspace.readFile("b9.m")).toEqual(utf8("theirs"));
  expect(await editor.save(key, true)).toBe(true);
  expect(await workspace.readFile("b9.m")).toEqual(utf8("b9.m"));
  expect(editor.current()).toMatchObject({ isConflict: false, problem: "" });
});

test("a renamed folder takes its open files along", async () => {
  const { tree, editor } = await scene();
  await editor.open("w", "data/x.csv");
  await tree.rename("w", "data", "tables");
  expect(editor.current()?.path).toBe("tables/x.csv");
  expect(await editor.save(editor.current()!.key)).toBe(true);
});

test("what is no text is not opened as text", () => {
  expect(asText(utf8("größe"))).toBe("größe");
  expect(asText(new Uint8Array([1, 0, 2]))).toBeUndefined();
  expect(asText(new Uint8Array([0xc3, 0x28]))).toBeUndefined();
});
