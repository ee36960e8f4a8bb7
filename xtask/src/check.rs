//! `check`: everything CI runs, and nothing that cannot be run at home.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::command::{run, say};
use crate::workspace::Workspace;
use crate::{apart, clients, defaults, deny, generate, map, packages, test, tree};

struct Step {
    name: &'static str,
    promise: &'static str,
    /// Whether it looks at the whole code as a compiler does, the desktop's too.
    compiles: bool,
    run: fn(&Workspace) -> Result<()>,
}

/// In the order they run: first what takes a second, last what takes minutes.
const STEPS: &[Step] = &[
    Step { name: "fmt", promise: "the code is formatted", compiles: false, run: fmt },
    Step {
        name: "map",
        promise: "every crate stands on its floor",
        compiles: false,
        run: map::check,
    },
    Step {
        name: "defaults",
        promise: "`cargo build` needs no library of the system",
        compiles: false,
        run: defaults::check,
    },
    Step {
        name: "tree",
        promise: "the tree is small and finished",
        compiles: false,
        run: tree::check,
    },
    Step { name: "clippy", promise: "the lints find nothing", compiles: true, run: clippy },
    Step {
        name: "docs",
        promise: "the documentation builds, and its links lead somewhere",
        compiles: true,
        run: docs,
    },
    Step {
        name: "licences",
        promise: "every dependency may be used",
        compiles: false,
        run: deny::licences,
    },
    Step {
        name: "clients",
        promise: "the pages' code is in order, and so is what it needs",
        compiles: false,
        run: clients::check,
    },
    Step {
        name: "generated",
        promise: "generated files are fresh",
        compiles: true,
        run: generated,
    },
    Step { name: "tests", promise: "the tests pass", compiles: true, run: tests },
];

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

/// Runs the steps named in `only`, or all of them if it is empty, up to the first that fails.
pub(crate) fn check(workspace: &Workspace, only: &[String]) -> Result<()> {
    let chosen = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(chosen).collect();
    if steps.iter().any(|step| step.compiles) {
        packages::ensure_for_desktop()?;
        // The desktop carries the pages, so whatever compiles it needs them.
        clients::build(workspace)?;
    } else {
        packages::ensure()?;
    }
    let mut times = Vec::new();
    for step in steps {
        say(&format!("== {}: {}", step.name, step.promise));
        let start = Instant::now();
        let result = (step.run)(workspace);
        times.push((step.name, start.elapsed()));
        if result.is_err() {
            summarize("stopped", &times);
        }
        result.with_context(|| {
            let name = step.name;
            format!("the step {name} failed; `cargo xtask check --only {name}` runs it alone")
        })?;
    }
    summarize("passed", &times);
    Ok(())
}

fn summarize(outcome: &str, times: &[(&str, Duration)]) {
    for (name, time) in times {
        say(&format!("{name:<10} {:>7.1} s", time.as_secs_f64()));
    }
    let whole: Duration = times.iter().map(|(_, time)| time).sum();
    say(&format!("check {outcome} after {:.1} s", whole.as_secs_f64()));
}

fn fmt(workspace: &Workspace) -> Result<()> {
    run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    apart::fmt(workspace)
}

// What is compiled is always the whole workspace. A part of it has other features of its
// dependencies, which would be compiled once more for that.

fn clippy(workspace: &Workspace) -> Result<()> {
    let all = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(&mut workspace.cargo(&all))?;
    apart::clippy(workspace)
}

fn docs(workspace: &Workspace) -> Result<()> {
    run(workspace
        .cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-Dwarnings"))
}

fn generated(workspace: &Workspace) -> Result<()> {
    generate::compare(workspace, &workspace.build_all()?)
}

fn tests(workspace: &Workspace) -> Result<()> {
    test::test(workspace, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributors_read_of_every_step_in_the_order_it_runs() {
        let text = include_str!("../../CONTRIBUTING.md");
        let row = |line: &'static str| line.strip_prefix("| `")?.split_once('`');
        let steps: Vec<_> = text.lines().filter_map(row).map(|(name, _)| name).collect();
        assert_eq!(steps, names().collect::<Vec<_>>());
    }
}
