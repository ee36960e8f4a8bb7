// Waits in shared memory, and tells what it saw there.

/** So long the page has for its part. */
const WAIT_MS_MAX = 2_000;

self.onmessage = ({ data }: MessageEvent<SharedArrayBuffer>) => {
  try {
    const words = new Int32Array(data);
    self.postMessage("waits");
    Atomics.wait(words, 0, 0, WAIT_MS_MAX);
    self.postMessage(Atomics.load(words, 1));
  } catch {
    // This engine lets no worker wait.
    self.postMessage(0);
  }
};
