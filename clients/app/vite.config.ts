// Builds the client's pages for `/client/`. `--mode demo` builds them over a host in memory.

import { defineConfig } from "vite";

export default defineConfig(({ mode }) => ({
  base: "/client/",
  root: import.meta.dirname,
  esbuild: { jsx: "automatic", legalComments: "external" },
  worker: { format: "es" },
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
