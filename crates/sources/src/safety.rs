//! What a shell command would destroy, told before it runs.
//!
//! The command is read as a shell reads it, so that quotes, variables, `sudo`, chains and
//! substitutions hide nothing, and words that are only printed or searched for harm nobody. Nothing
//! is run and no file is looked at. It guards against accidents: somebody who sets out to hide a
//! command from it can.

mod commands;
mod expand;
mod parse;
mod place;
mod run;
mod script;
mod sensitive;

pub use sensitive::sensitive;

/// What is known of a command before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would destroy nothing that is watched over here.
    Harmless,
    /// It would destroy what cannot be made again.
    Dangerous(Danger),
}

/// What a command would destroy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    reason: String,
}

impl Danger {
    /// Returns what would happen, in words.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Judges a command that would run somewhere, for a user with this home folder.
#[must_use]
pub fn judge(command: &str, home: &str) -> Verdict {
    judge_in(command, home, None)
}

/// Judges a command that would run in this folder.
#[must_use]
pub fn judge_in(command: &str, home: &str, folder: Option<&str>) -> Verdict {
    let mut shell = run::Shell::new(home, folder, command.len());
    shell.run(command);
    shell.danger.map_or(Verdict::Harmless, Verdict::Dangerous)
}

#[cfg(test)]
mod tests;
