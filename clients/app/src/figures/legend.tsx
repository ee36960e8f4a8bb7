// Which colour is what, in a corner of the axes.

import { inkOf } from "./marks";
import type { LegendEntry } from "./scene";

/** So many entries are shown; a longer legend would hide what it explains. */
const ENTRIES_MAX = 8;

const LETTERS_MAX = 24;
const LINE = 14;

export function Legend({ entries, width }: { entries: readonly LegendEntry[]; width: number }) {
  if (entries.length === 0) return null;
  const shown = entries.slice(0, ENTRIES_MAX);
  const labels = shown.map(({ label }) =>
    label.length > LETTERS_MAX ? `${label.slice(0, LETTERS_MAX - 1)}…` : label,
  );
  const rest = entries.length - shown.length;
  const longest = Math.max(...labels.map((label) => label.length), rest > 0 ? 10 : 0);
  const wide = Math.min(width - 12, longest * 6 + 30);
  const high = (shown.length + (rest > 0 ? 1 : 0)) * LINE + 6;
  return (
    <g className="chart-legend" transform={`translate(${width - wide - 6} 6)`}>
      <rect width={wide} height={high} rx={3} />
      {shown.map(({ colour }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an entry is its place
        <g key={at} transform={`translate(6 ${at * LINE + 10})`}>
          <line x2={14} style={{ stroke: inkOf(colour) }} />
          <text x={19} y={3.5}>
            {labels[at]}
          </text>
        </g>
      ))}
      {rest > 0 && (
        <text x={6} y={shown.length * LINE + 13}>
          and {rest} more
        </text>
      )}
    </g>
  );
}
