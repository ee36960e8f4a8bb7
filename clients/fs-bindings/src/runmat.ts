// A workspace in the shape that RunMat's own wasm bindings take. They read and write whole files, so a
// file that is large is refused before it fills the module's memory.

import { asFileError, type FileError } from "./errors";
import type { Kind, Stat } from "./generated/hostfs";
import type { WorkspaceFiles } from "./workspace";

/** What RunMat knows of something. */
export interface RunMatMetadata {
  fileType: "file" | "directory" | "symlink" | "unknown";
  len: number;
  modified: number;
  readonly: boolean;
}

export interface RunMatEntry {
  path: string;
  fileName: string;
  fileType: RunMatMetadata["fileType"];
}

/** What `initRunMat` takes as its provider of files. */
export interface RunMatProvider {
  readFile(path: string): Promise<Uint8Array>;
  /** One for each path; `null` where it cannot be read. */
  readMany(paths: string[]): Promise<(Uint8Array | null)[]>;
  writeFile(path: string, data: Uint8Array): Promise<void>;
  removeFile(path: string): Promise<void>;
  metadata(path: string): Promise<RunMatMetadata>;
  symlinkMetadata(path: string): Promise<RunMatMetadata>;
  readDir(path: string): Promise<RunMatEntry[]>;
  canonicalize(path: string): Promise<string>;
  createDir(path: string): Promise<void>;
  createDirAll(path: string): Promise<void>;
  removeDir(path: string): Promise<void>;
  removeDirAll(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

/** A module's memory ends at 4 GiB, and a file is in it more than once. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;

/** So many files are read at the same time. */
const AT_ONCE = 8;

export function runMatProvider(workspace: WorkspaceFiles): RunMatProvider {
  const readFile = (path: string) =>
    told(() => workspace.readFile(inside(path), { max: FILE_BYTES_MAX }));
  const metadata = (path: string) =>
    told(async () => metadataOf(await workspace.stat(inside(path))));
  return {
    readFile,
    async readMany(paths) {
      const found: (Uint8Array | null)[] = [];
      for (let at = 0; at < paths.length; at += AT_ONCE) {
        const some = paths.slice(at, at + AT_ONCE).map((path) => readFile(path).catch(() => null));
        found.push(...(await Promise.all(some)));
      }
      return found;
    },
    writeFile: (path, data) =>
      told(async () => {
        await workspace.replaceFile(inside(path), data);
      }),
    removeFile: (path) => told(() => workspace.remove(inside(path))),
    metadata,
    symlinkMetadata: metadata,
    readDir: (path) =>
      told(async () => {
        const entries = await workspace.readDir(inside(path));
        const above = path.endsWith("/") ? path : `${path}/`;
        return entries.map(({ name, kind }) => ({
          path: above + name,
          fileName: name,
          fileType: fileType(kind),
        }));
      }),
    canonicalize: (path) =>
      told(async () => {
        await workspace.stat(inside(path));
        return `/${inside(path)}`;
      }),
    createDir: (path) => told(() => workspace.makeFolder(inside(path))),
    createDirAll: (path) => told(() => workspace.makeFolder(inside(path), { parents: true })),
    removeDir: (path) => told(() => workspace.remove(inside(path))),
    removeDirAll: (path) => told(() => workspace.remove(inside(path), { all: true })),
    rename: (from, to) => told(() => workspace.rename(inside(from), inside(to), { replace: true })),
  };
}

/** A script's paths begin at the workspace. One that leads out is left as it is, and refused there. */
export function inside(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === ".." && names.length > 0 && names.at(-1) !== "..") names.pop();
    else names.push(name);
  }
  return names.join("/");
}

const fileType = (kind: Kind): RunMatMetadata["fileType"] =>
  (({ file: "file", folder: "directory", link: "symlink", other: "unknown" }) as const)[kind];

const metadataOf = (stat: Stat): RunMatMetadata => ({
  fileType: fileType(stat.kind),
  len: stat.length,
  modified: stat.modifiedMs,
  readonly: stat.isReadOnly,
});

/** RunMat knows a file that is not there by the error's name. */
async function told<T>(what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (thrown) {
    const error: FileError = asFileError(thrown);
    if (error.code === "not_found") error.name = "NotFoundError";
    throw error;
  }
}
