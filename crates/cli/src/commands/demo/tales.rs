//! What the made-up agents are asked, do and answer.

use serde_json::{Value, json};

/// The work of one session.
#[derive(Debug)]
pub(super) struct Tale {
    pub(super) project: &'static str,
    pub(super) branch: &'static str,
    pub(super) title: &'static str,
    pub(super) model: &'static str,
    pub(super) turns: &'static [Turn],
}

/// What was asked at once, and what came of it.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) prompt: &'static str,
    pub(super) steps: &'static [Step],
    pub(super) answer: &'static str,
}

/// One call of a tool.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) tool: &'static str,
    /// The file or the command that it is about.
    pub(super) about: &'static str,
    /// The lines that an edit takes away and puts in their place.
    pub(super) lines: Option<(&'static str, &'static str)>,
    pub(super) output: &'static str,
    pub(super) fails: bool,
    pub(super) millis: u32,
}

impl Step {
    /// Returns what the tool is given.
    pub(super) fn input(&self) -> Value {
        match (self.tool, self.lines) {
            (_, Some((old, new))) => {
                json!({ "file_path": self.about, "old_string": old, "new_string": new })
            }
            ("Bash", _) => json!({ "command": self.about }),
            ("Grep", _) => json!({ "pattern": self.about }),
            ("WebFetch", _) => json!({ "url": self.about }),
            _ => json!({ "file_path": self.about }),
        }
    }

    /// Returns what an edit changed, line by line.
    pub(super) fn patch(&self) -> Option<Value> {
        let (old, new) = self.lines?;
        let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
        let lines: Vec<String> = old
            .iter()
            .map(|line| format!("-{line}"))
            .chain(new.iter().map(|line| format!("+{line}")))
            .collect();
        Some(json!([{ "oldStart": 41, "oldLines": old.len(), "newStart": 41,
            "newLines": new.len(), "lines": lines }]))
    }
}

const fn run(command: &'static str, output: &'static str, millis: u32) -> Step {
    Step { tool: "Bash", about: command, lines: None, output, fails: false, millis }
}

const fn fail(command: &'static str, output: &'static str, millis: u32) -> Step {
    Step { tool: "Bash", about: command, lines: None, output, fails: true, millis }
}

const fn look(tool: &'static str, about: &'static str, output: &'static str) -> Step {
    Step { tool, about, lines: None, output, fails: false, millis: 38 }
}

const fn edit(file: &'static str, old: &'static str, new: &'static str) -> Step {
    Step {
        tool: "Edit",
        about: file,
        lines: Some((old, new)),
        output: "",
        fails: false,
        millis: 64,
    }
}

