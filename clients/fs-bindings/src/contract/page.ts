// The contract as one script, for a test that steers a real page: it evaluates this file, and calls
// `orielContract({ transport: "invoke" })` there.

import { choose, transportNamed } from "../choose";
import { Files } from "../files";
import * as bindings from "../index";
import { MemoryHost } from "../memory/memory";
import { opfs } from "../opfs/opfs";
import type { TransportName } from "../transport";
import { contract, type Result } from "./contract";

export interface Wanted {
  /** The way to the host; the best that works unless told. */
  transport?: TransportName;
  /** The workspace's id; the first that may be written unless told. */
  workspace?: string;
  /** Only cases that have this in their name. */
  only?: string;
  /** Where the worker of `opfs` is. */
  worker?: string;
}

export interface Report {
  transport: TransportName;
  passed: number;
  failed: Result[];
  results: Result[];
  steps: unknown[];
}

async function filesOf(wanted: Wanted): Promise<{ files: Files; steps: unknown[] }> {
  if (wanted.transport === "memory") {
    const host = new MemoryHost();
    host.grant("w1", "memory");
    return { files: new Files(host.transport()), steps: [] };
  }
  if (wanted.transport === "opfs") {
    const worker = new Worker(wanted.worker ?? "opfs-worker.js");
    return { files: new Files(await opfs(worker)), steps: [] };
  }
  if (wanted.transport) return { files: new Files(transportNamed(wanted.transport)), steps: [] };
  const { transport, steps } = await choose();
  if (!transport) throw new Error(`no way to a host works: ${JSON.stringify(steps)}`);
  return { files: new Files(transport), steps };
}

async function orielContract(wanted: Wanted = {}): Promise<Report> {
  const { files, steps } = await filesOf(wanted);
  const granted = await files.workspaces();
  const mine = granted.find((workspace) => workspace.access === "read_write");
  const id = wanted.workspace ?? mine?.id;
  if (id === undefined) throw new Error("no folder was granted to be written");
  const only = (name: string) => wanted.only === undefined || name.includes(wanted.only);
  const results = await contract(files, id, only);
  files.close();
  const failed = results.filter((result) => !result.ok);
  const passed = results.length - failed.length;
  return { transport: files.transport.name, passed, failed, results, steps };
}

Object.assign(globalThis, { orielContract, orielFs: bindings });
