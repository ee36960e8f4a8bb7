// Builds the client's pages for `/client/`. `--mode demo` builds them over a host in memory.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

/** RunMat's module is made by `cargo xtask runmat-wasm`, and most builds are without it. */
const hasRunMat = existsSync(join(import.meta.dirname, "public/runmat/manifest.json"));

export default defineConfig(({ mode }) => ({
  base: "/client/",
  root: import.meta.dirname,
  esbuild: { jsx: "automatic", legalComments: "external" },
  worker: { format: "es" },
  define: { __RUNMAT_BUILT__: String(hasRunMat) },
  build: {
    outDir: mode === "demo" ? "dist-demo" : "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // What is put into the page as text would be refused by its policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rollupOptions: { input: { workbench: "workbench/index.html" } },
  },
}));
