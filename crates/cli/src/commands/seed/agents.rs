//! Who acts in the demonstration, on what, and with which words.

/// A program that acts.
#[derive(Debug)]
pub(super) struct Agent {
    /// Its type.
    pub(super) name: &'static str,
    /// Who tells of it while it runs.
    pub(super) source: &'static str,
    /// The models it uses.
    pub(super) models: &'static [&'static str],
    /// Its tool that runs commands.
    pub(super) shell: &'static str,
    /// Its tool that reads files.
    pub(super) read: &'static str,
    /// Its tool that changes files.
    pub(super) edit: &'static str,
    /// Its tool that searches.
    pub(super) search: &'static str,
}

pub(super) const AGENTS: [Agent; 3] = [
    Agent {
        name: "claude_code",
        source: "hook",
        models: &[
            "claude-sonnet-4-5-20250929",
            "claude-opus-4-5-20251101",
            "claude-haiku-4-5-20251001",
        ],
        shell: "Bash",
        read: "Read",
        edit: "Edit",
        search: "Grep",
    },
    Agent {
        name: "codex",
        source: "otel",
        models: &["gpt-5.3-codex", "o4-mini"],
        shell: "shell",
        read: "read_file",
        edit: "apply_patch",
        search: "grep_files",
    },
    Agent {
        name: "gemini_cli",
        source: "otel",
        models: &["gemini-2.5-pro", "gemini-2.5-flash"],
        shell: "run_shell_command",
        read: "read_file",
        edit: "replace",
        search: "search_file_content",
    },
];

/// A project that agents work on.
#[derive(Debug)]
pub(super) struct Project {
    /// Its name.
    pub(super) name: &'static str,
    /// Its branches.
    pub(super) branches: &'static [&'static str],
    /// Its files.
    pub(super) files: &'static [&'static str],
    /// What is run in it.
    pub(super) commands: &'static [&'static str],
}

pub(super) const PROJECTS: [Project; 4] = [
    Project {
        name: "tidepool",
        branches: &["main", "feature/offline-queue", "fix/flaky-upload"],
        files: &["src/queue.rs", "src/upload.rs", "src/main.rs", "tests/retry.rs", "Cargo.toml"],
        commands: &["cargo test", "cargo clippy --all-targets", "git diff --stat", "cargo build"],
    },
    Project {
        name: "lantern-web",
        branches: &["main", "redesign/settings"],
        files: &["src/App.tsx", "src/settings/Panel.tsx", "src/api/client.ts", "package.json"],
        commands: &["npm test", "npm run build", "npx tsc --noEmit", "git status --short"],
    },
    Project {
        name: "ledger-import",
        branches: &["main", "feature/csv-dialects"],
        files: &["ledger/reader.py", "ledger/dialects.py", "tests/test_dialects.py", "README.md"],
        commands: &["pytest -q", "ruff check .", "python -m ledger sample.csv", "git log -3"],
    },
    Project {
        name: "infra",
        branches: &["main", "chore/renew-certificates"],
        files: &["terraform/dns.tf", "terraform/vars.tf", "ansible/site.yml", "docs/runbook.md"],
        commands: &["terraform plan", "ansible-lint", "make check", "git diff main"],
    },
];

pub(super) const PROMPTS: [&str; 10] = [
    "Find out why the upload test fails every few runs and fix the cause.",
    "Add a queue that keeps requests while we are offline.",
    "Split this file; it does three things.",
    "Write tests for the error paths first, then make them pass.",
    "Explain how a request gets from the form to the database.",
    "Rename the setting everywhere and keep the old name working.",
    "The build broke after the last merge. What changed?",
    "Make the settings page usable with the keyboard.",
    "Read the dialect from the first lines of the file.",
    "Update the runbook so that a newcomer could follow it.",
];

pub(super) const ANSWERS: [&str; 6] = [
    "The test raced with the timer; it now waits for the condition instead.",
    "I moved parsing into a module of its own; behavior is unchanged.",
    "All tests pass. Two of them are new and failed before the fix.",
    "The merge dropped a default; I restored it and added a test.",
    "Done. The old name still works and logs a hint once.",
    "I need your decision: keep the old format, or migrate on start?",
];

pub(super) const PATTERNS: [&str; 5] =
    ["fn retry", "unwrap()", "useEffect\\(", "timeout", "def parse_"];

pub(super) const ERRORS: [&str; 4] = [
    "rate limit reached, retrying in 20 s",
    "connection reset while streaming the answer",
    "the model is overloaded",
    "context window exceeded; compacting",
];
