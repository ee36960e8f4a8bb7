// A figure as RunMat describes it, read into what can be drawn in a plane. What cannot be drawn is
// named, and nothing that is sent is trusted to be what it should be.

export type Numbers = readonly (number | null)[];

export type Mark =
  | { kind: "line"; x: Numbers; y: Numbers; dash: string | undefined; colour: Colour }
  | { kind: "dots"; x: Numbers; y: Numbers; radius: number; colour: Colour }
  | { kind: "bars"; boxes: readonly Box[]; colour: Colour }
  | { kind: "area"; x: Numbers; y: Numbers; lower: Numbers; colour: Colour }
  /** Lines between two points each. */
  | { kind: "strokes"; boxes: readonly Box[]; colour: Colour }
  /** A line through the whole of the axes, at `value` of the other axis. */
  | { kind: "rule"; isUpright: boolean; value: number; label: string; colour: Colour }
  /** Values of a grid, column after column as `z[column][row]`. */
  | { kind: "image"; x: Numbers; y: Numbers; z: readonly Numbers[]; limits: Range | undefined };

/** From `left`, `low` to `right`, `high`. */
export interface Box {
  left: number;
  right: number;
  low: number;
  high: number;
}

export type Range = readonly [number, number];

/** One of the page's own colours by its number, or one that the script chose. */
export type Colour = number | string;

export interface LegendEntry {
  label: string;
  colour: Colour;
}

export interface Axes {
  title: string;
  xLabel: string;
  yLabel: string;
  xLog: boolean;
  yLog: boolean;
  xLimits: Range | undefined;
  yLimits: Range | undefined;
  xTicks: readonly string[];
  yTicks: readonly string[];
  hasGrid: boolean;
  isEqual: boolean;
  marks: Mark[];
  legend: LegendEntry[];
  texts: { x: number; y: number; text: string }[];
  /** What is in these axes and cannot be drawn here, by its name. */
  missing: string[];
}

export interface Figure {
  rows: number;
  columns: number;
  axes: Axes[];
}

/** So many axes are drawn of one figure. */
const AXES_MAX = 36;

type Json = Record<string, unknown>;

const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const text = (value: unknown) => (typeof value === "string" ? value : "");

const number = (value: unknown, otherwise: number) =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;

const whole = (value: unknown, most: number) =>
  Math.max(1, Math.min(most, Math.floor(number(value, 1))));

/** What is no number leaves a gap. RunMat's JSON has `null` for those that JSON cannot say. */
const numbers = (value: unknown): Numbers =>
  list(value).map((one) => (typeof one === "number" && Number.isFinite(one) ? one : null));

const range = (value: unknown): Range | undefined => {
  const [low, high] = numbers(value);
  return typeof low === "number" && typeof high === "number" && low < high
    ? [low, high]
    : undefined;
};

export function figureOf(scene: unknown): Figure {
  const { layout, metadata, plots } = object(scene);
  const { axesRows, axesCols } = object(layout);
  const rows = whole(axesRows, AXES_MAX);
  const columns = whole(axesCols, Math.floor(AXES_MAX / rows));
  const about = object(metadata);
  const each = list(about.axesMetadata);
  const axes = Array.from({ length: rows * columns }, (_, at) =>
    emptyAxes(object(each[at] ?? (at === 0 ? about : {}))),
  );
  const byAxes = axes.map((): Json[] => []);
  for (const plot of list(plots).map(object)) {
    if (plot.visible === false) continue;
    byAxes[number(plot.axes_index, 0)]?.push(plot);
  }
  axes.forEach((one, at) => {
    fill(one, byAxes[at] ?? [], object(each[at]).legendEnabled !== false);
  });
  const heading = text(about.sgTitle);
  if (heading && axes[0] && axes[0].title === "") axes[0].title = heading;
  return { rows, columns, axes };
}

/** What RunMat writes where a script says nothing. */
const UNSAID: Record<string, readonly string[]> = {
  title: [
    "Plot",
    "Scatter Plot",
    "Bar Chart",
    "Histogram",
    "Image",
    "Stairs",
    "Stem",
    "Area",
    "Error Bars",
    "Figure 1",
  ],
  x: ["X", "Category", "Bin"],
  y: ["Y", "Value", "Count"],
  label: ["Data", "Frequency"],
};

const said = (value: unknown, kind: string) =>
  UNSAID[kind]?.includes(text(value)) ? "" : text(value);

