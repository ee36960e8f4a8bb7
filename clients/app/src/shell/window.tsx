// A long list of lines of one height, of which only those in sight are in the page.

import { type ReactNode, useEffect, useRef, useState } from "react";

interface Wanted {
  count: number;
  rowHeight: number;
  row: (index: number) => ReactNode;
  className?: string;
  /** A line that has to be in sight. */
  reveal?: number;
  /** Whether the end stays in sight while lines are added. */
  follows?: boolean;
  label?: string;
  role?: string;
  head?: ReactNode;
}

/** Lines above and below those in sight, so that fast scrolling shows no gap. */
const MARGIN = 12;

export function Lines(wanted: Wanted) {
  const { count, rowHeight, row, className, reveal, follows, label, role, head } = wanted;
  const place = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  const atEnd = useRef(true);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const look = () => {
      const { scrollTop: top, clientHeight: height, scrollHeight } = element;
      atEnd.current = scrollHeight - top - height < rowHeight * 2;
      setSeen({ top, height });
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [rowHeight]);
  useEffect(() => {
    const element = place.current;
    if (element && follows && atEnd.current) element.scrollTop = count * rowHeight;
  }, [count, follows, rowHeight]);
  useEffect(() => {
    const element = place.current;
    if (!element || reveal === undefined || reveal < 0) return;
    const top = reveal * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    const end = element.scrollTop + element.clientHeight - rowHeight;
    if (top > end) element.scrollTop = top - element.clientHeight + rowHeight;
  }, [reveal, rowHeight]);
  const first = Math.max(0, Math.floor(seen.top / rowHeight) - MARGIN);
  const last = Math.min(count, Math.ceil((seen.top + seen.height) / rowHeight) + MARGIN);
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  return (
    <div
      ref={place}
      className={className}
      role={role}
      aria-label={label}
      // What scrolls can be scrolled by keys. A tree has its keys around it.
      tabIndex={role === "tree" ? undefined : 0}
    >
      {head}
      <div style={{ height: first * rowHeight }} role="presentation" />
      {shown.map(row)}
      <div style={{ height: Math.max(0, count - last) * rowHeight }} role="presentation" />
    </div>
  );
}
