// The worker that has the browser's files open. It answers messages one after the other.

import { asFileError, FileError } from "../errors";
import { type Change, type Create, FLAG, type Mode, PAYLOAD_BYTES_MAX } from "../generated/hostfs";
import { split } from "../memory/tree";
import {
  decodeParts,
  decodeReplace,
  decodeRequest,
  encode,
  encodeJson,
  type HandleNumber,
  type Head,
  headOf,
  type Message,
  messageWithRoom,
  readJson,
} from "../message";
import type { Came, Sent } from "./opfs";
import { OpfsStore, type Shared } from "./store";

interface Open {
  shared: Shared;
  mode: Mode;
  path: string;
}

interface Watched {
  path: string;
  changes: Change[];
  wake: (() => void) | undefined;
}

const HEAD = 32;
const HANDLES_MAX = 1024;
const ID = "opfs";

const open = new Map<string, Open>();
const watched = new Map<string, Watched>();
let last = 0;

const key = (handle: HandleNumber) => `${handle.hi}:${handle.lo}`;

function found(handle: HandleNumber): Open {
  const file = open.get(key(handle));
  if (!file) throw new FileError("bad_handle", "the handle is of no open file of this page");
  return file;
}

function reading(handle: HandleNumber): Open {
  const file = found(handle);
  if (file.mode === "read" || file.mode === "readwrite") return file;
  throw new FileError("not_permitted", `\`${file.path}\` was opened to be written`);
}

function writing(handle: HandleNumber): Open {
  const file = found(handle);
  if (file.mode !== "read") return file;
  throw new FileError("read_only", `\`${file.path}\` was opened to be read`);
}

function mayWrite(path: string): void {
  const kept = split(path).find((name) => name.startsWith("."));
  if (kept !== undefined) throw new FileError("denied", `\`${kept}\` is kept from pages`, { path });
}

function tell(path: string, kind: Change["kind"]): void {
  for (const one of watched.values()) {
    if (one.path !== "" && !path.startsWith(`${one.path}/`)) continue;
    one.changes = one.changes.filter((change) => change.path !== path);
    one.changes.push({ path, kind });
    one.wake?.();
  }
}

function form(payload: Uint8Array): Record<string, unknown> {
  const value = readJson(payload);
  if (typeof value !== "object" || value === null) {
    throw new FileError("bad_message", "the payload is no form");
  }
  const of = value as Record<string, unknown>;
  if (typeof of.workspace !== "string") throw new FileError("bad_message", "a name is missing");
  if (of.workspace !== ID) {
    throw new FileError("no_grant", "no folder of that name was granted to this page");
  }
  return of;
}

/** Reads into a message's own memory, so that nothing is copied on its way. */
function read(answer: Head, { shared }: Open, offset: number, length: number): Uint8Array {
  const size = Math.max(0, Math.min(length, shared.access.getSize() - offset));
  const bytes = messageWithRoom({ ...answer, offset, length: size }, size);
  if (size > 0) shared.access.read(bytes.subarray(HEAD), { at: offset });
  return bytes;
}

function lock(head: Head): void {
  const file = found(head.handle);
  const { shared } = file;
  const free = () => {
    shared.readers.delete(file);
    if (shared.exclusive === file) shared.exclusive = undefined;
  };
  if ((head.flags & FLAG.unlock) !== 0) {
    free();
    return;
  }
  const isShared = (head.flags & FLAG.shared) !== 0;
  const others = [...shared.readers].some((reader) => reader !== file);
  const isTaken = shared.exclusive !== undefined && shared.exclusive !== file;
  if (isTaken || (!isShared && others)) {
    throw new FileError("locked", `another one has \`${file.path}\` locked`, { path: file.path });
  }
  free();
  if (isShared) shared.readers.add(file);
  else shared.exclusive = file;
}

async function answered(store: OpfsStore, { head, payload }: Message): Promise<Uint8Array> {
  const answer: Head = { ...head, offset: 0, length: 0, flags: 0 };
  switch (head.op) {
    case "workspaces":
      return encodeJson(answer, {
        workspaces: [{ id: ID, name: "This browser", path: "", access: "read_write" }],
      });
    case "open": {
      const of = form(payload);
      const {
        path,
        mode,
        create = "never",
        truncate,
      } = of as {
        path: string;
        mode: Mode;
        create?: Create;
        truncate?: boolean;
      };
      if (typeof path !== "string") throw new FileError("bad_message", "a name is missing");
      if (open.size >= HANDLES_MAX)
        throw new FileError("too_many", `${HANDLES_MAX} files are open`);
      if (mode !== "read" || create !== "never" || truncate) mayWrite(path);
      const file = { mode, path } as Open;
      const had = create === "never" ? true : await store.stat(path).catch(() => undefined);
      file.shared = await store.use(path, create, truncate === true, file);
      if (!had) tell(path, "made");
      last += 1;
      const handle = { hi: 1, lo: last };
      open.set(key(handle), file);
      const stat = await store.stat(path);
      return encodeJson({ ...answer, handle, offset: stat.length }, { stat });
    }
    case "close": {
      const watch = watched.get(key(head.handle));
      if (watch) {
        watched.delete(key(head.handle));
        watch.wake?.();
        return encode(answer);
      }
      const file = found(head.handle);
      open.delete(key(head.handle));
      await store.leave(file.shared, file);
      return encode(answer);
    }
    case "read":
      if (head.length > PAYLOAD_BYTES_MAX) throw new FileError("too_large", "cut it into pieces");
      return read(answer, reading(head.handle), head.offset, head.length);
    case "write": {
      const file = writing(head.handle);
      const { access } = file.shared;
      const at = file.mode === "append" ? access.getSize() : head.offset;
      access.write(payload as BufferSource, { at });
      if ((head.flags & FLAG.sync) !== 0) access.flush();
      tell(file.path, "changed");
      return encode({ ...answer, offset: at + payload.byteLength });
    }
    case "read_many": {
      const parts = decodeParts(payload).map((part) => {
        const file = reading(part.handle);
        return read(answer, file, part.offset, part.length).subarray(HEAD);
      });
      const heads = new Uint32Array(parts.map((part) => part.byteLength));
      const all = new Blob([heads, ...(parts as BlobPart[])]);
      return encode(answer, new Uint8Array(await all.arrayBuffer()));
    }
    case "length":
      return encode({ ...answer, offset: found(head.handle).shared.access.getSize() });
    case "set_length":
      writing(head.handle).shared.access.truncate(head.offset);
      return encode({ ...answer, offset: head.offset });
    case "flush":
    case "sync":
      found(head.handle).shared.access.flush();
      return encode(answer);
    case "lock":
      lock(head);
      return encode(answer);
    case "use":
      return encodeJson(answer, {
        handles: open.size,
        handlesMax: HANDLES_MAX,
        behindBytes: 0,
        behindBytesMax: 0,
        mappedBytes: 0,
        mappedBytesMax: 0,
      });
    case "changes": {
      const one = watched.get(key(head.handle));
      if (!one) throw new FileError("bad_handle", "nothing is watched by that handle");
      return encodeJson(answer, { changes: one.changes.splice(0), lookAgain: false });
    }
    default:
      return named(store, answer, payload);
  }
}

