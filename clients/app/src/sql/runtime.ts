// What the engine asks of its surroundings: files by name, opened when a query names them, and read by
// parts. Nothing is registered before, and nothing is fetched from anywhere else.

import type { DuckDBModule, DuckDBRuntime } from "@duckdb/duckdb-wasm/blocking";
import { Blocks, type Source, type SourceFile, type Tally } from "./source";

/** The engine's name for files that its surroundings open by path. */
const BY_PATH = 1;

const WRITES = 2;

interface Open {
  file: SourceFile;
  blocks: Blocks;
  path: string;
}

export class Surroundings {
  source: Source | undefined;
  tally: Tally = { bytes: 0, reads: 0 };
  private readonly open = new Map<number, Open>();

  /** Closes what a query that was given up left open. */
  closeAll(): void {
    for (const { file } of this.open.values()) file.close();
    this.open.clear();
  }

  runtime(): DuckDBRuntime {
    const guarded = <T>(mod: DuckDBModule, otherwise: T, what: () => T): T => {
      try {
        return what();
      } catch (thrown) {
        const { message } = thrown as { message?: string };
        mod.ccall("duckdb_web_fail_with", null, ["string"], [message ?? String(thrown)]);
        return otherwise;
      }
    };
    const of = (fileId: number) => {
      const open = this.open.get(fileId);
      if (!open) throw new Error("the file is not open");
      return open;
    };
    const text = (mod: DuckDBModule, at: number, length: number) =>
      plain(new TextDecoder().decode(mod.HEAPU8.slice(at, at + length)));
    const none = () => {
      throw new Error("queries make and remove no folders");
    };
    return {
      _udfFunctions: new Map(),
      testPlatformFeature: (_mod, feature) => feature === 1,
      getDefaultDataProtocol: () => BY_PATH,
      openFile: (mod, fileId, flags) =>
        guarded(mod, 0, () => {
          const path = plain(nameOf(mod, fileId));
          const file = this.sourceNow().open(path, ((flags as number) & WRITES) !== 0);
          this.open.get(fileId)?.file.close();
          this.open.set(fileId, { file, path, blocks: new Blocks(file, this.tally) });
          const result = mod._malloc(16);
          mod.HEAPF64[result >> 3] = file.length;
          mod.HEAPF64[(result >> 3) + 1] = 0;
          return result;
        }) as unknown as undefined,
      syncFile: () => {},
      closeFile: (mod, fileId) =>
        guarded(mod, undefined, () => {
          this.open.get(fileId)?.file.close();
          this.open.delete(fileId);
        }),
      getLastFileModificationTime: (mod, fileId) =>
        guarded(mod, 0, () => of(fileId).file.modifiedMs / 1000),
      truncateFile: (mod, fileId, length) =>
        guarded(mod, undefined, () => {
          of(fileId).blocks.forget();
          of(fileId).file.truncate(length);
        }),
      readFile: (mod, fileId, into, bytes, offset) =>
        guarded(mod, 0, () =>
          of(fileId).blocks.read(offset, mod.HEAPU8.subarray(into, into + bytes)),
        ),
      writeFile: (mod, fileId, from, bytes, offset) =>
        guarded(mod, 0, () => {
          of(fileId).blocks.forget();
          of(fileId).file.writeAt(offset, mod.HEAPU8.slice(from, from + bytes));
          return bytes;
        }),
      removeDirectory: (mod) => guarded(mod, undefined, none),
      createDirectory: (mod) => guarded(mod, undefined, none),
      moveFile: (mod) => guarded(mod, undefined, none),
      removeFile: () => {},
      checkDirectory: () => true,
      listDirectoryEntries: (mod) => guarded(mod, false, none),
      checkFile: (mod, at, length) =>
        // The engine asks for its own file before there is a query.
        guarded(mod, false, () => this.source?.has(text(mod, at, length)) ?? false),
      glob: (mod, at, length) =>
        guarded(mod, undefined, () => {
          for (const path of matches(this.sourceNow(), text(mod, at, length))) {
            mod.ccall("duckdb_web_fs_glob_add_path", null, ["string"], [path]);
          }
        }),
      callScalarUDF: () => {},
    };
  }

  private sourceNow(): Source {
    if (!this.source) throw new Error("no folder is open");
    return this.source;
  }
}

/** Returns the paths that a pattern means. Without a star it is a name, where there is such a file. */
export function matches(source: Source, pattern: string): string[] {
  if (!/[*?]/.test(pattern)) return source.has(pattern) ? [pattern] : [];
  let folders = [""];
  const parts = pattern.split("/");
  const last = parts.pop() ?? "";
  for (const part of parts) {
    folders = folders.flatMap((folder) => within(source, folder, part, "folder"));
  }
  return folders.flatMap((folder) => within(source, folder, last, "file")).sort();
}

function within(source: Source, folder: string, part: string, kind: "file" | "folder"): string[] {
  const wild = part
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  const test = new RegExp(`^${wild}$`, "u");
  const names = source.list(folder).filter((entry) => entry.kind === kind && test.test(entry.name));
  return names.map((entry) => (folder === "" ? entry.name : `${folder}/${entry.name}`));
}

/** A query may say `/data/a.csv` or `./data/a.csv` for what is in the workspace. */
export const plain = (path: string) => path.replace(/^(\.?\/)+/, "");

/** Returns what the engine calls an open file. */
function nameOf(mod: DuckDBModule, fileId: number): string {
  const stack = mod.stackSave();
  const response = mod.stackAlloc(24);
  mod.HEAPF64.fill(0, response >> 3, (response >> 3) + 3);
  const types = ["number", "number", "number"] as Emscripten.JSType[];
  mod.ccall("duckdb_web_fs_get_file_info_by_id", null, types, [response, fileId, 0]);
  const [status = 1, at = 0, length = 0] = mod.HEAPF64.slice(response >> 3, (response >> 3) + 3);
  mod.stackRestore(stack);
  const text = new TextDecoder().decode(mod.HEAPU8.slice(at, at + length));
  mod.ccall("duckdb_web_clear_response", null, [], []);
  if (status !== 0) throw new Error(text);
  const { dataUrl, fileName } = JSON.parse(text) as { dataUrl: string | null; fileName: string };
  return dataUrl ?? fileName;
}
