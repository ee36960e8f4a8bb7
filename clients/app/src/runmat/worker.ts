// The worker of scripts: RunMat's module, whose files the page serves through shared memory.

import { sharedTransport } from "../shared/memory";
import type { ScriptFiles } from "./module";
import type { Asked, Told } from "./protocol";
import { RunMat } from "./runmat";
import { Session } from "./session";

const tell = (told: Told) => self.postMessage(told);

const words = (thrown: unknown) => String((thrown as { message?: unknown })?.message ?? thrown);

const broken = (thrown: unknown) => tell({ type: "broken", message: words(thrown) });

let session: Promise<Session> | undefined;

async function start({ folder, workspace, files }: Extract<Asked, { type: "start" }>) {
  const runmat = await RunMat.load({ folder: new URL(folder) });
  if (!runmat) throw new Error("RunMat's module is not there; `cargo xtask runmat-wasm` builds it");
  const { callNow, readInto, writeFrom } = sharedTransport(files, tell);
  const given: ScriptFiles = {
    call: (message) => callNow!(message as Uint8Array<ArrayBuffer>),
    ...(readInto && {
      readInto: (hi: number, lo: number, offset: number, view: ArrayBufferView) =>
        readInto({ hi, lo }, offset, view),
    }),
    ...(writeFrom && {
      writeFrom: (hi: number, lo: number, offset: number, view: ArrayBufferView) =>
        writeFrom({ hi, lo }, offset, view),
    }),
  };
  runmat.attach(given, workspace);
  return new Session(runmat, (event) => tell({ type: "event", event }));
}

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  if (data.type === "start") {
    session = start(data);
    session.catch(broken);
    return;
  }
  const { id, request } = data;
  session
    ?.then((session) => session.ask(request))
    .then((answer) => tell({ type: "answer", id, answer }))
    .catch(broken);
};

// A script that breaks the module does so after its request was answered.
self.addEventListener("unhandledrejection", ({ reason }) => broken(reason));
