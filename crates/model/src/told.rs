//! How an event stands to what other sources tell of the same thing.
//!
//! A request to a model, a tool call or a prompt is one event, however many sources tell of it: a
//! hook, an exporter, a history. They know it by the same names, its keys. Who tells first makes the
//! event; what others tell later is learnt by it.

/// A name by which several sources know the same thing, such as `claude_code tool toolu_01`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The name, unique over all agents and kinds of things.
    pub name: String,
    /// Whether several things may have this name. Then each source tells of each of them once, so
    /// what it tells a second time is another one.
    pub repeats: bool,
}

impl Key {
    /// Names the one thing of its kind that an agent calls by this id.
    #[must_use]
    pub fn one(agent_type: &str, kind: &str, id: &str) -> Self {
        Self { name: format!("{agent_type} {kind} {id}"), repeats: false }
    }

    /// Names things that an agent does not tell apart by an id, but by what is known of them.
    #[must_use]
    pub fn alike(agent_type: &str, kind: &str, what: &str) -> Self {
        Self { name: format!("{agent_type} {kind} {what}"), repeats: true }
    }
}

/// What an event says of its session's rest, beyond what its kind does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sign {
    /// Nothing more than its kind.
    #[default]
    Kind,
    /// The turn is over and a person may answer.
    TurnOver,
    /// The session is over.
    SessionOver,
    /// Nothing at all: it is told beside the session's work and wakes nobody.
    Aside,
}

/// What an event's amounts stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Amount {
    /// One request, or nothing at all.
    #[default]
    Request,
    /// A step of a meter that adds up many requests of one session and model. What requests of that
    /// session and model tell is part of it and not counted again.
    Meter,
}

/// Whose words a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// What a person asked.
    Prompt,
    /// What the agent answered.
    Answer,
    /// What a tool was given.
    Input,
    /// What a tool gave back.
    Output,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Prompt, Self::Answer, Self::Input, Self::Output];

    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    /// Returns the role that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Words that can be searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Whose words they are.
    pub role: Role,
    /// The words.
    pub text: String,
}

/// How an event stands to what other sources tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// The names by which other sources know the same thing, the surest first. Without any, nobody
    /// else tells of it.
    pub keys: Vec<Key>,
    /// Whether the cost is the agent's own word, and not worked out from a price list.
    pub cost_is_stated: bool,
    /// What its amounts stand for.
    pub amount: Amount,
    /// What it says of its session's rest.
    pub sign: Sign,
    /// Whether it may be told some time after it happened, as exporters and histories do. What
    /// happened before its session came to rest then says nothing of that rest.
    pub may_be_late: bool,
    /// What can be searched for. It is kept beside the event and not in it.
    pub texts: Vec<Text>,
}