/** What is about names. */
async function named(store: OpfsStore, answer: Head, payload: Uint8Array): Promise<Uint8Array> {
  if (answer.op === "replace") {
    const { form: json, bytes } = decodeReplace(payload);
    const of = form(new TextEncoder().encode(JSON.stringify(json)));
    const path = String(of.path);
    mayWrite(path);
    const had = await store.stat(path).catch(() => undefined);
    await store.replace(path, (of.create ?? "never") as Create, bytes);
    tell(path, had ? "changed" : "made");
    return encodeJson(answer, await store.stat(path));
  }
  const of = form(payload);
  const path = String(of.path ?? "");
  switch (answer.op) {
    case "stat": {
      const one = (name: string) =>
        store.stat(name).catch((thrown) => asFileError(thrown).toWire());
      return encodeJson(answer, { stats: await Promise.all((of.paths as string[]).map(one)) });
    }
    case "list": {
      const after = of.after as string | undefined;
      const names = await store.list(path);
      const from = after === undefined ? 0 : names.findIndex((entry) => entry.name === after) + 1;
      const entries = names.slice(from, from + 4096);
      return encodeJson(answer, { entries, hasMore: from + 4096 < names.length, unnameable: 0 });
    }
    case "make_folder":
      mayWrite(path);
      await store.makeFolder(path, of.parents === true);
      tell(path, "made");
      return encode(answer);
    case "rename": {
      const [from, to] = [String(of.from), String(of.to)];
      mayWrite(from);
      mayWrite(to);
      await store.rename(from, to, of.replace === true);
      tell(from, "removed");
      tell(to, "made");
      return encode(answer);
    }
    case "remove":
      mayWrite(path);
      if (of.trash === true) {
        throw new FileError("unsupported", "a browser has no trash", {
          hint: "remove it for good",
        });
      }
      await store.remove(path, of.all === true);
      tell(path, "removed");
      return encode(answer);
    default: {
      if ((await store.stat(path)).kind !== "folder") {
        throw new FileError("not_a_folder", `\`${path}\` is a file`, { path });
      }
      last += 1;
      const handle = { hi: 2, lo: last };
      watched.set(key(handle), { path, changes: [], wake: undefined });
      return encode({ ...answer, handle });
    }
  }
}

async function reply(store: OpfsStore, bytes: Uint8Array): Promise<Uint8Array> {
  let head = headOf("use", 0);
  try {
    const message = decodeRequest(bytes);
    head = message.head;
    return await answered(store, message);
  } catch (thrown) {
    const failed = asFileError(thrown, thrown instanceof TypeError ? "bad_message" : "system");
    return encodeJson({ ...head, offset: 0, flags: FLAG.failed }, failed.toWire());
  }
}

/** Waits for news without holding up other messages. */
async function news(bytes: Uint8Array): Promise<void> {
  const view = new DataView(bytes.buffer);
  if (bytes.byteLength < HEAD || bytes[3] !== 31) return;
  const one = watched.get(`${view.getUint32(12, true)}:${view.getUint32(8, true)}`);
  if (!one || one.changes.length > 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, view.getUint32(24, true));
    one.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

const post = (came: Came, moved: Transferable[] = []) =>
  self.postMessage(came, { transfer: moved });

OpfsStore.create().then(
  (store) => {
    let before: Promise<unknown> = Promise.resolve();
    self.onmessage = async ({ data }: MessageEvent<Sent>) => {
      const bytes = new Uint8Array(data.message);
      await news(bytes);
      // One after the other: what changes names must not meet another half-way.
      const mine = before.then(() => reply(store, bytes));
      before = mine;
      const answer = await mine;
      const isWhole = answer.byteLength === answer.buffer.byteLength;
      const whole = (isWhole ? answer : answer.slice()).buffer as ArrayBuffer;
      post({ number: data.number, answer: whole }, [whole]);
    };
    post({ number: 0, ready: true });
  },
  (thrown) => post({ number: 0, failed: String(thrown) }),
);