function emptyAxes(about: Json): Axes {
  const isShown = (style: unknown) => object(style).visible !== false;
  return {
    title: isShown(about.titleStyle) ? said(about.title, "title") : "",
    xLabel: isShown(about.xLabelStyle) ? said(about.xLabel, "x") : "",
    yLabel: isShown(about.yLabelStyle) ? said(about.yLabel, "y") : "",
    xLog: about.xLog === true,
    yLog: about.yLog === true,
    xLimits: range(about.xLimits),
    yLimits: range(about.yLimits),
    xTicks: list(about.xTickLabels).map(text),
    yTicks: list(about.yTickLabels).map(text),
    hasGrid: about.gridEnabled !== false,
    isEqual: about.axisEqual === true,
    marks: [],
    legend: [],
    texts: list(about.worldTextAnnotations).flatMap((one) => {
      const { position, text: words } = object(one);
      const [x, y] = numbers(position);
      return typeof x === "number" && typeof y === "number" ? [{ x, y, text: text(words) }] : [];
    }),
    missing: [],
  };
}

function fill(axes: Axes, plots: Json[], hasLegend: boolean): void {
  const bars = plots.filter(({ kind }) => kind === "bar");
  // A row of numbers comes as so many series of one bar each, and is one series to whoever wrote it.
  const isOneRow =
    bars.length > 1 &&
    bars.every(({ values, stack_offsets }) => list(values).length === 1 && !stack_offsets);
  let series = 0;
  for (const plot of plots) {
    const isAgain = isOneRow && plot.kind === "bar" && plot !== bars[0];
    if (!isAgain && plot.kind !== "reference_line") series += 1;
    const colour = colourOf(plot.color_rgba, series);
    const marks = marksOf(plot, colour, axes, isOneRow);
    if (!marks) {
      axes.missing.push(text(plot.kind) || "unknown");
      continue;
    }
    axes.marks.push(...marks);
    const label = said(plot.label, "label");
    if (hasLegend && label && !isAgain && !(isOneRow && plot.kind === "bar")) {
      axes.legend.push({ label, colour });
    }
  }
  const isSaid = ({ label }: LegendEntry) => !/^Series \d+$/.test(label);
  // One plot needs no legend, unless the script names it.
  if (axes.legend.length === 1 && plots.length === 1 && !axes.legend.some(isSaid)) axes.legend = [];
}

function marksOf(plot: Json, colour: Colour, axes: Axes, isOneRow: boolean): Mark[] | undefined {
  const x = numbers(plot.x);
  const y = numbers(plot.y);
  switch (plot.kind) {
    case "line":
      return [{ kind: "line", x, y, dash: dashOf(plot.line_style), colour }];
    case "scatter":
      return [{ kind: "dots", x, y, radius: radiusOf(plot.marker_size), colour }];
    case "bar":
      return [{ kind: "bars", boxes: boxesOf(plot, axes, isOneRow), colour }];
    case "stairs":
      return [{ kind: "line", ...steps(x, y), dash: undefined, colour }];
    case "area": {
      const lower = list(plot.lower_y);
      const base = number(plot.baseline, 0);
      const below = lower.length === y.length ? numbers(lower) : y.map(() => base);
      return [{ kind: "area", x, y, lower: below, colour }];
    }
    case "stem": {
      const base = number(plot.baseline, 0);
      const stems = points(x, y).map(([at, to]) => box(at, at, base, to));
      const dots = { kind: "dots" as const, x, y, radius: radiusOf(plot.marker_size), colour };
      return [{ kind: "strokes", boxes: stems, colour }, dots];
    }
    case "error_bar":
      return [{ kind: "strokes", boxes: errors(plot, x, y), colour }, dotted(plot, x, y, colour)];
    case "reference_line": {
      const isUpright = plot.orientation === "vertical";
      const value = number(plot.value, Number.NaN);
      const label = text(plot.label);
      return Number.isNaN(value) ? [] : [{ kind: "rule", isUpright, value, label, colour }];
    }
    case "surface":
      if (plot.image_mode !== true) return undefined;
      return [
        { kind: "image", x, y, z: list(plot.z).map(numbers), limits: range(plot.color_limits) },
      ];
    default:
      return undefined;
  }
}

const dotted = (plot: Json, x: Numbers, y: Numbers, colour: Colour): Mark => ({
  kind: "dots",
  x,
  y,
  radius: radiusOf(plot.marker_size),
  colour,
});

const box = (left: number, right: number, low: number, high: number): Box => ({
  left,
  right,
  low,
  high,
});

function points(x: Numbers, y: Numbers): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < Math.min(x.length, y.length); at += 1) {
    const [one, other] = [x[at], y[at]];
    if (typeof one === "number" && typeof other === "number") found.push([one, other]);
  }
  return found;
}

function steps(x: Numbers, y: Numbers): { x: Numbers; y: Numbers } {
  const across: (number | null)[] = [];
  const up: (number | null)[] = [];
  for (let at = 0; at < Math.min(x.length, y.length); at += 1) {
    if (at > 0) {
      across.push(x[at] ?? null);
      up.push(y[at - 1] ?? null);
    }
    across.push(x[at] ?? null);
    up.push(y[at] ?? null);
  }
  return { x: across, y: up };
}

