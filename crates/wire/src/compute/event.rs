//! What a session tells as it happens.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Limits, Variable};

/// What a session tells as it happens. Events of a run stand between its `run_started` and its
/// `run_ended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Event {
    /// The session can be asked. It is the first event of a process, so it comes again where a session
    /// was started anew.
    Ready {
        /// [`super::PROTOCOL_VERSION`].
        protocol: u32,
        /// What runs the scripts, with its version.
        engine: String,
        /// What it may use.
        limits: Limits,
        /// Whether the system keeps it from files by name, the network and other programs.
        is_confined: bool,
        /// What came back of a session that was ended by force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        restored: Option<Restored>,
    },
    /// A script begins.
    RunStarted {
        /// Its number.
        run: u64,
        /// What it is called.
        name: String,
    },
    /// A script printed something. Values that are shown because a statement has no semicolon are on
    /// `stdout` as well; the engine does not tell them apart.
    Output {
        /// Which run.
        run: u64,
        /// The number of the event within the run, from 1 and without gaps.
        number: u64,
        /// Where to.
        stream: Stream,
        /// What.
        text: String,
    },
    /// A script waits for a person.
    InputAsked {
        /// Which run.
        run: u64,
        /// The number of the question.
        question: u64,
        /// What it says.
        prompt: String,
        /// What is wanted.
        kind: InputKind,
    },
    /// The question needs no answer any more.
    InputOver {
        /// Which.
        question: u64,
    },
    /// A script ended.
    RunEnded {
        /// Which.
        run: u64,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took_ms: u64,
        /// What was wrong; where the script failed, the error is first.
        diagnostics: Vec<Diagnostic>,
    },
    /// The variables are others now. It comes after a run and after a reset.
    Variables {
        /// All of them, in the order of their names.
        variables: Vec<Variable>,
        /// How many there are beyond those listed.
        more: u64,
    },
    /// The figures are others now. It comes after a run that changed one and after a reset.
    Figures {
        /// All of them, in the order of their numbers.
        figures: Vec<FigureBrief>,
        /// The numbers of those that changed.
        changed: Vec<u32>,
    },
    /// The process ended. Whoever started it tells this; if it is started anew, `ready` follows.
    Ended {
        /// Why.
        reason: EndReason,
        /// What it said last, for people.
        message: String,
        /// Whether it is started anew.
        is_restarting: bool,
    },
}

/// What came back of a session that was ended by force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The variables that came back.
    pub variables: Vec<String>,
    /// Those that did not: of a class that cannot be kept, or too large.
    pub lost: Vec<String>,
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// What a script prints and shows.
    Stdout,
    /// Warnings and errors.
    Stderr,
    /// No text: what was printed so far is to be cleared away.
    Clear,
}

/// What a script wants of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A line.
    Line,
    /// A line that is not shown.
    Secret,
    /// Any key.
    Key,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// To its end.
    Completed,
    /// With an error.
    Failed,
    /// Because it was asked to stop.
    Interrupted,
    /// Because it took too long.
    TimeLimit,
    /// Because it printed too much.
    OutputLimit,
}

/// Something is wrong with a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What, for programs, such as `RunMat:UndefinedVariable`.
    pub code: String,
    /// What, for people.
    pub message: String,
    /// The script it is in: its name, or its path in the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub file: Option<String>,
    /// Where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub span: Option<Span>,
    /// The line that the span begins on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub line: Option<String>,
    /// The calls that led there, the innermost first.
    pub stack: Vec<String>,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The script ended.
    Error,
    /// It went on.
    Warning,
    /// It is good to know.
    Note,
}

/// A place in a script. Lines and columns count from 1, columns in UTF-16 units as editors in a page do;
/// the end is the place after the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The line it begins on.
    pub start_line: u32,
    /// The column it begins at.
    pub start_column: u32,
    /// The line it ends on.
    pub end_line: u32,
    /// The column it ends at.
    pub end_column: u32,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FigureBrief {
    /// Its number.
    pub figure: u32,
    /// Its title, or nothing.
    pub title: String,
    /// How many plots are in it.
    pub plots: u32,
}

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It was asked to.
    Stopped,
    /// It was ended by force, because a script did not stop when asked to.
    Killed,
    /// A run took too long and did not stop when asked to.
    TimeLimit,
    /// It used more memory than it may.
    MemoryLimit,
    /// It crashed.
    Crashed,
}
