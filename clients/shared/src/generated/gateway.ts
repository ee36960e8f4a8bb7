// The gateway protocol, version 1. `cargo xtask generate` writes this file.

/**
 * An answer to a question.
 */
export type Answer = string | {
/**
 * Whether it may.
 */
allow: boolean,
/**
 * Whether that holds from now on.
 */
remember: boolean, };

/**
 * What can be answered.
 */
export type AnswerOption = {
/**
 * Its name.
 */
id: string,
/**
 * What it says.
 */
label: string,
/**
 * What choosing it means.
 */
kind: OptionKind, };

/**
 * Whose work a state of a file is.
 */
export type Author = "agent" | "user";

/**
 * What a client says. Each is answered by a reply or an error.
 */
export type ClientMessage = { "type": "authenticate",
/**
 * The gateway's token.
 */
token: string, } | { "type": "list_sessions",
/**
 * Whether those that were put away are listed too.
 */
includeArchived: boolean, } | { "type": "create_session",
/**
 * Which agent.
 */
agentType: string,
/**
 * Its name for people; without one, the gateway makes one.
 */
name?: string,
/**
 * The absolute path of a folder; without one, the gateway makes one.
 */
workspace?: string, } | { "type": "rename_session",
/**
 * Which.
 */
sessionId: string,
/**
 * The name, 1 to 200 characters.
 */
name: string, } | { "type": "archive_session",
/**
 * Which.
 */
sessionId: string, } | { "type": "unarchive_session",
/**
 * Which.
 */
sessionId: string, } | { "type": "delete_session",
/**
 * Which.
 */
sessionId: string, } | { "type": "join_session",
/**
 * Which.
 */
sessionId: string,
/**
 * The last durable event that it has; without one, only the snapshot and what comes.
 */
afterSeq?: number, } | { "type": "leave_session",
/**
 * Which.
 */
sessionId: string, } | { "type": "run_turn",
/**
 * Which session.
 */
sessionId: string,
/**
 * What to do.
 */
text: string,
/**
 * The client's name for the turn: the same one twice is the same turn.
 */
clientTurnId?: string, } | { "type": "stop_turn",
/**
 * Which session.
 */
sessionId: string, } | { "type": "steer",
/**
 * Which session.
 */
sessionId: string,
/**
 * What.
 */
text: string, } | { "type": "answer_question",
/**
 * Which session.
 */
sessionId: string,
/**
 * Which question.
 */
questionId: string,
/**
 * The answer.
 */
answer: Answer, } | { "type": "get_history",
/**
 * Which session.
 */
sessionId: string,
/**
 * Only what was said before the message of this `seq`.
 */
before?: number,
/**
 * How many, at most 500.
 */
limit?: number, } | { "type": "get_events",
/**
 * Which session.
 */
sessionId: string,
/**
 * Only what came after this one.
 */
afterSeq?: number,
/**
 * How many, at most 1,000.
 */
limit?: number, } | { "type": "ping",
/**
 * Comes back with the answer.
 */
nonce?: string, } | { "type": "list_files",
/**
 * Which session.
 */
sessionId: string,
/**
 * The folder, from the workspace on; empty for the workspace itself.
 */
path: string,
/**
 * How many levels down.
 */
depth?: number, } | { "type": "read_file",
/**
 * Which session.
 */
sessionId: string,
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * From which byte.
 */
offset?: number,
/**
 * How many bytes, at most 512 KiB.
 */
length?: number, } | { "type": "file_history",
/**
 * Which session.
 */
sessionId: string,
/**
 * The file, from the workspace on.
 */
path: string, } | { "type": "file_at_iteration",
/**
 * Which session.
 */
sessionId: string,
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * Which of its iterations.
 */
iteration: number, } | { "type": "manage_members",
/**
 * Which session.
 */
sessionId: string,
/**
 * What to do.
 */
action: MemberAction,
/**
 * With whom.
 */
userId?: string, };

/**
 * The turn that runs, as a snapshot tells it.
 */
