// From numbers to places: the range of what is drawn, and the marks along an axis.

import type { Axes, Mark, Numbers, Range } from "./scene";

export interface Scale {
  isLog: boolean;
  range: Range;
  /** The place of a number between 0 and 1; nothing where it has none. */
  at(value: number): number;
}

export interface Tick {
  at: number;
  text: string;
}

export function scaleOf(range: Range, isLog: boolean): Scale {
  const by = isLog ? Math.log10 : (value: number) => value;
  const [low, high] = [by(range[0]), by(range[1])];
  return { isLog, range, at: (value) => (by(value) - low) / (high - low) };
}

/** Returns the range of one direction of the axes, with a little room where the script set none. */
export function rangeOf(axes: Axes, direction: "x" | "y"): Range {
  const set = direction === "x" ? axes.xLimits : axes.yLimits;
  const isLog = direction === "x" ? axes.xLog : axes.yLog;
  if (set && (!isLog || set[0] > 0)) return set;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let isTight = direction === "x";
  const see = (value: number | null | undefined) => {
    if (typeof value !== "number" || (isLog && value <= 0)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  const all = (values: Numbers) => {
    for (const value of values) see(value);
  };
  for (const mark of axes.marks) {
    if (mark.kind === "dots" || mark.kind === "bars") isTight = false;
    eachNumber(mark, direction, see, all);
  }
  for (const { x, y } of axes.texts) see(direction === "x" ? x : y);
  if (low > high) return isLog ? [1, 10] : [0, 1];
  if (axes.marks.some(({ kind }) => kind === "image")) return [low, high];
  return roomy(low, high, isLog, isTight, hasBase(axes, direction));
}

/** Bars stand on their base, so no room is below it. */
const hasBase = (axes: Axes, direction: "x" | "y") =>
  direction === "y" && axes.marks.some(({ kind }) => kind === "bars" || kind === "area");

function eachNumber(
  mark: Mark,
  direction: "x" | "y",
  see: (value: number | null | undefined) => void,
  all: (values: Numbers) => void,
): void {
  switch (mark.kind) {
    case "line":
    case "dots":
      all(mark[direction]);
      return;
    case "area":
      all(mark[direction]);
      if (direction === "y") all(mark.lower);
      return;
    case "bars":
    case "strokes":
      for (const box of mark.boxes) {
        see(direction === "x" ? box.left : box.low);
        see(direction === "x" ? box.right : box.high);
      }
      return;
    case "rule":
      if (mark.isUpright === (direction === "x")) see(mark.value);
      return;
    case "image": {
      // A cell reaches half its width to both sides of its number.
      const places = mark[direction];
      const [first, last] = [places[0], places.at(-1)];
      if (typeof first !== "number" || typeof last !== "number") return;
      const half = places.length > 1 ? Math.abs(last - first) / (places.length - 1) / 2 : 0.5;
      see(Math.min(first, last) - half);
      see(Math.max(first, last) + half);
    }
  }
}

const ROOM = 0.05;

function roomy(low: number, high: number, isLog: boolean, isTight: boolean, base: boolean): Range {
  if (isLog) {
    if (low === high) return [low / 10, high * 10];
    const room = isTight ? 1 : (high / low) ** ROOM;
    return [low / room, high * room];
  }
  if (low === high) {
    const around = Math.abs(low) > 0 ? Math.abs(low) / 2 : 1;
    return base && low !== 0 ? [Math.min(0, low), Math.max(0, low)] : [low - around, high + around];
  }
  const room = isTight ? 0 : (high - low) * ROOM;
  return [base && low === 0 ? 0 : low - room, base && high === 0 ? 0 : high + room];
}

/** Returns about so many round numbers within a range. */
export function ticksOf({ range: [low, high], isLog }: Scale, about: number): Tick[] {
  if (isLog) return powers(low, high, about);
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (!Number.isFinite(first) || last - first > 100) return [];
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const value = (first + at) * step;
    return { at: value, text: words(value, step) };
  });
}

function powers(low: number, high: number, about: number): Tick[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) return ticksOf({ range: [low, high], isLog: false, at: Number }, about);
  const step = Math.max(1, Math.ceil((last - first) / about));
  const some = Math.floor((last - first) / step) + 1;
  return Array.from({ length: some }, (_, at) => {
    const power = first + at * step;
    const isPlain = Math.abs(power) <= 3;
    return { at: 10 ** power, text: isPlain ? String(10 ** power) : `1e${power}` };
  });
}

/** Returns a number with as many digits as its neighbours need to differ. */
export function words(value: number, step: number): string {
  if (value === 0 || Math.abs(value) < step * 1e-6) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const digits = Math.max(0, Math.floor(Math.log10(size)) - Math.floor(Math.log10(step)));
    return value.toExponential(Math.min(digits, 8)).replace("e+", "e");
  }
  return value.toFixed(Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9))));
}
