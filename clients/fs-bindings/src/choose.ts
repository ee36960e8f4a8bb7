// Which way to the host a page takes: the best that works, found by trying. Whoever looks for why files
// are slow finds each step down with the host, which is told of it.

import { asFileError } from "./errors";
import { decodeAnswer, encode, headOf } from "./message";
import { readAnswer } from "./question";
import { asWorkspaces } from "./shapes";
import type { Transport, TransportName } from "./transport";
import { extension, type OrielFiles } from "./transports/extension";
import { type Invoke, invoke, nativeInvoke } from "./transports/invoke";
import { scheme } from "./transports/scheme";
import { text } from "./transports/text";

/** A way that did not work, and the one that was tried next. */
export interface StepDown {
  from: TransportName;
  to: TransportName | "none";
  reason: string;
}

/** What a page has to reach a host with; its own global things unless told. */
export interface Means {
  scope: { __orielFiles?: OrielFiles };
  invoke: Invoke | undefined;
  fetch: ((address: string, init: RequestInit) => Promise<Response>) | undefined;
}

export interface Chosen {
  transport: Transport | undefined;
  steps: StepDown[];
}

const ORDER: readonly TransportName[] = ["extension", "invoke", "scheme"];

export function meansOfPage(): Means {
  const invoke = nativeInvoke();
  // A plain browser does not know the desktop's scheme, and its policy complains of every try.
  const isPlain = invoke === undefined && /^https?:$/.test(globalThis.location?.protocol ?? "");
  return {
    scope: globalThis as { __orielFiles?: OrielFiles },
    invoke,
    fetch: isPlain ? undefined : globalThis.fetch?.bind(globalThis),
  };
}

/** Returns the named transport, or fails with `NoTransport`. Nothing is tried. */
export function transportNamed(name: TransportName, means: Means = meansOfPage()): Transport {
  switch (name) {
    case "extension":
      return extension(means.scope, means.invoke ? invoke(means.invoke) : undefined);
    case "invoke":
      return invoke(means.invoke);
    case "scheme":
      return scheme(means.fetch);
    case "text":
      return text(means.invoke);
    default:
      throw new Error(`${name} is made by its own function`);
  }
}

/** Returns the best transport that answers. Where none does, the page is in no desktop. */
export async function choose(means: Means = meansOfPage()): Promise<Chosen> {
  const steps: StepDown[] = [];
  let transport: Transport | undefined;
  for (const [index, name] of ORDER.entries()) {
    try {
      transport = await tried(transportNamed(name, means));
      break;
    } catch (thrown) {
      const to = ORDER[index + 1] ?? "none";
      steps.push({ from: name, to, reason: asFileError(thrown).message });
    }
  }
  await tell(steps, means.invoke);
  return { transport, steps };
}

/** A way that is there may still not answer, or answer something else. */
async function tried(transport: Transport): Promise<Transport> {
  const head = headOf("workspaces", 1);
  const answer = decodeAnswer(await transport.call(encode(head)));
  asWorkspaces(readAnswer(head, answer));
  return transport;
}

async function tell(steps: readonly StepDown[], by: Invoke | undefined): Promise<void> {
  for (const step of steps) {
    // A host that cannot be told has no diagnostics either; the page goes on.
    await by?.("files_stepped_down", step).catch(() => {});
  }
}