export type CurrentTurn = {
/**
 * Its name.
 */
turnId: string,
/**
 * What the agent has said in it so far, all of it.
 */
text: string,
/**
 * The end of `text` that no `text.complete` has told yet.
 */
openText: string,
/**
 * What it thinks right now, not yet told by a `thinking.complete`.
 */
thinking: string,
/**
 * The tools that run.
 */
openTools: Array<OpenTool>, };

/**
 * How a file's bytes stand in JSON.
 */
export type Encoding = "utf8" | "base64";

/**
 * Why something could not be done.
 */
export type ErrorCode = "INVALID_JSON" | "INVALID_MESSAGE" | "MESSAGE_TOO_LARGE" | "RATE_LIMITED" | "AUTH_FAILED" | "AUTH_RATE_LIMITED" | "Unauthenticated" | "SessionNotFound" | "TurnInProgress" | "NoActiveTurn" | "AlreadyResolved" | "ProtocolVersionMismatch" | "AgentUnavailable" | "FileNotFound" | "PathRefused" | "Unsupported" | "Internal" | "Other";

/**
 * What happened.
 */
export type EventBody = { "type": "session_updated",
/**
 * As it is now.
 */
session: SessionMeta, } | { "type": "turn_started",
/**
 * What the person asked.
 */
text: string,
/**
 * The name that the client gave the turn.
 */
clientTurnId?: string, } | { "type": "turn_steered",
/**
 * What.
 */
text: string, } | { "type": "text_delta",
/**
 * What is added.
 */
text: string, } | { "type": "text.complete",
/**
 * The words.
 */
text: string, } | { "type": "thinking.start",
/**
 * The first of it.
 */
text: string, } | { "type": "thinking.progress",
/**
 * What is added.
 */
text: string, } | { "type": "thinking.complete",
/**
 * The words.
 */
text: string, } | { "type": "tool_call_start",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * The tool's.
 */
toolName: string,
/**
 * What it does, for people.
 */
title?: string, } | { "type": "tool_call_delta",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What is added.
 */
delta: string, } | { "type": "tool_call",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * The tool's.
 */
toolName: string,
/**
 * What it is given.
 */
input: unknown,
/**
 * The files that it is about.
 */
locations?: Array<ToolLocation>, } | { "type": "tool_result",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What it gave back.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean,
/**
 * How it changed files.
 */
diff?: Array<FileDiff>, } | { "type": "tool_error",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What it gave back.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean,
/**
 * How it changed files all the same.
 */
diff?: Array<FileDiff>, } | { "type": "question_requested",
/**
 * The name of the question.
 */
questionId: string,
/**
 * What is asked.
 */
prompt: string,
/**
 * What can be answered; without any, words.
 */
options?: Array<AnswerOption>, } | { "type": "permission_requested",
/**
 * The name of the question.
 */
questionId: string,
/**
 * The call that it wants to make.
 */
toolCallId?: string,
/**
 * What it wants to do.
 */
title: string,
/**
 * What can be answered.
 */
options: Array<AnswerOption>, } | { "type": "approval_resolved",
/**
 * The name of the question.
 */
questionId: string,
/**
 * What came of it.
 */
outcome: Outcome, } | { "type": "terminal.stream",
/**
 * Which.
 */
terminalId: string,
/**
 * What is added.
 */
chunk: string, } | { "type": "terminal.complete",
/**
 * Which.
 */
terminalId: string,
/**
 * Its exit code; none when a signal ended it.
 */
exitCode?: number,
/**
 * The end of what it said.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean, } | { "type": "plan.updated",
/**
 * Its steps in order.
 */
entries: Array<PlanEntry>, } | { "type": "file_changed",
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * Which of its iterations it is now.
 */
iteration: number,
/**
 * The BLAKE3 hash of what it holds, in hexadecimal digits; empty for one that is gone.
 */
hash: string,
/**
 * Its length in bytes.
 */
size: number,
/**
 * What happened to it.
 */
kind: FileChange, } | { "type": "turn_usage",
/**
 * The model, as the agent calls it.
 */
model?: string,
/**
 * Tokens read by the model, without those of the cache.
 */
inputTokens: number,
/**
 * Tokens written by the model.
 */
outputTokens: number,
/**
 * Tokens read from the prompt cache.
 */
cacheReadTokens: number,
/**
 * Tokens written to the prompt cache.
 */
cacheWriteTokens: number,
/**
 * What it cost in US dollars, where the agent says so.
 */
costUsd?: number,
/**
 * How many tokens the agent's context holds, where it says so.
 */
contextTokens?: number,
/**
 * How many it can hold, where it says so.
 */
contextLimit?: number, } | { "type": "turn_complete",
/**
 * What the agent said in it, all of it.
 */
finalText: string,
/**
 * Why it ended, in the agent's word, such as `end_turn`.
 */
stopReason: string, } | { "type": "turn_error",
/**
 * Why, for programs.
 */
code: TurnErrorCode,
/**
 * Why, for people.
 */
message: string,
/**
 * What the agent had said until then.
 */
finalText?: string, };

