// Scripts, version 1. `cargo xtask generate` writes this file.

/**
 * What a session answers.
 */
export type Answer = { "type": "done" } | { "type": "started",
/**
 * The number of the run, from 1.
 */
run: number, } | { "type": "variables",
/**
 * Them.
 */
variables: Array<Variable>,
/**
 * How many there are beyond those listed.
 */
more: number, } | { "type": "value" } & Value | { "type": "figures",
/**
 * Them.
 */
figures: Array<FigureBrief>, } | { "type": "figure",
/**
 * Which.
 */
figure: number,
/**
 * The figure's scene as RunMat writes it (`schemaVersion` 1): `layout`, `metadata` and `plots`
 * with their data. It is a description to draw from and not an image.
 */
scene: unknown, } | { "type": "status" } & Status | { "type": "history",
/**
 * The newest last.
 */
runs: Array<HistoryEntry>, } | { "type": "failed" } & Failed;

/**
 * One element of a variable. A number that JSON cannot say, or that a number of JavaScript cannot hold,
 * is a text: `NaN`, `Inf`, `-Inf`, a complex number, an integer beyond 2^53.
 */
export type Cell = boolean | number | string;

/**
 * Why a request failed.
 */
export type Code = "bad_message" | "busy" | "not_running" | "not_found" | "too_large" | "unsupported" | "ended" | "engine";

/**
 * Something is wrong with a script.
 */
export type Diagnostic = {
/**
 * How bad.
 */
severity: Severity,
/**
 * What, for programs, such as `RunMat:UndefinedVariable`.
 */
code: string,
/**
 * What, for people.
 */
message: string,
/**
 * The script it is in: its name, or its path in the workspace.
 */
file?: string,
/**
 * Where in it.
 */
span?: Span,
/**
 * The line that the span begins on.
 */
line?: string,
/**
 * The calls that led there, the innermost first.
 */
stack: Array<string>, };

/**
 * Why a process ended.
 */
export type EndReason = "stopped" | "killed" | "time_limit" | "memory_limit" | "crashed";

/**
 * What a session tells as it happens. Events of a run stand between its `run_started` and its
 * `run_ended`.
 */
export type Event = { "type": "ready",
/**
 * [`super::PROTOCOL_VERSION`].
 */
protocol: number,
/**
 * What runs the scripts, with its version.
 */
engine: string,
/**
 * What it may use.
 */
limits: Limits,
/**
 * Whether the system keeps it from files by name, the network and other programs.
 */
isConfined: boolean,
/**
 * What came back of a session that was ended by force.
 */
restored?: Restored, } | { "type": "run_started",
/**
 * Its number.
 */
run: number,
/**
 * What it is called.
 */
name: string, } | { "type": "output",
/**
 * Which run.
 */
run: number,
/**
 * The number of the event within the run, from 1 and without gaps.
 */
number: number,
/**
 * Where to.
 */
stream: Stream,
/**
 * What.
 */
text: string, } | { "type": "input_asked",
/**
 * Which run.
 */
run: number,
/**
 * The number of the question.
 */
question: number,
/**
 * What it says.
 */
prompt: string,
/**
 * What is wanted.
 */
kind: InputKind, } | { "type": "input_over",
/**
 * Which.
 */
question: number, } | { "type": "run_ended",
/**
 * Which.
 */
run: number,
/**
 * How.
 */
outcome: Outcome,
/**
 * How long it took.
 */
tookMs: number,
/**
 * What was wrong; where the script failed, the error is first.
 */
diagnostics: Array<Diagnostic>, } | { "type": "variables",
/**
 * All of them, in the order of their names.
 */
variables: Array<Variable>,
/**
 * How many there are beyond those listed.
 */
more: number, } | { "type": "figures",
/**
 * All of them, in the order of their numbers.
 */
figures: Array<FigureBrief>,
/**
 * The numbers of those that changed.
 */
changed: Array<number>, } | { "type": "ended",
/**
 * Why.
 */
reason: EndReason,
/**
 * What it said last, for people.
 */
message: string,
/**
 * Whether it is started anew.
 */
isRestarting: boolean, };

/**
 * A request failed.
 */
export type Failed = {
/**
 * Why, for programs.
 */
code: Code,
/**
 * What happened and to what, for people.
 */
message: string, };

/**
 * A figure.
 */
export type FigureBrief = {
/**
 * Its number.
 */
figure: number,
/**
 * Its title, or nothing.
 */
title: string,
/**
 * How many plots are in it.
 */
plots: number, };

/**
 * One run of the past.
 */
