// Messages as bodies of requests to the desktop's own scheme.

import { FileError } from "../errors";
import { NoTransport, type Transport } from "../transport";

/** The scheme's origin. */
export const SCHEME = "orielfs://localhost";

type Fetch = (address: string, init: RequestInit) => Promise<Response>;

/** Returns the transport of `orielfs://localhost/call`. */
export function scheme(by: Fetch | undefined): Transport {
  if (!by) throw new NoTransport("the page has no `fetch`");
  return {
    name: "scheme",
    async call(message) {
      let answer: Response;
      try {
        answer = await by(`${SCHEME}/call`, { method: "POST", body: message, cache: "no-store" });
      } catch (thrown) {
        throw new FileError("system", `${SCHEME}/call does not answer: ${thrown}`);
      }
      if (!answer.ok) {
        throw new FileError("system", `${SCHEME}/call answered with status ${answer.status}`);
      }
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}

/** Returns the address of a file, for images, videos and readers by range. */
export function fileAddress(workspace: string, path: string): string {
  const parts = path.split("/").map(encodeURIComponent).join("/");
  return `${SCHEME}/file/${encodeURIComponent(workspace)}/${parts}`;
}