/**
 * What happened to a file.
 */
export type FileChange = "created" | "modified" | "deleted";

/**
 * A part of a file.
 */
export type FileContent = {
/**
 * Which session.
 */
sessionId: string,
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * The length of the whole file in bytes.
 */
size: number,
/**
 * The BLAKE3 hash of the whole file, in hexadecimal digits; none for one that is too long to
 * be hashed for a reader of a part.
 */
hash?: string,
/**
 * How `content` is to be read.
 */
encoding: Encoding,
/**
 * The part.
 */
content: string,
/**
 * Whether it reaches the end.
 */
eof: boolean,
/**
 * Which iteration it is, where one was asked for.
 */
iteration?: number, };

/**
 * How a tool changed a file.
 */
export type FileDiff = {
/**
 * The file, from the workspace on where it lies in it.
 */
path: string,
/**
 * What it held; none for a new one.
 */
old?: string,
/**
 * What it holds.
 */
new: string, };

/**
 * Something in a folder.
 */
export type FileEntry = {
/**
 * Where it lies, from the workspace on.
 */
path: string,
/**
 * What it is.
 */
kind: FileKind,
/**
 * Its length in bytes.
 */
size: number,
/**
 * When it changed last, in Unix milliseconds.
 */
modifiedAt: number, };

/**
 * A state of a file that is kept.
 */
export type FileIteration = {
/**
 * Its number, from 1.
 */
iteration: number,
/**
 * When it was seen, in Unix milliseconds.
 */
ts: number,
/**
 * The file's length in bytes.
 */
size: number,
/**
 * The BLAKE3 hash of what it held; empty where it was gone.
 */
hash: string,
/**
 * Whose work it is.
 */
author: Author,
/**
 * Whether what it held is kept. A file that is too long is only told of.
 */
isKept: boolean, };

/**
 * What something in a folder is.
 */
export type FileKind = "file" | "folder" | "link" | "other";

/**
 * Who a client is.
 */
export type Identity = {
/**
 * The person's name for programs.
 */
userId: string,
/**
 * An address.
 */
email: string,
/**
 * Whose data it is.
 */
tenantId: string, };

/**
 * Somebody who may use a session.
 */
export type Member = {
/**
 * The person's name for programs.
 */
userId: string,
/**
 * `owner`.
 */
role: string, };

/**
 * What to do with members.
 */
export type MemberAction = "list" | "add" | "remove";

/**
 * Something that was said, by a person or by the agent.
 */
export type Message = {
/**
 * The `seq` of the event that told it. `before` of `get_history` means this number.
 */
seq: number,
/**
 * When, in Unix milliseconds.
 */
ts: number,
/**
 * The turn it belongs to.
 */
turnId: string,
/**
 * Who said it.
 */
role: MessageRole,
/**
 * The words.
 */
text: string,
/**
 * Why the turn ended early, on the agent's last message of such a turn.
 */
error?: string, };