export type HistoryEntry = {
/**
 * Its number.
 */
run: number,
/**
 * What it was called.
 */
name: string,
/**
 * When it began, in milliseconds since 1970.
 */
startedMs: number,
/**
 * How long it took.
 */
tookMs: number,
/**
 * How it ended.
 */
outcome: Outcome,
/**
 * The beginning of its text.
 */
text: string, };

/**
 * What a script wants of a person.
 */
export type InputKind = "line" | "secret" | "key";

/**
 * What a session may use.
 */
export type Limits = {
/**
 * How much memory; beyond it the session ends.
 */
memoryBytes?: number,
/**
 * How long one run may take; then it is interrupted, and if that does not help the session ends.
 */
runMs?: number,
/**
 * How much one run may print; then it is interrupted.
 */
outputBytes?: number, };

/**
 * How a run ended.
 */
export type Outcome = "completed" | "failed" | "interrupted" | "time_limit" | "output_limit";

/**
 * What a session can be asked.
 */
export type Request = { "type": "run",
/**
 * Which script.
 */
source: Source, } | { "type": "answer_input",
/**
 * Which question.
 */
question: number,
/**
 * The line; a key needs none.
 */
text: string, } | { "type": "interrupt" } | { "type": "reset" } | { "type": "variables" } | { "type": "value",
/**
 * The variable; a field of a structure is `name.field`.
 */
name: string,
/**
 * Where the part begins along each dimension, from 0; without it, at the beginning.
 */
start?: Array<number>,
/**
 * How many elements along each dimension; without it, all.
 */
shape?: Array<number>, } | { "type": "figures" } | { "type": "figure",
/**
 * Which.
 */
figure: number, } | { "type": "status" } | { "type": "history" } | { "type": "stop" };

/**
 * What came back of a session that was ended by force.
 */
export type Restored = {
/**
 * The variables that came back.
 */
variables: Array<string>,
/**
 * Those that did not: of a class that cannot be kept, or too large.
 */
lost: Array<string>, };

/**
 * How bad something is.
 */
export type Severity = "error" | "warning" | "note";

/**
 * A script.
 */
export type Source = { "type": "text",
/**
 * What it is called where something is wrong in it.
 */
name?: string,
/**
 * The text.
 */
text: string, } | { "type": "file",
/**
 * Its path in the workspace.
 */
path: string, };

/**
 * A place in a script. Lines and columns count from 1, columns in UTF-16 units as editors in a page do;
 * the end is the place after the last character.
 */
export type Span = {
/**
 * The line it begins on.
 */
startLine: number,
/**
 * The column it begins at.
 */
startColumn: number,
/**
 * The line it ends on.
 */
endLine: number,
/**
 * The column it ends at.
 */
endColumn: number, };

/**
 * What a session does.
 */
export type State = "idle" | "running" | "waiting_for_input";

/**
 * How a session stands.
 */
export type Status = {
/**
 * What it does.
 */
state: State,
/**
 * The run that goes on.
 */
run?: number,
/**
 * How long it has gone on.
 */
runningMs?: number,
/**
 * The question that it waits for.
 */
question?: number,
/**
 * How much memory the process has, where the system tells.
 */
memoryBytes?: number,
/**
 * What it may use.
 */
limits: Limits,
/**
 * Whether the system keeps it from files by name, the network and other programs.
 */
isConfined: boolean, };

/**
 * Where output goes.
 */
export type Stream = "stdout" | "stderr" | "clear";

/**
 * A part of a variable.
 */
export type Value = {
/**
 * The variable.
 */
variable: Variable,
/**
 * Where the part begins, from 0, along each dimension.
 */
start: Array<number>,
/**
 * How many elements it has along each dimension.
 */
shape: Array<number>,
/**
 * The elements, column after column.
 */
cells: Array<Cell>,
/**
 * The fields of a structure.
 */
fields?: Array<Variable>,
/**
 * Whether more was asked for than is here.
 */
isCut: boolean, };

/**
 * A variable.
 */
export type Variable = {
/**
 * Its name.
 */
name: string,
/**
 * The name of its class, such as `double`, `char` or `struct`.
 */
class: string,
/**
 * How many elements there are along each dimension.
 */
shape: Array<number>,
/**
 * About how much memory it takes, where that is known.
 */
bytes?: number,
/**
 * The beginning of what is in it, for people, on one line.
 */
preview: string,
/**
 * Whether it comes back when the session is started anew after it was ended by force.
 */
isKept: boolean, };

/** The version of the protocol. */
export const PROTOCOL_VERSION = 1;

/** The longest text of a script that is sent. */
export const SCRIPT_BYTES_MAX = 4194304;

/** The most elements of one `value`. */
export const CELLS_MAX = 65536;
