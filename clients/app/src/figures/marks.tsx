// What stands in the axes, each kind in its way.

import { useEffect, useRef } from "react";
import type { Axes, Box, Colour, Mark } from "./scene";
import { shadeOf } from "./shade";
import { type Area, dotsOf, pathOf } from "./thin";

export const inkOf = (colour: Colour) =>
  typeof colour === "number" ? `var(--c${colour})` : colour;

export function Marks({ axes, area }: { axes: Axes; area: Area }) {
  return axes.marks.map((mark, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a mark is its place
    <One key={at} mark={mark} area={area} />
  ));
}

function One({ mark, area }: { mark: Mark; area: Area }) {
  switch (mark.kind) {
    case "line":
      return (
        <path
          className="mark-line"
          d={pathOf(mark.x, mark.y, area)}
          strokeDasharray={mark.dash}
          style={{ stroke: inkOf(mark.colour) }}
        />
      );
    case "dots":
      return (
        <path
          className="mark-dots"
          d={dotsOf(mark.x, mark.y, mark.radius, area)}
          style={{ fill: inkOf(mark.colour) }}
        />
      );
    case "bars":
      return (
        <path
          className="mark-bars"
          d={boxesOf(mark.boxes, area, true)}
          style={{ fill: inkOf(mark.colour) }}
        />
      );
    case "strokes":
      return (
        <path
          className="mark-line"
          d={boxesOf(mark.boxes, area, false)}
          style={{ stroke: inkOf(mark.colour) }}
        />
      );
    case "area": {
      const above = pathOf(mark.x, mark.y, area);
      const below = pathOf([...mark.x].reverse(), [...mark.lower].reverse(), area);
      const ink = inkOf(mark.colour);
      return (
        <>
          <path
            className="mark-area"
            d={`${above}${below.replace("M", "L")}Z`}
            style={{ fill: ink }}
          />
          <path className="mark-line" d={above} style={{ stroke: ink }} />
        </>
      );
    }
    case "rule": {
      const { isUpright, value, label, colour } = mark;
      const x = isUpright ? area.x.at(value) * area.width : 0;
      const y = isUpright ? 0 : (1 - area.y.at(value)) * area.height;
      const to = isUpright ? { x2: x, y2: area.height } : { x2: area.width, y2: y };
      return (
        <>
          <line className="mark-line" x1={x} y1={y} {...to} style={{ stroke: inkOf(colour) }} />
          <text className="chart-word" x={x + 4} y={isUpright ? 12 : y - 4}>
            {label}
          </text>
        </>
      );
    }
    case "image":
      return <Image mark={mark} area={area} />;
  }
}

/** Engines draw no path that is cut off very far away. */
const FAR = 10_000;

/** Returns boxes as one path: closed, or as the line from one corner to the other. */
function boxesOf(boxes: readonly Box[], area: Area, isClosed: boolean): string {
  const across = (value: number) => held(area.x.at(value) * area.width);
  const up = (value: number) => held((1 - area.y.at(value)) * area.height, area.height);
  return boxes
    .map(({ left, right, low, high }) => {
      const [x1, x2, y1, y2] = [across(left), across(right), up(low), up(high)];
      if (!isClosed) return `M${x1} ${y1}L${x2} ${y2}`;
      return `M${x1} ${y1}H${x2}V${y2}H${x1}Z`;
    })
    .join("");
}

/** Where a scale of powers has no place for zero, it is below everything. */
const held = (value: number, otherwise = -FAR) =>
  (Number.isNaN(value) ? otherwise : Math.max(-FAR, Math.min(FAR, value))).toFixed(1);

function Image({ mark, area }: { mark: Extract<Mark, { kind: "image" }>; area: Area }) {
  const place = useRef<SVGImageElement>(null);
  useEffect(() => {
    const { pixels, width, height } = shadeOf(mark);
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
    place.current?.setAttribute("href", canvas.toDataURL());
  }, [mark]);
  return (
    <image
      ref={place}
      className="mark-image"
      width={area.width}
      height={area.height}
      preserveAspectRatio="none"
    />
  );
}
