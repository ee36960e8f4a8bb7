// Figures that RunMat 0.5.6 really described (`recorded.json`) are drawn as the scripts meant them.

import fc from "fast-check";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { Chart } from "./chart";
import recorded from "./recorded.json";
import { rangeOf, scaleOf, ticksOf, words } from "./scale";
import { type Axes, figureOf } from "./scene";
import { shadeOf } from "./shade";
import { type Area, dotsOf, pathOf } from "./thin";

type Name = keyof typeof recorded;

const axesOf = (name: Name, at = 0): Axes => figureOf(recorded[name]).axes[at]!;

const drawn = (name: Name) =>
  renderToStaticMarkup(
    <Chart figure={figureOf(recorded[name])} name={name} width={400} height={260} />,
  );

const area: Area = {
  width: 300,
  height: 200,
  x: scaleOf([0, 1], false),
  y: scaleOf([-1, 1], false),
};

describe("a scene", () => {
  test("of lines has their labels, their dashes and the colours that the script named", () => {
    const { marks, legend, title } = axesOf("lines");
    expect(marks.map((mark) => mark.kind)).toEqual(["line", "line"]);
    expect(marks[0]).toMatchObject({ dash: "6 4" });
    expect(legend.map(({ label }) => label)).toEqual(["sin", "cos"]);
    expect(legend[0]?.colour).toContain("light-dark(");
    expect(title, "what RunMat writes by itself says nothing").toBe("");
    expect(drawn("lines")).toContain("sin");
  });

  test("of a row of bars is one series, and of a matrix as many as it has columns", () => {
    const row = axesOf("bar");
    expect(row.marks.map((mark) => (mark.kind === "bars" ? mark.boxes.length : 0))).toEqual([
      1, 1, 1, 1,
    ]);
    expect(new Set(row.marks.map((mark) => mark.kind === "bars" && mark.colour)).size).toBe(1);
    expect(row.legend).toEqual([]);
    expect(rangeOf(row, "y")[0]).toBe(0);
    expect(axesOf("bar2").legend.length).toBe(2);
  });

  test("of stacked bars has each on top of the one before", () => {
    const [below, above] = axesOf("bars").marks;
    if (below?.kind !== "bars" || above?.kind !== "bars") throw new Error("two series of bars");
    expect(above.boxes.map(({ low }) => low)).toEqual(below.boxes.map(({ high }) => high));
  });

  test("of a histogram has its bins where their edges are", () => {
    const [bins] = axesOf("histogram").marks;
    if (bins?.kind !== "bars") throw new Error("bins");
    expect(bins.boxes[0]).toEqual({ left: 1, right: 1.8, low: 0, high: 1 });
    expect(bins.boxes.at(-1)?.right).toBe(5);
  });

  test("keeps limits, scales, gaps and several axes", () => {
    expect(rangeOf(axesOf("axis"), "x")).toEqual([0, 4]);
    expect(rangeOf(axesOf("axis"), "y")).toEqual([0, 30]);
    expect(axesOf("semilogy").yLog).toBe(true);
    const [gaps] = axesOf("nan").marks;
    expect(gaps).toMatchObject({ y: [1, null, 2, 3, null, 4] });
    const { rows, columns, axes } = figureOf(recorded.sub);
    expect([rows, columns, axes.map(({ title }) => title)]).toEqual([2, 1, ["A", "B"]]);
  });

  test("that cannot be drawn says what it is", () => {
    expect(axesOf("surf").missing).toEqual(["surface"]);
    expect(axesOf("pie").missing).toEqual(["pie"]);
    expect(axesOf("surf").marks).toEqual([]);
    expect(drawn("surf")).toContain("surface");
  });

  test("of an image is a picture of its grid, the first row below", () => {
    const [image] = axesOf("imagesc").marks;
    if (image?.kind !== "image") throw new Error("an image");
    const { width, height, pixels } = shadeOf(image);
    expect([width, height]).toEqual([3, 2]);
    const light = (left: number, top: number) => pixels[(top * 3 + left) * 4]!;
    expect(light(0, 1), "1 is the lowest").toBeLessThan(light(2, 0));
  });

  test("draws each recorded figure with numbers along its axes", () => {
    for (const name of Object.keys(recorded) as Name[]) {
      const svg = drawn(name);
      expect(svg, name).not.toContain("NaN");
      if (axesOf(name).marks.length > 0) expect(svg, name).toContain("chart-numbers");
    }
  });

  test("that is nothing of the kind is an empty figure", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (scene) => {
        const figure = figureOf({ plots: [scene], metadata: scene, layout: scene });
        expect(figure.axes.length).toBeGreaterThan(0);
        figureOf(scene);
      }),
    );
  });
});

describe("many points", () => {
  const million = Array.from({ length: 1_000_000 }, (_, at) => at / 1e6);
  const wave = million.map((at) => Math.sin(at * 4000));

  test("are as many as there are pixels, and the highest stays", () => {
    const y = wave.slice();
    y[654_321] = 5;
    const path = pathOf(million, y, area);
    expect(path.split(/[ML]/).length).toBeLessThanOrEqual(301 * 4 + 1);
    const tops = [...path.matchAll(/ (-?[\d.]+)/g)].map(([, top]) => Number(top));
    expect(Math.min(...tops)).toBeCloseTo((1 - 3) * 200, 0);
  });

  test("are dots that can be told apart", () => {
    const dots = dotsOf(million, wave, 4, area);
    expect(dots.split("M").length).toBeLessThanOrEqual(301 * 201 + 1);
  });

  test("leave gaps where they have none", () => {
    expect(pathOf([0, 0.1, null, 0.3, 0.4], [0, 0, 0, 0, 0], area).match(/M/g)?.length).toBe(2);
    const gap = wave.map((value, at) => (at > 400_000 && at < 600_000 ? null : value));
    expect(pathOf(million, gap, area).match(/M/g)?.length).toBe(2);
  });
});

describe("numbers along an axis", () => {
  test("are round, within the range, and differ", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
        (low, size) => {
          const high = low + size;
          fc.pre(high - low > Math.abs(low) * 1e-6);
          const ticks = ticksOf(scaleOf([low, high], false), 5);
          expect(ticks.length).toBeGreaterThan(1);
          expect(ticks.length).toBeLessThan(12);
          expect(new Set(ticks.map(({ text }) => text)).size).toBe(ticks.length);
        },
      ),
    );
  });

  test("are powers where the scale is one of powers", () => {
    const texts = ticksOf(scaleOf([1, 1e8], true), 5).map(({ text }) => text);
    expect(texts).toEqual(["1", "100", "1e4", "1e6", "1e8"]);
    expect(words(0.30000000000000004, 0.1)).toBe("0.3");
  });
});
