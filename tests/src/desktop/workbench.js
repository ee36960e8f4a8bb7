// What a test does in the workbench's page: messages of the form, by each of the ways that there are.
(() => {
  const OP = { workspaces: 1, open: 2, close: 3, read: 4, write: 5, length: 7, set_length: 8, flush: 9, sync: 10, stat: 20, list: 21, make_folder: 22, rename: 23, remove: 24, replace: 25, watch: 30, changes: 31, use: 40 };
  const text = new TextEncoder();
  let requests = 0;

  const json = (value) => text.encode(JSON.stringify(value));
  const base64 = (bytes) => {
    let letters = "";
    for (let at = 0; at < bytes.length; at += 0x8000) letters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(letters);
  };
  const message = (op, { handle = 0n, offset = 0, length, flags = 0, payload = new Uint8Array() } = {}) => {
    const bytes = new Uint8Array(32 + payload.length);
    const head = new DataView(bytes.buffer);
    bytes.set([0x4f, 0x46, 1, OP[op]]);
    head.setUint32(4, ++requests, true);
    head.setBigUint64(8, handle, true);
    head.setBigUint64(16, BigInt(offset), true);
    head.setUint32(24, length ?? payload.length, true);
    head.setUint32(28, flags, true);
    bytes.set(payload, 32);
    return bytes;
  };
  const parse = (bytes) => {
    const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const flags = head.getUint32(28, true);
    const payload = bytes.subarray(32);
    const said = () => JSON.parse(new TextDecoder().decode(payload));
    if (flags & 1) throw Object.assign(new Error(), said());
    const handle = head.getBigUint64(8, true), offset = Number(head.getBigUint64(16, true));
    return { handle, offset, flags, payload, get json() { return said(); } };
  };
  const invoke = (command, given) => window.__TAURI_INTERNALS__.invoke(command, given);
  const send = {
    extension: async (bytes) => window.__orielFiles.call(bytes),
    command: async (bytes) => new Uint8Array(await invoke("files_call", bytes)),
    scheme: async (bytes) => {
      const answer = await fetch("orielfs://localhost/call", { method: "POST", body: bytes });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return new Uint8Array(await answer.arrayBuffer());
    },
    text: async (bytes) => {
      const answer = await invoke("files_call_text", { message: base64(bytes) });
      return Uint8Array.from(atob(answer), (letter) => letter.charCodeAt(0));
    },
  };
  const halves = (handle) => [Number(handle >> 32n), Number(handle & 0xffffffffn)];
  const code = async (work) => {
    try {
      return { value: await work() };
    } catch (error) {
      return { code: error?.code ?? String(error), is_error: error instanceof Error };
    }
  };
  const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // One way, with a word for each thing that can be asked.
  const by = (way) => {
    const ask = async (op, more) => parse(await send[way](message(op, more)));
    const said = (op, form) => ask(op, { payload: json(form) });
    return {
      ask,
      workspace: async () => (await ask("workspaces")).json.workspaces[0]?.id,
      open: async (path, mode, more = {}) =>
        (await said("open", { workspace: await by(way).workspace(), path, mode, ...more })).handle,
      close: (handle) => ask("close", { handle }),
      read: async (handle, offset, length) => (await ask("read", { handle, offset, length })).payload,
      write: (handle, offset, payload) => ask("write", { handle, offset, payload }),
      said,
      replace: async (path, bytes) => {
        const form = json({ workspace: await by(way).workspace(), path, create: "may" });
        const payload = new Uint8Array(4 + form.length + bytes.length);
        new DataView(payload.buffer).setUint32(0, form.length, true);
        payload.set(form, 4);
        payload.set(bytes, 4 + form.length);
        return ask("replace", { payload });
      },
    };
  };
  // Bytes that say where they are, so that what went astray is found.
  const fill = (bytes, at) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    for (let nth = 0; nth < words.length; nth++) words[nth] = Math.imul(at / 4 + nth, 0x9e3779b1);
    return bytes;
  };
  // Where the first of them that is another lies, or -1.
  const stray = (bytes, at) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    for (let nth = 0; nth < words.length; nth++) if (words[nth] !== Math.imul(at / 4 + nth, 0x9e3779b1) >>> 0) return at + 4 * nth;
    return -1;
  };
  // Messages that are none, or ask for what nobody has, for so many milliseconds.
  const noise = async (way, lasts) => {
    const random = (below) => Math.floor(Math.random() * below);
    const words = ["", "{}", "[]", "null", '{"workspace":"x","path":"../../etc/passwd","mode":"read"}', '{"workspace":"f0000000001","path":"../../../etc/passwd","mode":"read","direct":true}', '{"workspace":"f0000000001","path":"/etc/passwd","mode":"readwrite"}', "\u0000".repeat(99), '{"paths":' + "[".repeat(500), "9".repeat(4000)];
    const until = performance.now() + lasts;
    const told = { sent: 0, answered: 0, refused: 0 };
    while (performance.now() < until) {
      let bytes = crypto.getRandomValues(new Uint8Array(random(3) ? random(300) : random(20000)));
      if (random(4)) {
        const op = random(50);
        bytes = message("use", { payload: random(2) ? bytes : text.encode(words[random(words.length)]) });
        bytes[3] = op;
        const head = new DataView(bytes.buffer);
        if (random(3) === 0) crypto.getRandomValues(bytes.subarray(8, 24));
        if (random(5) === 0) head.setUint32(24, random(2) ? 0xffffffff : random(9e6), true);
        if (random(5) === 0) head.setUint32(28, random(2 ** 32), true);
      }
      told.sent++;
      try {
        const answer = await send[way](bytes);
        if (answer.length >= 32) told.answered++;
      } catch {
        told.refused++;
      }
      if (told.sent % 500 === 0) await new Promise((go) => setTimeout(go));
    }
    return told;
  };
  const sum = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));
  window.t = { OP, stray, noise, message, parse, send, by, halves, code, fill, sum, hex, json, invoke };
})();
