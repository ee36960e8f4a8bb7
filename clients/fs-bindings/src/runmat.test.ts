// RunMat's own bindings see a workspace as the folder `/`.

import { expect, test } from "vitest";
import { Files } from "./files";
import { MemoryHost } from "./memory/memory";
import { runMatProvider } from "./runmat";

function provider() {
  const host = new MemoryHost(() => 1500);
  host.grant("w1", "memory");
  return runMatProvider(new Files(host.transport()).workspace("w1"));
}

test("a script's files are those of the workspace", async () => {
  const files = provider();
  await files.createDirAll("/a/b");
  await files.writeFile("/a/b/c.m", new TextEncoder().encode("x = 1"));
  expect(new TextDecoder().decode(await files.readFile("a/./b/../b/c.m"))).toBe("x = 1");
  expect(await files.metadata("/a/b/c.m")).toEqual({
    fileType: "file",
    len: 5,
    modified: 1500,
    readonly: false,
  });
  const entry = { path: "/a/b/c.m", fileName: "c.m", fileType: "file" };
  expect(await files.readDir("/a/b")).toEqual([entry]);
  const [there, none] = await files.readMany(["/a/b/c.m", "/none"]);
  expect(there?.byteLength).toBe(5);
  expect(none).toBeNull();
  await files.rename("/a/b/c.m", "/d.m");
  await files.removeDirAll("/a");
  expect((await files.readDir("/")).map((one) => one.fileName)).toEqual(["d.m"]);
});

test("a file that is not there is known by its name", async () => {
  await expect(provider().metadata("/none")).rejects.toMatchObject({ name: "NotFoundError" });
});

test("a path out of the workspace stays one, and is refused", async () => {
  await expect(provider().readFile("/../../etc/passwd")).rejects.toMatchObject({ code: "outside" });
});
