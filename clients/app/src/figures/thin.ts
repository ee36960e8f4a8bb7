// Fewer points for as many pixels: what cannot be told apart is drawn once, and peaks stay.

import type { Scale } from "./scale";
import type { Numbers } from "./scene";

/** Where marks are placed: pixels from the left and from the top. */
export interface Area {
  width: number;
  height: number;
  x: Scale;
  y: Scale;
}

const place = (value: number) => value.toFixed(1);

/**
 * Returns a line as a path. Of all points that fall in one column of pixels the first, the lowest, the
 * highest and the last are kept, in their order. Gaps stay gaps.
 */
export function pathOf(x: Numbers, y: Numbers, area: Area): string {
  const parts: string[] = [];
  const count = Math.min(x.length, y.length);
  // As many commands as are sure not to be too many need no thinning.
  const isFew = count <= area.width * 2;
  let isDown = false;
  let column: Column | undefined;
  const put = (left: number, top: number) => {
    parts.push(`${isDown ? "L" : "M"}${place(left)} ${place(top)}`);
    isDown = true;
  };
  const flush = () => {
    if (!column) return;
    const { first, low, high, last } = column;
    const kept = [first, low, high, last].sort((one, other) => one.at - other.at);
    kept.forEach((point, index) => {
      if (point.at !== kept[index - 1]?.at) put(point.left, point.top);
    });
    column = undefined;
  };
  for (let at = 0; at < count; at += 1) {
    const [across, up] = [x[at], y[at]];
    const left = typeof across === "number" ? area.x.at(across) * area.width : Number.NaN;
    const top = typeof up === "number" ? (1 - area.y.at(up)) * area.height : Number.NaN;
    if (!Number.isFinite(left) || !Number.isFinite(top)) {
      flush();
      isDown = false;
      continue;
    }
    // What is far outside is cut off anyway, and engines draw wrongly from there.
    const point = { at, left: near(left, area.width), top: near(top, area.height) };
    if (isFew) {
      put(point.left, point.top);
      continue;
    }
    const pixel = Math.floor(point.left);
    if (column?.pixel !== pixel) {
      flush();
      column = { pixel, first: point, low: point, high: point, last: point };
      continue;
    }
    if (point.top > column.low.top) column.low = point;
    if (point.top < column.high.top) column.high = point;
    column.last = point;
  }
  flush();
  return parts.join("");
}

interface Point {
  at: number;
  left: number;
  top: number;
}

interface Column {
  pixel: number;
  first: Point;
  low: Point;
  high: Point;
  last: Point;
}

const near = (value: number, size: number) => Math.max(-size * 4, Math.min(size * 5, value));

/** So many points are drawn one by one; more are one for each pixel. */
const DOTS_MAX = 2_000;

/** Returns where points are, as one path of circles. Of those within one pixel one is drawn. */
export function dotsOf(x: Numbers, y: Numbers, radius: number, area: Area): string {
  const count = Math.min(x.length, y.length);
  const isMany = count > DOTS_MAX;
  const seen = new Set<number>();
  const parts: string[] = [];
  const size = isMany ? Math.min(radius, 1.5) : radius;
  const round = `a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0`;
  const wide = Math.ceil(area.width) + 1;
  for (let at = 0; at < count; at += 1) {
    const [across, up] = [x[at], y[at]];
    if (typeof across !== "number" || typeof up !== "number") continue;
    const left = area.x.at(across) * area.width;
    const top = (1 - area.y.at(up)) * area.height;
    if (!(left >= 0 && left <= area.width && top >= 0 && top <= area.height)) continue;
    if (isMany) {
      const pixel = Math.floor(top) * wide + Math.floor(left);
      if (seen.has(pixel)) continue;
      seen.add(pixel);
    }
    parts.push(`M${place(left - size)} ${place(top)}${round}`);
  }
  return parts.join("");
}
