// Files of the host for a page: what other code uses.

export {
  type Chosen,
  choose,
  type Means,
  meansOfPage,
  type StepDown,
  transportNamed,
} from "./choose";
export { asFileError, cancelled, FileError } from "./errors";
export { type FilePart, Files, type LockOptions, type Patience, type WriteOptions } from "./files";
export type {
  Change,
  ChangeKind,
  Changes,
  Code,
  Create,
  Entry,
  Kind,
  Mode,
  Stat,
  Use,
  Workspace,
  WorkspaceAccess,
} from "./generated/hostfs";
export { OP as OP_NUMBERS } from "./generated/hostfs";
export { FileHandle } from "./handle";
export { canNow, FilesNow } from "./now";
export type { ReaderOptions, WriterOptions } from "./streams";
export { DIRECT_BYTES_MAX, NoTransport, type Transport, type TransportName } from "./transport";
export { type Invoke, nativeInvoke } from "./transports/invoke";
export { fileAddress, SCHEME } from "./transports/scheme";
export type { Watching, WatchOptions } from "./watch";
export { type OpenOptions, WorkspaceFiles } from "./workspace";
