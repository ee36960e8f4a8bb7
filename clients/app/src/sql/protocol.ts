// What the page and the worker of queries say to each other.

import type { Ring, SharedFiles } from "../shared/memory";

export type Asked =
  | { type: "start"; wasm: string }
  | { type: "run"; run: number; text: string; workspace: string; from: From }
  | { type: "cancel" };

/** Where the files of a query come from. */
export type From =
  | { type: "shared"; files: SharedFiles }
  | { type: "scheme" }
  | { type: "blobs"; blobs: Map<string, Blob> };

export type Row = (string | null)[];

export interface Column {
  name: string;
  type: string;
  isNumber: boolean;
}

export type Told =
  | { type: "ready"; version: string }
  | { type: "broken"; message: string }
  | Ring
  /** So much was read up to now. */
  | { type: "progress"; run: number; bytes: number; reads: number }
  | { type: "columns"; run: number; columns: Column[] }
  | { type: "rows"; run: number; rows: Row[] }
  | {
      type: "done";
      run: number;
      ms: number;
      rows: number;
      /** There were more rows than are shown. */
      isCut: boolean;
      bytes: number;
      reads: number;
    }
  | { type: "stopped"; run: number; ms: number; bytes: number; reads: number }
  | { type: "failed"; run: number; message: string };

/** So many rows of a result are shown; a query that wants others says so. */
export const ROWS_MAX = 10_000;
