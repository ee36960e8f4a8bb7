// Builds the contract as scripts of their own, which a test evaluates in a real page.

import { defineConfig } from "vite";

/** One script for each run of the build: a script that runs by itself cannot share parts. */
const entry = process.env.ORIEL_ENTRY ?? "contract";
const entries: Record<string, string> = {
  contract: "src/contract/page.ts",
  "opfs-worker": "src/opfs/worker.ts",
};

export default defineConfig({
  // A test may evaluate the script as text of no known encoding.
  esbuild: { charset: "ascii" },
  build: {
    outDir: "dist",
    emptyOutDir: false,
    sourcemap: false,
    lib: {
      entry: entries[entry] ?? entry,
      formats: ["iife"],
      name: "orielEntry",
      fileName: () => `${entry}.js`,
    },
  },
});