/**
 * Who said something.
 */
export type MessageRole = "user" | "agent";

/**
 * A question that waits for a person.
 */
export type OpenQuestion = {
/**
 * Its name.
 */
questionId: string,
/**
 * The turn that waits for it.
 */
turnId: string,
/**
 * When it was asked, in Unix milliseconds.
 */
ts: number,
/**
 * Whether it asks for leave to do something, and not for words.
 */
isPermission: boolean,
/**
 * The tool call that it is about.
 */
toolCallId?: string,
/**
 * What is asked.
 */
prompt: string,
/**
 * What can be answered; without any, words.
 */
options: Array<AnswerOption>, };

/**
 * A tool that runs.
 */
export type OpenTool = {
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * The tool's.
 */
toolName: string,
/**
 * What it does, for people.
 */
title?: string,
/**
 * What it was given, once that is known.
 */
input?: unknown, };

/**
 * What choosing an option means.
 */
export type OptionKind = "allow_once" | "allow_always" | "reject_once" | "reject_always" | "choice";

/**
 * What came of a question.
 */
export type Outcome = { "kind": "selected",
/**
 * Which.
 */
optionId: string,
/**
 * Whether it gave leave; none for a choice that is neither.
 */
allowed?: boolean, } | { "kind": "answered",
/**
 * The words.
 */
text: string, } | { "kind": "cancelled" };

/**
 * A step of a plan.
 */
export type PlanEntry = {
/**
 * What is to be done.
 */
text: string,
/**
 * `pending`, `in_progress` or `completed`.
 */
status: string,
/**
 * `high`, `medium` or `low`.
 */
priority: string, };

/**
 * What a gateway says to one connection: how it stands, and answers to what it was asked.
 */
export type Reply = { "type": "welcome",
/**
 * The version that is spoken.
 */
protocolVersion: number,
/**
 * Whether the client must say who it is.
 */
requiresAuth: boolean,
/**
 * Every version that could be.
 */
versions: Array<number>, } | { "type": "connected",
/**
 * The gateway's name for the connection.
 */
clientId: string,
/**
 * How often to expect a heartbeat.
 */
heartbeatIntervalMs: number,
/**
 * The gateway's clock, in Unix milliseconds.
 */
ts: number, } | { "type": "authenticated",
/**
 * Who.
 */
identity: Identity, } | { "type": "heartbeat",
/**
 * Its clock, in Unix milliseconds.
 */
ts: number, } | { "type": "session_list",
/**
 * The sessions.
 */
sessions: Array<SessionMeta>, } | { "type": "session_created",
/**
 * As it is.
 */
session: SessionMeta, } | { "type": "session_updated",
/**
 * As it is now.
 */
session: SessionMeta, } | { "type": "session_deleted",
/**
 * Which is gone.
 */
sessionId: string, } | { "type": "state_snapshot" } & Snapshot | { "type": "left",
/**
 * Which.
 */
sessionId: string, } | { "type": "accepted",
/**
 * Which session.
 */
sessionId: string,
/**
 * The turn that it is about.
 */
turnId?: string, } | { "type": "history",
/**
 * Which session.
 */
sessionId: string,
/**
 * What was said, the newest last.
 */
messages: Array<Message>,
/**
 * Whether there is more before.
 */
hasMore: boolean, } | { "type": "events",
/**
 * Which session.
 */
sessionId: string,
/**
 * The events in order.
 */
events: Array<SessionEvent>,
/**
 * Whether there is more after.
 */
hasMore: boolean,
/**
 * The `seq` of the session's last durable event.
 */
lastSeq: number, } | { "type": "pong",
/**
 * What the ping said.
 */
nonce?: string,
/**
 * The gateway's clock, in Unix milliseconds.
 */
ts: number, } | { "type": "file_list",
/**
 * Which session.
 */
sessionId: string,
/**
 * What lies there, by path.
 */
entries: Array<FileEntry>,
/**
 * Whether there was more than is listed.
 */
truncated: boolean, } | { "type": "file_content" } & FileContent | { "type": "file_history",
/**
 * Which session.
 */
sessionId: string,
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * Its iterations, the oldest first.
 */
iterations: Array<FileIteration>, } | { "type": "members",
/**
 * Which session.
 */
sessionId: string,
/**
 * Who may use it.
 */
members: Array<Member>, } | { "type": "error",
/**
 * Why, for programs.
 */
code: ErrorCode,
/**
 * Why, and what to do next, for people.
 */
message: string,
/**
 * When to try again.
 */
retryAfterMs?: number, };

