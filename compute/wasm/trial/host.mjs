// The host's side of a page, over the files of this machine: what the desktop gives a page as
// `window.__orielFiles`, for programs that have no desktop. It trusts whoever calls it and keeps nothing
// inside its folder: it is for trials.

import fs from "node:fs";
import path from "node:path";

const HEAD_BYTES = 32;
const FAILED = 1;
const DIRECT = 2;
const OP = {
  open: 2, close: 3, read: 4, write: 5, length: 7, setLength: 8, flush: 9, sync: 10,
  stat: 20, list: 21, makeFolder: 22, rename: 23, remove: 24, replace: 25,
};
const CODES = {
  ENOENT: "not_found", EEXIST: "exists", EISDIR: "not_a_file", ENOTDIR: "not_a_folder",
  ENOTEMPTY: "not_empty", EACCES: "not_permitted", EPERM: "not_permitted", ENOSPC: "disk_full",
};

/** Returns the host of one folder, and counts what passes. */
export function host(root, { direct = true } = {}) {
  const open = new Map();
  const counts = { calls: 0, reads: 0, readBytes: 0, writes: 0, writtenBytes: 0 };
  let last = 0;
  const text = (value) => new TextEncoder().encode(JSON.stringify(value));
  const at = (name) => path.join(root, name);
  const told = (stat) => ({
    kind: stat.isDirectory() ? "folder" : stat.isFile() ? "file" : "other",
    length: stat.size,
    modifiedMs: stat.mtimeMs,
    isReadOnly: false,
  });
  const file = (handle) => {
    const found = open.get(handle);
    if (found === undefined) throw Object.assign(new Error("the handle is of no open file"), { code: "bad_handle" });
    return found;
  };
  const read = (handle, offset, view) => {
    const count = fs.readSync(file(handle), view, 0, view.byteLength, offset);
    counts.reads += 1;
    counts.readBytes += count;
    return count;
  };
  const write = (handle, offset, view) => {
    const count = fs.writeSync(file(handle), view, 0, view.byteLength, offset);
    counts.writes += 1;
    counts.writtenBytes += count;
    return count;
  };

  const operations = {
    [OP.open](head, form) {
      const { mode, create = "never", truncate = false } = form;
      const C = fs.constants;
      let flags = { read: C.O_RDONLY, write: C.O_WRONLY, readwrite: C.O_RDWR, append: C.O_WRONLY | C.O_APPEND }[mode];
      if (create !== "never") flags |= C.O_CREAT;
      if (create === "must") flags |= C.O_EXCL;
      if (truncate) flags |= C.O_TRUNC;
      const descriptor = fs.openSync(at(form.path), flags, 0o600);
      const stat = fs.fstatSync(descriptor);
      last += 1;
      // Handles are long numbers, so that a page that cuts them is found out.
      const handle = (0xfeedn << 32n) | BigInt(last);
      open.set(handle, descriptor);
      return { handle, offset: stat.size, flags: direct && form.direct ? DIRECT : 0, payload: text({ stat: told(stat) }) };
    },
    [OP.close](head) {
      fs.closeSync(file(head.handle));
      open.delete(head.handle);
    },
    [OP.read](head) {
      const payload = new Uint8Array(head.length);
      return { payload: payload.subarray(0, read(head.handle, head.offset, payload)) };
    },
    [OP.write](head, _form, payload) {
      write(head.handle, head.offset, payload);
    },
    [OP.length]: (head) => ({ offset: fs.fstatSync(file(head.handle)).size }),
    [OP.flush]: (head) => void file(head.handle),
    [OP.sync]: (head) => fs.fsyncSync(file(head.handle)),
    [OP.stat](_head, form) {
      const one = (name) => {
        try {
          return told(fs.statSync(at(name)));
        } catch (error) {
          return failed(error);
        }
      };
      return { payload: text({ stats: form.paths.map(one) }) };
    },
    [OP.list](_head, form) {
      // Two entries at a time, so that whoever lists has to go on.
      const names = fs.readdirSync(at(form.path)).sort().filter((name) => form.after === undefined || name > form.after);
      const entries = names.slice(0, 2).map((name) => ({ name, ...told(fs.statSync(path.join(at(form.path), name))) }));
      return { payload: text({ entries, hasMore: names.length > 2, unnameable: 0 }) };
    },
    [OP.makeFolder](_head, form) {
      fs.mkdirSync(at(form.path), { recursive: form.parents ?? false });
    },
    [OP.rename](_head, form) {
      fs.renameSync(at(form.from), at(form.to));
    },
    [OP.remove](_head, form) {
      const name = at(form.path);
      if (form.all) fs.rmSync(name, { recursive: true });
      else if (fs.statSync(name).isDirectory()) fs.rmdirSync(name);
      else fs.unlinkSync(name);
    },
    [OP.replace](_head, _form, payload) {
      const length = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
      const form = JSON.parse(new TextDecoder().decode(payload.subarray(4, 4 + length)));
      const bytes = payload.subarray(4 + length);
      counts.writes += 1;
      counts.writtenBytes += bytes.byteLength;
      fs.writeFileSync(`${at(form.path)}~`, bytes);
      fs.renameSync(`${at(form.path)}~`, at(form.path));
    },
  };

  function failed(error) {
    return { code: CODES[error.code] ?? error.code ?? "system", message: error.message };
  }

  function answer(message) {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const head = {
      op: view.getUint8(3),
      handle: view.getBigUint64(8, true),
      offset: Number(view.getBigUint64(16, true)),
      length: view.getUint32(24, true),
    };
    const payload = message.slice(HEAD_BYTES);
    const isJson = head.op === OP.open || (head.op >= OP.stat && head.op < OP.replace);
    const form = isJson ? JSON.parse(new TextDecoder().decode(payload)) : undefined;
    const operation = operations[head.op];
    if (operation === undefined) throw new Error(`operation ${head.op} is none of a trial`);
    return operation(head, form, payload) ?? {};
  }

  return {
    counts,
    openFiles: () => open.size,
    call(message) {
      counts.calls += 1;
      let told;
      try {
        told = answer(message);
      } catch (error) {
        told = { flags: FAILED, payload: text(failed(error)) };
      }
      const payload = told.payload ?? new Uint8Array();
      const bytes = new Uint8Array(HEAD_BYTES + payload.byteLength);
      bytes.set(message.subarray(0, 8));
      const view = new DataView(bytes.buffer);
      view.setBigUint64(8, told.handle ?? 0n, true);
      view.setBigUint64(16, BigInt(told.offset ?? 0), true);
      view.setUint32(24, payload.byteLength, true);
      view.setUint32(28, told.flags ?? 0, true);
      bytes.set(payload, HEAD_BYTES);
      return bytes;
    },
    ...(direct && {
      readInto: (upper, lower, offset, view) => read((BigInt(upper) << 32n) | BigInt(lower), offset, view),
      writeFrom: (upper, lower, offset, view) => write((BigInt(upper) << 32n) | BigInt(lower), offset, view),
    }),
  };
}

/** Returns RunMat's own kind of bindings, which read and write whole files. */
export function wholeFiles(root) {
  const counts = { calls: 0, reads: 0, readBytes: 0, writes: 0, writtenBytes: 0 };
  const at = (name) => path.join(root, name);
  const missing = (error) => {
    throw Object.assign(new Error(error.message), { code: error.code === "ENOENT" ? "NotFound" : error.code });
  };
  return {
    counts,
    readFile(name) {
      try {
        const bytes = fs.readFileSync(at(name));
        counts.reads += 1;
        counts.readBytes += bytes.byteLength;
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        return missing(error);
      }
    },
    writeFile(name, bytes) {
      counts.writes += 1;
      counts.writtenBytes += bytes.byteLength;
      fs.writeFileSync(at(name), bytes);
    },
    metadata(name) {
      try {
        const stat = fs.statSync(at(name));
        return { fileType: stat.isDirectory() ? "directory" : "file", len: stat.size, modified: stat.mtimeMs, readonly: false };
      } catch (error) {
        return missing(error);
      }
    },
    readDir: (name) => fs.readdirSync(at(name)).map((it) => ({ path: path.join(name, it), fileName: it, fileType: "file" })),
  };
}
