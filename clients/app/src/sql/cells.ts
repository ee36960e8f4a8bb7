// Values of a result as people read them.

import { DataType, type Field } from "apache-arrow";

export function cell(value: unknown, field: Field): string | null {
  if (value === null || value === undefined) return null;
  const { type } = field;
  if (DataType.isDecimal(type)) return decimal(value as Uint32Array, type.scale);
  if (DataType.isTimestamp(type)) {
    return new Date(Number(value))
      .toISOString()
      .replace("T", " ")
      .replace(/\.000Z$|Z$/, "");
  }
  if (DataType.isDate(type)) return new Date(Number(value)).toISOString().slice(0, 10);
  if (value instanceof Uint8Array) {
    return Array.from(value.subarray(0, 64), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  if (typeof value === "object") {
    return JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one));
  }
  return String(value);
}

/** A decimal has 128 bits, the lowest first, and its point so many digits from the end. */
function decimal(words: Uint32Array, scale: number): string {
  let value = 0n;
  for (let at = words.length - 1; at >= 0; at -= 1) value = (value << 32n) | BigInt(words[at] ?? 0);
  const bits = BigInt(words.length * 32);
  if (value >> (bits - 1n)) value -= 1n << bits;
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const sign = value < 0n ? "-" : "";
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

export const isNumber = ({ type }: Field) =>
  DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type);