/**
 * Something that happened in a session. `seq` is one counter for each session, never given twice;
 * gaps mean nothing.
 */
export type SessionEvent = {
/**
 * The session.
 */
sessionId: string,
/**
 * The turn, for what happens in one.
 */
turnId?: string,
/**
 * Its number.
 */
seq: number,
/**
 * When, in Unix milliseconds of the gateway's clock. Nobody orders by it.
 */
ts: number, } & ({ "type": "session_updated",
/**
 * As it is now.
 */
session: SessionMeta, } | { "type": "turn_started",
/**
 * What the person asked.
 */
text: string,
/**
 * The name that the client gave the turn.
 */
clientTurnId?: string, } | { "type": "turn_steered",
/**
 * What.
 */
text: string, } | { "type": "text_delta",
/**
 * What is added.
 */
text: string, } | { "type": "text.complete",
/**
 * The words.
 */
text: string, } | { "type": "thinking.start",
/**
 * The first of it.
 */
text: string, } | { "type": "thinking.progress",
/**
 * What is added.
 */
text: string, } | { "type": "thinking.complete",
/**
 * The words.
 */
text: string, } | { "type": "tool_call_start",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * The tool's.
 */
toolName: string,
/**
 * What it does, for people.
 */
title?: string, } | { "type": "tool_call_delta",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What is added.
 */
delta: string, } | { "type": "tool_call",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * The tool's.
 */
toolName: string,
/**
 * What it is given.
 */
input: unknown,
/**
 * The files that it is about.
 */
locations?: Array<ToolLocation>, } | { "type": "tool_result",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What it gave back.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean,
/**
 * How it changed files.
 */
diff?: Array<FileDiff>, } | { "type": "tool_error",
/**
 * The name of the call.
 */
toolCallId: string,
/**
 * What it gave back.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean,
/**
 * How it changed files all the same.
 */
diff?: Array<FileDiff>, } | { "type": "question_requested",
/**
 * The name of the question.
 */
questionId: string,
/**
 * What is asked.
 */
prompt: string,
/**
 * What can be answered; without any, words.
 */
options?: Array<AnswerOption>, } | { "type": "permission_requested",
/**
 * The name of the question.
 */
questionId: string,
/**
 * The call that it wants to make.
 */
toolCallId?: string,
/**
 * What it wants to do.
 */
title: string,
/**
 * What can be answered.
 */
options: Array<AnswerOption>, } | { "type": "approval_resolved",
/**
 * The name of the question.
 */
questionId: string,
/**
 * What came of it.
 */
outcome: Outcome, } | { "type": "terminal.stream",
/**
 * Which.
 */
terminalId: string,
/**
 * What is added.
 */
chunk: string, } | { "type": "terminal.complete",
/**
 * Which.
 */
terminalId: string,
/**
 * Its exit code; none when a signal ended it.
 */
exitCode?: number,
/**
 * The end of what it said.
 */
output: string,
/**
 * Whether there was more of it.
 */
truncated: boolean, } | { "type": "plan.updated",
/**
 * Its steps in order.
 */
entries: Array<PlanEntry>, } | { "type": "file_changed",
/**
 * The file, from the workspace on.
 */
path: string,
/**
 * Which of its iterations it is now.
 */
iteration: number,
/**
 * The BLAKE3 hash of what it holds, in hexadecimal digits; empty for one that is gone.
 */
hash: string,
/**
 * Its length in bytes.
 */
size: number,
/**
 * What happened to it.
 */
kind: FileChange, } | { "type": "turn_usage",
/**
 * The model, as the agent calls it.
 */
model?: string,
/**
 * Tokens read by the model, without those of the cache.
 */
inputTokens: number,
/**
 * Tokens written by the model.
 */
outputTokens: number,
/**
 * Tokens read from the prompt cache.
 */
cacheReadTokens: number,
/**
 * Tokens written to the prompt cache.
 */
cacheWriteTokens: number,
/**
 * What it cost in US dollars, where the agent says so.
 */
costUsd?: number,
/**
 * How many tokens the agent's context holds, where it says so.
 */
contextTokens?: number,
/**
 * How many it can hold, where it says so.
 */
contextLimit?: number, } | { "type": "turn_complete",
/**
 * What the agent said in it, all of it.
 */
finalText: string,
/**
 * Why it ended, in the agent's word, such as `end_turn`.
 */
stopReason: string, } | { "type": "turn_error",
/**
 * Why, for programs.
 */
code: TurnErrorCode,
/**
 * Why, for people.
 */
message: string,
/**
 * What the agent had said until then.
 */
finalText?: string, });

