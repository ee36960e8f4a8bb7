// Whether JSON that came from the host is what its type says. A page works with what came only after
// it was looked at, so an answer of another version, or a hostile one, ends in an error that says so.

import { badAnswer, isCode } from "./errors";
import type {
  Answered,
  Changes,
  Entries,
  Entry,
  Failed,
  Kind,
  Looked,
  Opened,
  Stat,
  Use,
  Workspaces,
} from "./generated/hostfs";

type Fields = Record<string, unknown>;

const KINDS: readonly unknown[] = ["file", "folder", "link", "other"] satisfies Kind[];

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNone = (value: unknown) => value === undefined || isText(value);
const isAmount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTime = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const isKind = (value: unknown) => KINDS.includes(value);

const isFailed = (value: unknown): value is Failed =>
  isFields(value) &&
  isCode(value.code) &&
  isText(value.message) &&
  isTextOrNone(value.hint) &&
  isTextOrNone(value.path);

const isStat = (value: unknown): value is Stat =>
  isFields(value) &&
  isKind(value.kind) &&
  isAmount(value.length) &&
  isTime(value.modifiedMs) &&
  typeof value.isReadOnly === "boolean";

const isEntry = (value: unknown): value is Entry =>
  isFields(value) &&
  isText(value.name) &&
  value.name !== "" &&
  !value.name.includes("/") &&
  isKind(value.kind) &&
  isAmount(value.length) &&
  isTime(value.modifiedMs);

const isWorkspace = (value: unknown) =>
  isFields(value) &&
  isText(value.id) &&
  isText(value.name) &&
  isText(value.path) &&
  (value.access === "read" || value.access === "read_write") &&
  (value.problem === undefined || isFailed(value.problem));

const isChange = (value: unknown) =>
  isFields(value) &&
  isText(value.path) &&
  (value.kind === "made" || value.kind === "changed" || value.kind === "removed");

const all = (value: unknown, one: (item: unknown) => boolean) =>
  Array.isArray(value) && value.every(one);

function take<T>(value: unknown, is: boolean, name: string): T {
  if (!is) throw badAnswer(`it is no ${name}`);
  return value as T;
}

export const asFailed = (value: unknown): Failed => take(value, isFailed(value), "failure");

export const asStat = (value: unknown): Stat => take(value, isStat(value), "stat");

export const asOpened = (value: unknown): Opened =>
  take(value, isFields(value) && isStat(value.stat), "open file");

export const asWorkspaces = (value: unknown): Workspaces =>
  take(value, isFields(value) && all(value.workspaces, isWorkspace), "list of workspaces");

export const asLooked = (value: unknown, count: number): Looked => {
  const one = (item: unknown): item is Answered => isStat(item) || isFailed(item);
  const is = isFields(value) && all(value.stats, one) && (value.stats as []).length === count;
  return take(value, is, "list of stats");
};

export const asEntries = (value: unknown): Entries =>
  take(
    value,
    isFields(value) &&
      all(value.entries, isEntry) &&
      typeof value.hasMore === "boolean" &&
      // A list that has more and shows nothing would be asked for without end.
      !(value.hasMore && (value.entries as []).length === 0) &&
      isAmount(value.unnameable),
    "folder",
  );

export const asChanges = (value: unknown): Changes =>
  take(
    value,
    isFields(value) && all(value.changes, isChange) && typeof value.lookAgain === "boolean",
    "list of changes",
  );

const USE_FIELDS = [
  "handles",
  "handlesMax",
  "behindBytes",
  "behindBytesMax",
  "mappedBytes",
  "mappedBytesMax",
] as const satisfies readonly (keyof Use)[];

export const asUse = (value: unknown): Use =>
  take(
    value,
    isFields(value) && USE_FIELDS.every((name) => isAmount(value[name])),
    "use of limits",
  );
