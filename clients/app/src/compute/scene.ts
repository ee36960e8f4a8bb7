// The curves of a figure's description: whatever in it has numbers for `x` and `y`.

export interface Curve {
  x: number[];
  y: number[];
}

/** So many points are drawn of one curve; it has no more pixels. */
const POINTS_MAX = 2_000;

const DEPTH_MAX = 6;

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number");

export function curvesOf(scene: unknown, depth = 0): Curve[] {
  if (typeof scene !== "object" || scene === null || depth > DEPTH_MAX) return [];
  if (Array.isArray(scene)) return scene.flatMap((one) => curvesOf(one, depth + 1));
  const { x, y } = scene as Record<string, unknown>;
  if (isNumbers(x) && isNumbers(y) && x.length === y.length) return [thinned({ x, y })];
  return Object.values(scene).flatMap((one) => curvesOf(one, depth + 1));
}

function thinned({ x, y }: Curve): Curve {
  const step = Math.ceil(x.length / POINTS_MAX);
  const some = (values: number[]) => values.filter((_, index) => index % step === 0);
  return { x: some(x), y: some(y) };
}

/** Returns a curve as a path of 320 by 200, in the range of all curves. */
export function pathOf(curve: Curve, all: readonly Curve[]): string {
  const [left, width] = range(all.flatMap((one) => one.x));
  const [low, height] = range(all.flatMap((one) => one.y));
  let isDown = false;
  return curve.x
    .map((x, index) => {
      const y = curve.y[index] ?? Number.NaN;
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        isDown = false;
        return "";
      }
      const at = `${(8 + ((x - left) / width) * 304).toFixed(1)} ${(192 - ((y - low) / height) * 184).toFixed(1)}`;
      const command = isDown ? "L" : "M";
      isDown = true;
      return command + at;
    })
    .join("");
}

function range(values: number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high - low || 1] : [0, 1];
}
