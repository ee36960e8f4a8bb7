// The figures of a session: a list of them, and the one that was chosen.

import { useEffect, useMemo, useRef, useState } from "react";
import type { Compute } from "../compute/compute";
import { useStore } from "../store";
import { Chart } from "./chart";
import { type Figure, figureOf } from "./scene";

/** A figure is as high as this part of its width, and by a row of axes more. */
const HIGH = 0.72;

export function Figures({ compute }: { compute: Compute }) {
  const { figures, figure, state } = useStore(compute.store);
  return (
    <section className="figures" aria-label="Figures">
      <h2>Figures</h2>
      {figures.length === 0 && <p className="empty">What a script draws is here.</p>}
      <ul>
        {figures.map((one) => (
          <li key={one.figure}>
            <button
              type="button"
              className="plain variable"
              aria-pressed={figure?.figure === one.figure}
              disabled={state !== "idle"}
              onClick={() => void compute.draw(one.figure)}
            >
              <span>
                Figure {one.figure} <strong>{one.title}</strong>
              </span>
              <span className="note">
                {one.plots} {one.plots === 1 ? "plot" : "plots"}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {figure && <Drawn number={figure.figure} scene={figure.scene} />}
    </section>
  );
}

/** A figure that is shown over the page has this size, or what there is. */
const LARGE = { width: 1120, height: 700 };

function Larger({ figure, name }: { figure: Figure; name: string }) {
  const place = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className="quiet small"
        onClick={() => {
          setOpen(true);
          place.current?.showModal();
        }}
      >
        Larger
      </button>
      <dialog ref={place} className="large" aria-label={name} onClose={() => setOpen(false)}>
        {isOpen && <Chart figure={figure} name={name} {...LARGE} />}
        <form method="dialog" className="actions">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}

function Drawn({ number, scene }: { number: number; scene: unknown }) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(320);
  const figure = useMemo(() => figureOf(scene), [scene]);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new ResizeObserver(([seen]) => {
      if (seen) setWidth(Math.max(220, Math.round(seen.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const missing = [...new Set(figure.axes.flatMap((axes) => axes.missing))];
  const each = (width / figure.columns) * HIGH;
  const height = Math.round(Math.max(140, each) * figure.rows);
  const name = `Figure ${number}`;
  return (
    <div ref={place} className="figure">
      <Chart figure={figure} name={name} width={width} height={height} />
      {figure.axes.some(({ marks }) => marks.length > 0) && <Larger figure={figure} name={name} />}
      {missing.length > 0 && (
        <p className="note">
          Not drawn here: {missing.map((kind) => kind.replaceAll("_", " ")).join(", ")}.
        </p>
      )}
    </div>
  );
}
