// The line between two panes, which is moved by pointer or by arrow keys. Where it stands is kept.

import { type KeyboardEvent, type PointerEvent, useEffect, useState } from "react";

interface Wanted {
  /** The custom property of the page that has the size. */
  name: string;
  label: string;
  /** Where the pane is that has the size. */
  side: "left" | "right" | "bottom";
  first: number;
  min: number;
  max: number;
}

const STEP = 16;

function kept(name: string, otherwise: number): number {
  try {
    return Number(localStorage.getItem(name)) || otherwise;
  } catch {
    return otherwise;
  }
}

export function Split({ name, label, side, first, min, max }: Wanted) {
  const [pixels, setPixels] = useState(() => kept(name, first));
  useEffect(() => {
    document.documentElement.style.setProperty(name, `${pixels}px`);
    try {
      localStorage.setItem(name, String(pixels));
    } catch {
      // A page that may keep nothing begins with the usual sizes.
    }
  }, [name, pixels]);
  const put = (value: number) => setPixels(Math.round(Math.min(max, Math.max(min, value))));
  const isUpright = side !== "bottom";
  const sign = side === "left" ? 1 : -1;
  const onPointerDown = (down: PointerEvent<HTMLDivElement>) => {
    const line = down.currentTarget;
    line.setPointerCapture(down.pointerId);
    const from = isUpright ? down.clientX : down.clientY;
    line.onpointermove = (move) =>
      put(pixels + sign * ((isUpright ? move.clientX : move.clientY) - from));
    line.onpointerup = () => {
      line.onpointermove = null;
    };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = isUpright
      ? { ArrowLeft: -1, ArrowRight: 1 }
      : { ArrowUp: -1, ArrowDown: 1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    put(pixels + sign * step * STEP);
  };
  return (
    <div
      role="separator"
      tabIndex={0}
      className={`split split-${side}`}
      aria-label={label}
      aria-orientation={isUpright ? "vertical" : "horizontal"}
      aria-valuenow={pixels}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