pub(super) const TALES: [Tale; 4] = [
    Tale {
        project: "tidepool",
        branch: "fix/flaky-upload",
        title: "Upload test fails now and then",
        model: "claude-opus-4-5-20251101",
        turns: &[
            Turn {
                prompt: "The upload test fails every few runs on CI. Find out why and fix the cause, \
                    not the symptom.",
                steps: &[
                    look(
                        "Grep",
                        "fn retry",
                        "src/queue.rs:41:    fn retry(&mut self, now: Instant)",
                    ),
                    look(
                        "Read",
                        "src/queue.rs",
                        "    fn retry(&mut self, now: Instant) {\n        if self.timer.elapsed() > self.pause {\n            self.send();\n        }\n    }",
                    ),
                    fail(
                        "cargo test --test retry -- --test-threads=8",
                        "test a_lost_upload_is_sent_again ... FAILED\n\nassertion `left == right` failed\n  left: 1\n right: 2",
                        14_300,
                    ),
                    edit(
                        "src/queue.rs",
                        "        if self.timer.elapsed() > self.pause {\n            self.send();\n        }",
                        "        if self.due.is_some_and(|due| due <= now) {\n            self.due = None;\n            self.send();\n        }",
                    ),
                    run("cargo test --test retry", "test result: ok. 6 passed; 0 failed", 9_800),
                ],
                answer: "The test raced with a timer that started before the upload did. A retry is \
                    now due at a moment that the queue was told, so the clock of the test decides. \
                    Six tests pass, a hundred times in a row.",
            },
            Turn {
                prompt: "Good. Is there another place that reads the clock by itself?",
                steps: &[
                    look("Grep", "Instant::now", "src/upload.rs:88\nsrc/main.rs:12"),
                    run("git diff --stat", " src/queue.rs | 5 +++--\n 1 file changed", 120),
                ],
                answer: "One: `upload.rs`, line 88, for the log only. `main.rs` is where it belongs.",
            },
        ],
    },
    Tale {
        project: "lantern-web",
        branch: "redesign/settings",
        title: "Settings with the keyboard",
        model: "claude-sonnet-4-5-20250929",
        turns: &[Turn {
            prompt: "Make the settings page usable with the keyboard alone. Focus has to be visible.",
            steps: &[
                look(
                    "Read",
                    "src/settings/Panel.tsx",
                    "export function Panel({ rows }: Props) {\n  return rows.map((row) => <div onClick={() => open(row)}>{row.name}</div>);\n}",
                ),
                edit(
                    "src/settings/Panel.tsx",
                    "  return rows.map((row) => <div onClick={() => open(row)}>{row.name}</div>);",
                    "  return rows.map((row) => (\n    <button key={row.id} onClick={() => open(row)}>\n      {row.name}\n    </button>\n  ));",
                ),
                run("npx tsc --noEmit", "", 6_200),
                fail(
                    "npm test -- settings",
                    "1 failed: Panel > opens a row with Enter\n  expected 1 call, got 0",
                    11_900,
                ),
                edit(
                    "src/settings/Panel.css",
                    "button { outline: none; }",
                    "button:focus-visible { outline: 2px solid var(--accent); }",
                ),
                run("npm test -- settings", "Tests: 14 passed, 14 total", 10_400),
            ],
            answer: "Rows are buttons now, reached with Tab and opened with Enter. The ring was \
                switched off in the style sheet; it is back for whoever uses the keyboard.",
        }],
    },
    Tale {
        project: "ledger-import",
        branch: "feature/csv-dialects",
        title: "CSV with semicolons",
        model: "claude-haiku-4-5-20251001",
        turns: &[Turn {
            prompt: "Read the dialect from the first lines of the file instead of asking for it.",
            steps: &[
                look(
                    "Read",
                    "ledger/dialects.py",
                    "def parse_amount(text):\n    return Decimal(text)",
                ),
                edit(
                    "ledger/dialects.py",
                    "    return Decimal(text)",
                    "    return Decimal(text.replace('.', '').replace(',', '.'))",
                ),
                run("pytest -q", "21 passed in 3.11s", 4_050),
                run("ruff check .", "All checks passed!", 310),
            ],
            answer: "The separator and the decimal comma are told from the first twenty lines; a \
                file that is undecided is refused with both readings of its first amount.",
        }],
    },
    Tale {
        project: "infra",
        branch: "chore/renew-certificates",
        title: "Renew the certificates",
        model: "claude-sonnet-4-5-20250929",
        turns: &[Turn {
            prompt: "The certificates end in nine days. Prepare the renewal and show me the plan first.",
            steps: &[
                look(
                    "Read",
                    "terraform/dns.tf",
                    "resource \"tls_cert\" \"edge\" {\n  early_renewal_hours = 72\n}",
                ),
                run("terraform plan", "Plan: 2 to add, 0 to change, 2 to destroy.", 18_700),
                edit(
                    "terraform/dns.tf",
                    "  early_renewal_hours = 72",
                    "  early_renewal_hours = 336",
                ),
                run("terraform plan", "Plan: 2 to add, 0 to change, 0 to destroy.", 17_900),
            ],
            answer: "With two weeks of overlap nothing has to be destroyed first. I wait for your \
                word before I apply it.",
        }],
    },
];
