//! Whose history a file is, by its path.

use std::path::Path;

/// What the path of a history says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The session that it is named for, or its own name where it is named for none.
    pub(super) session: String,
    /// Whether the session is one; the oldest files of sub-agents lie beside those of sessions.
    pub(super) is_named_for_session: bool,
    /// The sub-agent whose work it tells of.
    pub(super) agent: Option<String>,
}

impl Origin {
    pub(super) fn of(file: &Path) -> Self {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let parent = below_subagents(file);
        let agent = match stem.strip_prefix("agent-") {
            Some(agent) if !agent.is_empty() => Some(agent.to_owned()),
            _ => parent.as_ref().map(|_| stem.clone()),
        };
        let is_named_for_session = parent.is_some() || agent.is_none();
        Self { session: parent.unwrap_or(stem), is_named_for_session, agent }
    }
}

/// Returns the session in whose folder of sub-agents a file lies.
fn below_subagents(file: &Path) -> Option<String> {
    let mut folders = file.ancestors().skip(1);
    folders.find(|folder| folder.file_name().is_some_and(|name| name == "subagents"))?;
    Some(folders.next()?.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_whose_history_it_is() {
        check("p/-home-dev/0a.jsonl", "0a", true, None);
        check("p/-home-dev/agent-7f.jsonl", "agent-7f", false, Some("7f"));
        check("p/-home-dev/0a/subagents/agent-7f.jsonl", "0a", true, Some("7f"));
        check("p/-home-dev/0a/subagents/workflows/w1/agent-7f.jsonl", "0a", true, Some("7f"));
        check("p/-home-dev/0a/subagents/journal.jsonl", "0a", true, Some("journal"));
    }

    fn check(path: &str, session: &str, is_named_for_session: bool, agent: Option<&str>) {
        let expected = Origin {
            session: session.to_owned(),
            is_named_for_session,
            agent: agent.map(str::to_owned),
        };
        assert_eq!(Origin::of(Path::new(path)), expected, "{path}");
    }
}
