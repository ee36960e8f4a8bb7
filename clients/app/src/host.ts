// Where the page's files and scripts come from: the desktop, or the browser alone.

import {
  asFileError,
  choose,
  Files,
  type Invoke,
  nativeInvoke,
  type TransportName,
  type Workspace,
} from "@oriel/fs-bindings";
import { opfs } from "@oriel/fs-bindings/opfs";
import type { ComputePort } from "./compute/port";
import { TauriCompute } from "./compute/tauri";
import { inPage } from "./runmat/offer";
import { Sync } from "./sync/sync";

/** What the page can reach. */
export interface Host {
  files: Files;
  transport: TransportName;
  /** Asks the person for a folder; there is none in a plain browser. */
  grant: ((access: "read" | "read_write") => Promise<Workspace | null>) | undefined;
  /** Opens where grants are taken back. */
  openSettings: (() => Promise<void>) | undefined;
  compute: ComputePort | undefined;
  /** Keeps workspaces and folders equal; the desktop does that. */
  sync?: Sync | undefined;
  /** Finds out whether scripts can run in the page itself. */
  inPage?: () => Promise<ComputePort | undefined>;
}

export async function connect(): Promise<Host> {
  if (import.meta.env.MODE === "demo") return (await import("./demo/demo")).demoHost();
  const invoke = nativeInvoke();
  const { transport, steps } = await choose();
  if (transport) return inDesktop(new Files(transport), invoke);
  if (invoke) {
    const reasons = steps.map((step) => `${step.from}: ${step.reason}`).join("; ");
    throw new Error(`the desktop does not answer (${reasons})`);
  }
  return inBrowser();
}

function inDesktop(files: Files, invoke: Invoke | undefined): Host {
  return {
    files,
    transport: files.transport.name,
    grant: invoke && (async (access) => (await invoke("files_grant", { access })) as Workspace),
    openSettings:
      invoke &&
      (async () => {
        await invoke("files_open_settings");
      }),
    compute: invoke && new TauriCompute(invoke),
    sync: invoke && new Sync(invoke),
    inPage: () => inPage(files),
  };
}

async function inBrowser(): Promise<Host> {
  // The bundler finds the worker only where its address is written out like this.
  const worker = new Worker(new URL("./opfs-worker.ts", import.meta.url), { type: "module" });
  try {
    const files = new Files(await opfs(worker));
    return {
      files,
      transport: "opfs",
      grant: undefined,
      openSettings: undefined,
      compute: undefined,
      inPage: () => inPage(files),
    };
  } catch (thrown) {
    throw asFileError(thrown);
  }
}
