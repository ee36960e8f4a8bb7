// A figure on the page: its axes beside and below each other, each with what it shows.

import { useId, useMemo } from "react";
import { Legend } from "./legend";
import { Marks } from "./marks";
import { rangeOf, type Scale, scaleOf, type Tick, ticksOf } from "./scale";
import type { Axes, Figure } from "./scene";
import type { Area } from "./thin";

/** Room around the axes for numbers and words. */
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 22;
const WORDS = 16;

export function Chart({
  figure,
  name,
  width,
  height,
}: {
  figure: Figure;
  name: string;
  width: number;
  height: number;
}) {
  const each = { width: width / figure.columns, height: height / figure.rows };
  const about = figure.axes.map(wordsOf).filter(Boolean).join("; ");
  return (
    <svg
      className="chart"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={about ? `${name}: ${about}` : name}
    >
      {figure.axes.map((axes, at) => (
        <g
          // biome-ignore lint/suspicious/noArrayIndexKey: axes are their place
          key={at}
          transform={`translate(${(at % figure.columns) * each.width} ${Math.floor(at / figure.columns) * each.height})`}
        >
          <OneAxes axes={axes} {...each} />
        </g>
      ))}
    </svg>
  );
}

/** What a picture shows, for whoever does not see it. */
function wordsOf({ title, xLabel, yLabel, legend, marks }: Axes): string {
  const labels = legend.map(({ label }) => label).join(", ");
  const over = xLabel && yLabel ? `${yLabel} over ${xLabel}` : xLabel || yLabel;
  return [title, over, labels, marks.length > 0 ? "" : "empty"].filter(Boolean).join(", ");
}

function OneAxes({ axes, width, height }: { axes: Axes; width: number; height: number }) {
  const clip = useId();
  const top = TOP + (axes.title ? WORDS : 0);
  const left = LEFT + (axes.yLabel ? WORDS : 0);
  const area = useMemo(
    () => areaOf(axes, width - left - RIGHT, height - top),
    [axes, width, height, left, top],
  );
  if (axes.marks.length === 0 && axes.texts.length === 0)
    return <Missing axes={axes} width={width} height={height} />;
  const bottom = top + area.height;
  const ticks = {
    x: named(axes.xTicks, area.x) ?? ticksOf(area.x, Math.max(3, area.width / 60)),
    y: named(axes.yTicks, area.y) ?? ticksOf(area.y, Math.max(3, area.height / 36)),
  };
  return (
    <>
      {axes.title && (
        <text className="chart-title" x={left + area.width / 2} y={top - 8} textAnchor="middle">
          {axes.title}
        </text>
      )}
      <clipPath id={clip}>
        <rect width={area.width} height={area.height} />
      </clipPath>
      <g transform={`translate(${left} ${top})`}>
        <Grid ticks={ticks} area={area} isShown={axes.hasGrid} />
        <g clipPath={`url(#${clip})`}>
          <Marks axes={axes} area={area} />
        </g>
        <rect className="chart-box" width={area.width} height={area.height} />
        {axes.texts.map(({ x, y, text }, at) => (
          <text
            // biome-ignore lint/suspicious/noArrayIndexKey: a text has no other name
            key={at}
            className="chart-word"
            x={area.x.at(x) * area.width}
            y={(1 - area.y.at(y)) * area.height}
          >
            {text}
          </text>
        ))}
        <Legend entries={axes.legend} width={area.width} />
      </g>
      {axes.xLabel && (
        <text
          className="chart-word"
          x={left + area.width / 2}
          y={bottom + BOTTOM + 9}
          textAnchor="middle"
        >
          {axes.xLabel}
        </text>
      )}
      {axes.yLabel && (
        <text
          className="chart-word"
          transform={`translate(13 ${top + area.height / 2}) rotate(-90)`}
          textAnchor="middle"
        >
          {axes.yLabel}
        </text>
      )}
    </>
  );
}

function areaOf(axes: Axes, width: number, room: number): Area {
  const height = room - BOTTOM - (axes.xLabel ? WORDS : 0);
  const x = scaleOf(rangeOf(axes, "x"), axes.xLog);
  const y = scaleOf(rangeOf(axes, "y"), axes.yLog);
  return { width: Math.max(20, width), height: Math.max(20, height), x, y };
}

/** Numbers from 1 that have names, as far as the axis reaches. */
function named(names: readonly string[], scale: Scale): Tick[] | undefined {
  if (names.length === 0) return undefined;
  const step = Math.ceil(names.length / 12);
  return names
    .map((text, at) => ({ at: at + 1, text }))
    .filter(({ at }) => (at - 1) % step === 0 && scale.range[0] <= at && at <= scale.range[1]);
}

function Grid({
  ticks,
  area,
  isShown,
}: {
  ticks: { x: Tick[]; y: Tick[] };
  area: Area;
  isShown: boolean;
}) {
  const across = ticks.x.map((tick) => ({ ...tick, x: area.x.at(tick.at) * area.width }));
  const up = ticks.y.map((tick) => ({ ...tick, y: (1 - area.y.at(tick.at)) * area.height }));
  return (
    <g className="chart-numbers">
      {across.map(({ at, text, x }) => (
        <g key={at}>
          {isShown && <line className="chart-grid" x1={x} x2={x} y1={0} y2={area.height} />}
          <line className="chart-tick" x1={x} x2={x} y1={area.height} y2={area.height + 4} />
          <text x={x} y={area.height + 16} textAnchor="middle">
            {text}
          </text>
        </g>
      ))}
      {up.map(({ at, text, y }) => (
        <g key={at}>
          {isShown && <line className="chart-grid" x1={0} x2={area.width} y1={y} y2={y} />}
          <line className="chart-tick" x1={-4} x2={0} y1={y} y2={y} />
          <text x={-7} y={y + 3.5} textAnchor="end">
            {text}
          </text>
        </g>
      ))}
    </g>
  );
}

/** Axes of which nothing can be drawn say what they are. */
function Missing({ axes, width, height }: { axes: Axes; width: number; height: number }) {
  if (axes.missing.length === 0) return null;
  return (
    <text className="chart-word" x={width / 2} y={height / 2} textAnchor="middle">
      {[...new Set(axes.missing)].join(", ")}
    </text>
  );
}
