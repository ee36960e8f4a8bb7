// Every test of the clients. One that needs a page says so in its first line.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{shared,fs-bindings,app}/**/*.test.{ts,tsx}"],
    environment: "node",
    // What a test says to the console is for whoever debugs it, and noise otherwise.
    silent: "passed-only",
    testTimeout: 20_000,
  },
});
