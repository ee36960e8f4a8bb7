// Whether scripts can run in this page: the module was built, and its files can be served to a worker.

import type { Files } from "@oriel/fs-bindings";
import type { ComputePort } from "../compute/port";
import { sharingWorks } from "../shared/works";
import { findModule } from "./module";
import { InPage } from "./port";

/** Returns the port of such sessions; nothing where there can be none. */
export async function inPage(files: Files): Promise<ComputePort | undefined> {
  // Which builds have the module is known when they are made, so that no other asks for what is not there.
  if (!__RUNMAT_BUILT__) return undefined;
  const folder = new URL(`${import.meta.env.BASE_URL}runmat/`, location.href);
  if (!(await findModule(folder)) || !(await sharingWorks())) return undefined;
  return new InPage(files, {
    worker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
    folder,
    now: () => performance.now(),
  });
}
