// The module's variables and values in the form that every session of scripts has.

import type { Cell, Value, Variable } from "@oriel/shared/compute";
import type { Materialized, ScriptError, Variable as Theirs } from "./module";

/** So many elements of a value are shown at the beginning of a line. */
const PREVIEW_MAX = 8;

/** So much of a script's line is shown with a problem. */
const LINE_LENGTH_MAX = 400;

export function variableOf(theirs: Theirs): Variable {
  const { name, className, shape, sizeBytes, preview } = theirs;
  const values = preview?.values ?? [];
  const some = values.slice(0, PREVIEW_MAX).map(shortly).join(" ");
  const isMore = preview?.truncated || values.length > PREVIEW_MAX;
  return {
    name,
    class: className,
    shape,
    ...(sizeBytes === undefined || sizeBytes === null ? {} : { bytes: Number(sizeBytes) }),
    preview: some === "" ? "" : `${some}${isMore ? " …" : ""}`,
    isKept: false,
  };
}

const shortly = (value: number) => String(Number(value.toPrecision(5)));

/** Returns the part of a value that was asked for, as far as the module gives it. */
export function partOf(theirs: Materialized, start: number[], shape: number[]): Value {
  const cells = cellsOf(theirs);
  const isWhole = cells.length === shape.reduce((all, one) => all * one, 1);
  const total = theirs.shape.reduce((all, one) => all * one, 1);
  return {
    variable: variableOf(theirs),
    start,
    shape: isWhole ? shape : [cells.length, 1],
    cells,
    isCut: cells.length < total,
  };
}

function cellsOf({ valueJson, valueText }: Materialized): Cell[] {
  const { kind, value, preview, text } = valueJson;
  if (Array.isArray(preview)) return preview.map(cellOf);
  if (typeof text === "string") return [text];
  if (kind === "complex") return [valueText];
  if (value !== undefined) return [cellOf(value)];
  return [valueText];
}

function cellOf(value: unknown): Cell {
  if (typeof value === "number" && !Number.isFinite(value)) {
    if (Number.isNaN(value)) return "NaN";
    return value > 0 ? "Inf" : "-Inf";
  }
  if (typeof value === "boolean" || typeof value === "number") return value;
  // JSON cannot say a number that is none.
  if (value === null) return "NaN";
  if (typeof value === "object") {
    const { real, imag } = value as { real?: number; imag?: number };
    return real === undefined ? JSON.stringify(value) : `${real}${imag! < 0 ? "" : "+"}${imag}i`;
  }
  return String(value);
}

/** Returns why a script failed, with the place in the editor's counting. */
export function problemOf(error: ScriptError, file: string, text: string) {
  const { span, identifier, kind, message, callstack } = error;
  const place = span && {
    startLine: span.line,
    startColumn: span.column,
    endLine: span.line,
    endColumn: span.column + Math.max(1, span.end - span.start),
  };
  const line = place && text.split("\n")[place.startLine - 1]?.slice(0, LINE_LENGTH_MAX);
  return {
    severity: "error" as const,
    code: identifier ?? kind,
    message,
    file,
    ...(place ? { span: place } : {}),
    ...(line === undefined ? {} : { line }),
    stack: callstack ?? [],
  };
}