function errors(plot: Json, x: Numbers, y: Numbers): Box[] {
  const at = (name: string) => numbers(plot[name]);
  const sides = [at("err_low"), at("err_high"), at("x_err_low"), at("x_err_high")];
  const boxes: Box[] = [];
  x.forEach((across, index) => {
    const up = y[index];
    if (typeof across !== "number" || typeof up !== "number") return;
    const [low = 0, high = 0, left = 0, right = 0] = sides.map((side) => side[index] ?? 0);
    if (low !== 0 || high !== 0) boxes.push(box(across, across, up - low, up + high));
    if (left !== 0 || right !== 0) boxes.push(box(across - left, across + right, up, up));
  });
  return boxes;
}

/** Bars stand at 1, 2, 3 … and share their place with those of the same group; bins stand at their edges. */
function boxesOf(plot: Json, axes: Axes, isOneRow: boolean): Box[] {
  const values = numbers(plot.values);
  const edges = numbers(plot.histogram_bin_edges);
  const offsets = numbers(plot.stack_offsets);
  const isAcross = text(plot.orientation).toLowerCase() === "horizontal";
  const index = Math.floor(number(plot.group_index, 0));
  const count = isOneRow ? 1 : whole(plot.group_count, 1_000);
  const wide = Math.min(1, Math.max(0.05, number(plot.bar_width, 0.8))) / count;
  const labels = list(plot.labels).map(text);
  if (edges.length !== values.length + 1 && !isOneRow && axes.xTicks.length === 0 && !isAcross) {
    axes.xTicks = labels;
  }
  return values.flatMap((value, at) => {
    if (value === null) return [];
    const base = offsets[at] ?? 0;
    let from = edges[at] ?? Number.NaN;
    let to = edges[at + 1] ?? Number.NaN;
    if (edges.length !== values.length + 1) {
      const middle = isOneRow ? index + 1 : at + 1 + (index - (count - 1) / 2) * wide;
      from = middle - wide / 2;
      to = middle + wide / 2;
    }
    const end = base + value;
    return [isAcross ? box(base, end, from, to) : box(from, to, base, end)];
  });
}

/** So large is a point by RunMat's measure, and so large here. */
const radiusOf = (size: unknown) => Math.max(1.5, Math.min(8, number(size, 6) / 2.5));

const dashOf = (style: unknown): string | undefined =>
  ({ Dashed: "6 4", Dotted: "1.5 3", DashDot: "6 3 1.5 3" })[text(style)];

/** Colours that RunMat takes by itself: the page has its own for them, which suit light and dark. */
const OWN: readonly string[] = [
  "0.35 0.78 0.48",
  "0.25 0.65 0.85",
  "0.95 0.55 0.25",
  "0.75 0.35 0.85",
  "0.95 0.75 0.25",
  "0.85 0.35 0.55",
  "0.25 0.85 0.75",
  "0.65 0.75 0.35",
  "0.00 0.45 0.74",
  "0.85 0.33 0.10",
  "0.93 0.69 0.13",
  "0.49 0.18 0.56",
  "0.47 0.67 0.19",
  "0.30 0.75 0.93",
  "0.64 0.08 0.18",
  "0.20 0.60 0.90",
  "0.15 0.50 0.80",
  "0.00 0.40 0.80",
  "0.85 0.20 0.20",
];

/** The letters that a script may name a colour by, as they can be read on light and on dark paper. */
const NAMED: Record<string, string> = {
  "1.00 0.00 0.00": "light-dark(#c22f26, #ff8f85)",
  "0.00 1.00 0.00": "light-dark(#1c7a45, #5fce8b)",
  "0.00 0.00 1.00": "light-dark(#2b57c9, #8fb0ff)",
  "0.00 1.00 1.00": "light-dark(#0a7884, #5cd6e0)",
  "1.00 0.00 1.00": "light-dark(#a12c96, #f08cdc)",
  "1.00 1.00 0.00": "light-dark(#8a6a00, #e6c84d)",
  "0.00 0.00 0.00": "var(--ink)",
  "1.00 1.00 1.00": "var(--ink-3)",
};

/** The page's colours for charts. */
export const COLOURS = 6;

function colourOf(rgba: unknown, series: number): Colour {
  const own = ((Math.max(1, series) - 1) % COLOURS) + 1;
  const parts = numbers(rgba).slice(0, 3);
  const isOne =
    parts.length === 3 && parts.every((part) => part !== null && 0 <= part && part <= 1);
  if (!isOne) return own;
  const key = parts.map((part) => (part ?? 0).toFixed(2)).join(" ");
  if (OWN.includes(key)) return own;
  const hex = parts.map((part) => `${Math.round((part ?? 0) * 255)}`).join(" ");
  return NAMED[key] ?? `rgb(${hex})`;
}
