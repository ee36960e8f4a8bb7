// The 32 bytes in front of every message, and what follows them. `crates/wire/src/hostfs` has the same
// in Rust, and `crates/wire/golden/hostfs` has every message of it.

import { badAnswer, FileError } from "./errors";
import { FLAG, HEAD_BYTES, MAGIC, OP, PAYLOAD_BYTES_MAX, VERSION } from "./generated/hostfs";

export type Op = keyof typeof OP;

/** The name of an open file: the upper and the lower 32 bits of its number. */
export interface HandleNumber {
  readonly hi: number;
  readonly lo: number;
}

export const NO_HANDLE: HandleNumber = { hi: 0, lo: 0 };

export interface Head {
  op: Op;
  request: number;
  handle: HandleNumber;
  offset: number;
  /** How many bytes are wanted by a `read` (or how long to wait), else those of the payload. */
  length: number;
  flags: number;
}

export interface Message {
  head: Head;
  /** What follows the head, where it lies. */
  payload: Uint8Array;
}

const OPS = new Map<number, Op>(Object.entries(OP).map(([name, number]) => [number, name as Op]));
const FLAGS_KNOWN = Object.values(FLAG).reduce((all, flag) => all | flag, 0);
const TWO_32 = 2 ** 32;

export function headOf(op: Op, request: number): Head {
  return { op, request, handle: NO_HANDLE, offset: 0, length: 0, flags: 0 };
}

/** Returns a message with room for its payload, which the caller writes into it. */
export function messageWithRoom(head: Head, room: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + room);
  writeHead(bytes, room === 0 ? head : { ...head, length: room });
  return bytes;
}

/** Returns the message that a head and a payload make. */
export function encode(head: Head, payload?: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = messageWithRoom(head, payload?.byteLength ?? 0);
  if (payload) bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** Returns the message whose payload is this value as JSON. */
export function encodeJson(head: Head, value: unknown): Uint8Array<ArrayBuffer> {
  return encode(head, new TextEncoder().encode(JSON.stringify(value)));
}

export function writeHead(bytes: Uint8Array, head: Head): void {
  if (!Number.isSafeInteger(head.offset) || head.offset < 0) {
    throw new FileError("bad_message", `${head.offset} is no place in a file`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, VERSION);
  view.setUint8(3, OP[head.op]);
  view.setUint32(4, head.request, true);
  view.setUint32(8, head.handle.lo, true);
  view.setUint32(12, head.handle.hi, true);
  view.setUint32(16, head.offset % TWO_32, true);
  view.setUint32(20, Math.floor(head.offset / TWO_32), true);
  view.setUint32(24, head.length, true);
  view.setUint32(28, head.flags, true);
}

/** Reads a request, down to the last byte. Fails with `bad_message`. */
export function decodeRequest(bytes: Uint8Array): Message {
  const message = decode(bytes);
  const { op, length } = message.head;
  return hold(message, op === "read" || op === "changes" ? 0 : length);
}

/** Reads an answer, down to the last byte. Fails with `bad_message`. */
export function decodeAnswer(bytes: Uint8Array): Message {
  const message = decode(bytes);
  return hold(message, message.head.length);
}

function decode(bytes: Uint8Array): Message {
  if (bytes.byteLength < HEAD_BYTES) {
    throw badAnswer(`a message has at least ${HEAD_BYTES} bytes, and this one ${bytes.byteLength}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  if (view.getUint16(0, true) !== MAGIC) throw badAnswer("it does not begin as messages do");
  const version = view.getUint8(2);
  if (version !== VERSION) throw badAnswer(`it is of version ${version}, and not ${VERSION}`);
  const op = OPS.get(view.getUint8(3));
  if (op === undefined) throw badAnswer(`there is no operation ${view.getUint8(3)}`);
  const flags = view.getUint32(28, true);
  if ((flags & ~FLAGS_KNOWN) !== 0) throw badAnswer(`the flags ${flags} are not known`);
  const offset = view.getUint32(20, true) * TWO_32 + view.getUint32(16, true);
  if (!Number.isSafeInteger(offset)) throw badAnswer("a place in a file is too far");
  const length = view.getUint32(24, true);
  if (length > PAYLOAD_BYTES_MAX && op !== "changes") throw badAnswer("the payload is too long");
  const head: Head = {
    op,
    request: view.getUint32(4, true),
    handle: { hi: view.getUint32(12, true), lo: view.getUint32(8, true) },
    offset,
    length,
    flags,
  };
  return { head, payload: bytes.subarray(HEAD_BYTES) };
}

function hold(message: Message, told: number): Message {
  const came = message.payload.byteLength;
  if (told !== came) throw badAnswer(`the head tells of ${told} bytes and ${came} came`);
  return message;
}

/** One part of a `read_many`. */
export interface Part {
  handle: HandleNumber;
  offset: number;
  length: number;
}

const PART_BYTES = 24;

export function encodeParts(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.length * PART_BYTES);
  const view = new DataView(bytes.buffer);
  parts.forEach((part, index) => {
    const at = index * PART_BYTES;
    view.setUint32(at, part.handle.lo, true);
    view.setUint32(at + 4, part.handle.hi, true);
    view.setUint32(at + 8, part.offset % TWO_32, true);
    view.setUint32(at + 12, Math.floor(part.offset / TWO_32), true);
    view.setUint32(at + 16, part.length, true);
  });
  return bytes;
}

export function decodeParts(payload: Uint8Array): Part[] {
  if (payload.byteLength % PART_BYTES !== 0) throw badAnswer("a part is cut short");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const parts: Part[] = [];
  for (let at = 0; at < payload.byteLength; at += PART_BYTES) {
    parts.push({
      handle: { lo: view.getUint32(at, true), hi: view.getUint32(at + 4, true) },
      offset: view.getUint32(at + 12, true) * TWO_32 + view.getUint32(at + 8, true),
      length: view.getUint32(at + 16, true),
    });
  }
  return parts;
}

/** Reads the answer to a `read_many`: the bytes of each part, where they lie. */
export function decodeReadMany(payload: Uint8Array, parts: readonly Part[]): Uint8Array[] {
  const heads = parts.length * 4;
  if (payload.byteLength < heads) throw badAnswer("the lengths of its parts are cut short");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = heads;
  const pieces = parts.map((part, index) => {
    const length = view.getUint32(index * 4, true);
    if (length > part.length || at + length > payload.byteLength) {
      throw badAnswer("a part is longer than was asked for");
    }
    at += length;
    return payload.subarray(at - length, at);
  });
  if (at !== payload.byteLength) throw badAnswer("there is more in it than its parts");
  return pieces;
}

/** Returns the message that puts these bytes in a file's place; they are copied once. */
export function encodeReplace(
  head: Head,
  form: unknown,
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(form));
  const message = messageWithRoom(head, 4 + json.byteLength + bytes.byteLength);
  new DataView(message.buffer).setUint32(HEAD_BYTES, json.byteLength, true);
  message.set(json, HEAD_BYTES + 4);
  message.set(bytes, HEAD_BYTES + 4 + json.byteLength);
  return message;
}

export function decodeReplace(payload: Uint8Array): { form: unknown; bytes: Uint8Array } {
  if (payload.byteLength < 4) throw badAnswer("the payload is cut short");
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const length = view.getUint32(0, true);
  if (payload.byteLength - 4 < length) throw badAnswer("the payload is cut short");
  return { form: readJson(payload.subarray(4, 4 + length)), bytes: payload.subarray(4 + length) };
}

export function readJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw badAnswer("what should be JSON is none");
  }
}
