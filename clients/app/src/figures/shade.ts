// A grid of numbers as a picture: from dark to light in steps that can be told apart in grey too.

import type { Mark } from "./scene";

/** A larger grid is shown by every so many of its values. */
const SIDE_MAX = 1024;

/** From low to high. */
const STEPS: readonly (readonly [number, number, number])[] = [
  [38, 34, 98],
  [46, 84, 158],
  [26, 137, 150],
  [87, 181, 105],
  [202, 208, 74],
  [250, 236, 150],
];

export function shadeOf({ z, y, x, limits }: Extract<Mark, { kind: "image" }>) {
  const rows = Math.max(0, ...z.map((column) => column.length));
  const width = Math.max(1, Math.min(SIDE_MAX, z.length));
  const height = Math.max(1, Math.min(SIDE_MAX, rows));
  const [low, high] = limits ?? rangeOf(z);
  const pixels = new Uint8ClampedArray(width * height * 4);
  const isMirrored = (x[0] ?? 0) > (x.at(-1) ?? 0);
  const isUpward = (y[0] ?? 0) <= (y.at(-1) ?? 0);
  for (let left = 0; left < width; left += 1) {
    const across = Math.floor((left * z.length) / width);
    const column = z[isMirrored ? z.length - 1 - across : across] ?? [];
    for (let top = 0; top < height; top += 1) {
      const down = Math.floor((top * rows) / height);
      const value = column[isUpward ? rows - 1 - down : down];
      // What is no number is left out.
      if (typeof value !== "number") continue;
      const colour = colourAt(high > low ? (value - low) / (high - low) : 0.5);
      pixels.set([...colour, 255], (top * width + left) * 4);
    }
  }
  return { pixels, width, height };
}

function rangeOf(z: Extract<Mark, { kind: "image" }>["z"]): readonly [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of z) {
    for (const value of column) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

export function colourAt(part: number): [number, number, number] {
  const at = Math.max(0, Math.min(1, part)) * (STEPS.length - 1);
  const from = STEPS[Math.floor(at)]!;
  const to = STEPS[Math.ceil(at)]!;
  const mix = (index: 0 | 1 | 2) => from[index] + (to[index] - from[index]) * (at - Math.floor(at));
  return [mix(0), mix(1), mix(2)];
}