/**
 * A session as lists show it.
 */
export type SessionMeta = {
/**
 * Its name for programs.
 */
id: string,
/**
 * Its name for people.
 */
name: string,
/**
 * Which agent works in it.
 */
agentType: string,
/**
 * The folder in which the agent works.
 */
workspace: string,
/**
 * Where it stands.
 */
state: SessionState,
/**
 * Whether it was put away.
 */
archived: boolean,
/**
 * When it was made, in Unix milliseconds.
 */
createdAt: number,
/**
 * When something last happened in it, in Unix milliseconds.
 */
updatedAt: number,
/**
 * The `seq` of its last durable event, or 0.
 */
lastSeq: number,
/**
 * How many turns it has had.
 */
turns: number,
/**
 * How many questions wait for a person.
 */
pending: number,
/**
 * What its turns used so far.
 */
usage: Usage,
/**
 * Why its agent could not be started or went away, while that is its state.
 */
problem?: string,
/**
 * The name under which the monitor knows the session, once the agent has told it.
 */
monitorSession?: string, };

/**
 * Where a session stands.
 */
export type SessionState = "inactive" | "activating" | "ready" | "running" | "waiting" | "deactivating" | "error";

/**
 * A session at one moment: all before it is told by it, all after it follows.
 */
export type Snapshot = {
/**
 * As it is.
 */
session: SessionMeta,
/**
 * The number of the last event before this moment, stored or not.
 */
lastSeq: number,
/**
 * The turn that runs.
 */
currentTurn?: CurrentTurn,
/**
 * The questions that wait, the oldest first.
 */
pending: Array<OpenQuestion>,
/**
 * What was said last, at most 100, the newest last.
 */
messages: Array<Message>, };

/**
 * A file that a tool is about.
 */
export type ToolLocation = {
/**
 * The file, from the workspace on where it lies in it.
 */
path: string,
/**
 * The line.
 */
line?: number, };

/**
 * Why a turn ended early.
 */
export type TurnErrorCode = "TurnStopped" | "AgentExited" | "AgentFailed" | "TurnTimedOut" | "GatewayRestarted";

/**
 * What turns used.
 */
export type Usage = {
/**
 * The model, as the agent calls it.
 */
model?: string,
/**
 * Tokens read by the model, without those of the cache.
 */
inputTokens: number,
/**
 * Tokens written by the model.
 */
outputTokens: number,
/**
 * Tokens read from the prompt cache.
 */
cacheReadTokens: number,
/**
 * Tokens written to the prompt cache.
 */
cacheWriteTokens: number,
/**
 * What it cost in US dollars, where the agent says so.
 */
costUsd?: number,
/**
 * How many tokens the agent's context holds, where it says so.
 */
contextTokens?: number,
/**
 * How many it can hold, where it says so.
 */
contextLimit?: number, };
