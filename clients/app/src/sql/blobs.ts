// The files that a query names, for a page that has neither a desktop nor shared memory.

import type { Files, TransportName } from "@oriel/fs-bindings";
import { plain } from "./runtime";

/** Returns what stands between quotes and may be a name. */
export function named(text: string): string[] {
  return [...new Set([...text.matchAll(/'([^'\n]+)'/g)].map(([, name]) => plain(name ?? "")))];
}

export async function blobsOf(
  files: Files,
  transport: TransportName,
  workspace: string,
  text: string,
): Promise<Map<string, Blob>> {
  const blobs = new Map<string, Blob>();
  for (const path of named(text)) {
    const blob = await (transport === "opfs"
      ? kept(path)
      : files
          .workspace(workspace)
          .readFile(path)
          .then((bytes) => new Blob([bytes as BlobPart]))
    ).catch(() => undefined);
    if (blob) blobs.set(path, blob);
  }
  return blobs;
}

/** A file of the browser. It is read by parts, when they are needed. */
async function kept(path: string): Promise<Blob> {
  let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("workspace");
  const names = path.split("/");
  const name = names.pop() ?? "";
  for (const part of names) folder = await folder.getDirectoryHandle(part);
  return (await folder.getFileHandle(name)).getFile();
}
