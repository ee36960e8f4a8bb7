//! What a session can be asked, and what it answers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Cell, FigureBrief, Outcome, Variable};

/// What a session can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Request {
    /// Runs a script. It is answered with `started`, or refused as `busy` while another runs; how it goes
    /// on is told in events.
    Run {
        /// Which script.
        source: Source,
    },
    /// Answers a question of the script that runs. Answered with `done`.
    AnswerInput {
        /// Which question.
        question: u64,
        /// The line; a key needs none.
        #[serde(default)]
        text: String,
    },
    /// Asks the script that runs to stop. Answered with `done` at once; what stopped is told as the end of
    /// the run. A built-in function that takes long looks at this only at its end.
    Interrupt,
    /// Forgets all variables, figures and functions. Answered with `done`.
    Reset,
    /// Which variables there are; while a script runs, those from before it. Answered with `variables`.
    Variables,
    /// A part of a variable. Answered with `value`, or refused as `busy` while a script runs.
    Value {
        /// The variable; a field of a structure is `name.field`.
        name: String,
        /// Where the part begins along each dimension, from 0; without it, at the beginning.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<u64>>", optional)]
        start: Vec<u64>,
        /// How many elements along each dimension; without it, all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<u64>>", optional)]
        shape: Vec<u64>,
    },
    /// Which figures there are. Answered with `figures`.
    Figures,
    /// What is in a figure. Answered with `figure`, or refused as `busy` while a script runs.
    Figure {
        /// Which.
        figure: u32,
    },
    /// How the session stands. Answered with `status`.
    Status,
    /// What was run, the newest last. Answered with `history`.
    History,
    /// Ends the session in good order. Answered with `done`.
    Stop,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Source {
    /// Its text.
    Text {
        /// What it is called where something is wrong in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        name: Option<String>,
        /// The text.
        text: String,
    },
    /// A file of the workspace.
    File {
        /// Its path in the workspace.
        path: String,
    },
}

/// What a session answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Answer {
    /// It was done.
    Done,
    /// A script runs.
    Started {
        /// The number of the run, from 1.
        run: u64,
    },
    /// The variables, in the order of their names.
    Variables {
        /// Them.
        variables: Vec<Variable>,
        /// How many there are beyond those listed.
        more: u64,
    },
    /// A part of a variable.
    Value(Value),
    /// The figures, in the order of their numbers.
    Figures {
        /// Them.
        figures: Vec<FigureBrief>,
    },
    /// What is in a figure.
    Figure {
        /// Which.
        figure: u32,
        /// The figure's scene as RunMat writes it (`schemaVersion` 1): `layout`, `metadata` and `plots`
        /// with their data. It is a description to draw from and not an image.
        #[ts(type = "unknown")]
        scene: serde_json::Value,
    },
    /// How the session stands.
    Status(Status),
    /// What was run.
    History {
        /// The newest last.
        runs: Vec<HistoryEntry>,
    },
    /// It could not be done.
    Failed(Failed),
}

/// A part of a variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Value {
    /// The variable.
    pub variable: Variable,
    /// Where the part begins, from 0, along each dimension.
    pub start: Vec<u64>,
    /// How many elements it has along each dimension.
    pub shape: Vec<u64>,
    /// The elements, column after column.
    pub cells: Vec<Cell>,
    /// The fields of a structure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Variable>>", optional)]
    pub fields: Vec<Variable>,
    /// Whether more was asked for than is here.
    pub is_cut: bool,
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What it does.
    pub state: State,
    /// The run that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub run: Option<u64>,
    /// How long it has gone on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub running_ms: Option<u64>,
    /// The question that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub question: Option<u64>,
    /// How much memory the process has, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory_bytes: Option<u64>,
    /// What it may use.
    pub limits: Limits,
    /// Whether the system keeps it from files by name, the network and other programs.
    pub is_confined: bool,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing.
    Idle,
    /// It runs a script.
    Running,
    /// A script waits for a person.
    WaitingForInput,
}

/// What a session may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How much memory; beyond it the session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory_bytes: Option<u64>,
    /// How long one run may take; then it is interrupted, and if that does not help the session ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub run_ms: Option<u64>,
    /// How much one run may print; then it is interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub output_bytes: Option<u64>,
}

/// One run of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its number.
    pub run: u64,
    /// What it was called.
    pub name: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// How long it took.
    pub took_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The beginning of its text.
    pub text: String,
}

/// A request failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// Why, for programs.
    pub code: Code,
    /// What happened and to what, for people.
    pub message: String,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The frame is none, or what it asks for is unknown.
    BadMessage,
    /// A script runs.
    Busy,
    /// No script runs, or it asks for nothing.
    NotRunning,
    /// There is no such variable, figure or file.
    NotFound,
    /// It is larger than a limit.
    TooLarge,
    /// It cannot be done with this.
    Unsupported,
    /// The session has ended.
    Ended,
    /// The engine failed.
    Engine,
}
