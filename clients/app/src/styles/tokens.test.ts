// The workbench and the console are one product: a token has one value in both.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const CONSOLE = join(import.meta.dirname, "../../../../crates/console/assets/oriel.css");

function tokens(sheet: string): Map<string, string> {
  const plain = (value: string) => value.replace(/\s+/g, " ").replace(/(^|[ ,(])0?\./g, "$1.");
  const found = sheet.matchAll(/^\s*(--[\w-]+):\s*([^;]+);/gm);
  return new Map([...found].map(([, name = "", value = ""]) => [name, plain(value.toLowerCase())]));
}

test("every token of the workbench is the console's", () => {
  const theirs = tokens(readFileSync(CONSOLE, "utf8"));
  const mine = tokens(readFileSync(join(import.meta.dirname, "tokens.css"), "utf8"));
  expect(mine.size).toBeGreaterThan(30);
  for (const [name, value] of mine)
    expect(`${name}: ${value}`).toBe(`${name}: ${theirs.get(name)}`);
});
