// The host in memory keeps the contract, with and without what only the extension can.

import { expect, test } from "vitest";
import { Files } from "../files";
import { MemoryHost } from "../memory/memory";
import { contract } from "./contract";

async function failures(isPlain: boolean) {
  const host = new MemoryHost();
  host.grant("w1", "memory");
  const results = await contract(new Files(host.transport(isPlain)), "w1");
  expect(results.length).toBeGreaterThan(30);
  return results.filter((result) => !result.ok);
}

test("files in memory are read and written directly", async () => {
  expect(await failures(false)).toEqual([]);
});

test("files in memory are read and written by messages alone", async () => {
  expect(await failures(true)).toEqual([]);
});
