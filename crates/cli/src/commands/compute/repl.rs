//! Lines that are run one after the other.

use std::io::IsTerminal as _;

use oriel_daemon::Surroundings;
use oriel_wire::compute::{Answer, Request, Source};

use super::follow::{View, follow};
use super::lines::Lines;
use super::signals::{Said, Signals};
use super::{Started, shown, start};
use crate::Exit;
use crate::args::ComputeWhere;
use crate::commands::wait;
use crate::output::Output;

const HELP: &str = "\
:vars          the variables
:show NAME     what is in a variable
:reset         forgets variables, figures and functions
:help          this
:quit          ends, as the end of the input does
Everything else is run. A block such as `for` goes on until its `end`. Ctrl-C stops what runs; twice ends
it by force, and the variables from before it come back.
";

/// Words that begin a block which `end` ends.
const BLOCKS: [&str; 8] = ["for", "parfor", "while", "if", "switch", "try", "function", "classdef"];

/// Runs lines until there are no more.
pub(super) fn run(
    place: &ComputeWhere,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let working = &surroundings.folders.working;
    let workspace = place.workspace.as_ref().map_or(working.clone(), |it| working.join(it));
    let is_terminal = std::io::stdin().is_terminal();
    wait(async {
        let mut signals = Signals::listen()?;
        let mut started = start(workspace, place, surroundings)?;
        let exit = read(&mut started, is_terminal, output, &mut signals).await;
        started.session.stop().await;
        exit
    })
}

async fn read(
    started: &mut Started,
    is_terminal: bool,
    output: &mut Output<'_>,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    let shows = std::io::stdout().is_terminal();
    let mut lines = Lines::new();
    let mut text = String::new();
    let mut last = Exit::Done;
    loop {
        if is_terminal {
            output.print(if text.is_empty() { ">> " } else { ".. " })?;
        }
        let line = tokio::select! {
            line = lines.next() => line,
            said = signals.next() => {
                if said == Said::End || !is_terminal {
                    return Ok(Exit::Interrupted);
                }
                shown::to_person(if text.is_empty() { "\n`:quit` ends it\n" } else { "\n" });
                text.clear();
                continue;
            }
        };
        let is_end = line.is_none();
        let line = line.unwrap_or_default();
        if text.is_empty()
            && let Some(word) = line.trim().strip_prefix(':')
        {
            if word == "quit" {
                break;
            }
            command(word, started, output).await?;
            continue;
        }
        text += &line;
        text.push('\n');
        if !is_end && is_open(&text) {
            continue;
        }
        if !text.trim().is_empty() {
            let text = std::mem::take(&mut text);
            let source = Source::Text { name: Some("<repl>".to_owned()), text };
            let mut view = View { output, is_json: false, is_terminal: shows, goes_on: true };
            last = follow(started, source, &mut view, &mut lines, signals).await?;
            if signals.is_over() {
                return Ok(Exit::Interrupted);
            }
        }
        text.clear();
        if is_end {
            break;
        }
    }
    // A person saw what failed; a pipe is told.
    Ok(if is_terminal { Exit::Done } else { last })
}

async fn command(word: &str, started: &Started, output: &mut Output<'_>) -> anyhow::Result<()> {
    let (word, rest) = word.split_once(' ').unwrap_or((word, ""));
    let request = match word {
        "vars" => Request::Variables,
        "reset" => Request::Reset,
        "show" => Request::Value { name: rest.trim().to_owned(), start: vec![], shape: vec![] },
        "help" => return Ok(output.print(HELP)?),
        _ => {
            shown::to_person(&format!("there is no `:{word}`; `:help` tells what there is\n"));
            return Ok(());
        }
    };
    match started.session.ask(request).await? {
        Answer::Variables { variables, more } => {
            let text = shown::variables(&variables, more);
            output.print(&crate::text::plain(&text))?;
        }
        Answer::Value(value) => output.json_line(&value.cells)?,
        Answer::Failed(failed) => shown::to_person(&format!("{}\n", failed.message)),
        _ => {}
    }
    Ok(())
}

/// Whether a text goes on: a block or a bracket is open, or its last line says so.
fn is_open(text: &str) -> bool {
    let (mut blocks, mut brackets) = (0_i64, 0_i64);
    let mut goes_on = false;
    for line in text.lines() {
        goes_on = false;
        let mut word = String::new();
        let mut before = ' ';
        let mut quote = None;
        let mut chars = line.chars().chain(['\n']).peekable();
        while let Some(one) = chars.next() {
            if let Some(mark) = quote {
                if one == mark && chars.peek() == Some(&mark) {
                    chars.next();
                } else if one == mark {
                    quote = None;
                    before = one;
                }
                continue;
            }
            if one.is_alphanumeric() || one == '_' {
                word.push(one);
                continue;
            }
            if !word.is_empty() {
                // A field of that name is none, nor is an index that means the last one.
                if brackets == 0 && before != '.' {
                    blocks += i64::from(BLOCKS.contains(&word.as_str()));
                    blocks -= i64::from(word == "end");
                }
                before = 'x';
                word.clear();
            }
            match one {
                '%' | '#' => break,
                '.' if line.trim_end().ends_with("...")
                    && chars.clone().all(|it| ". \t\n".contains(it)) =>
                {
                    goes_on = true;
                    break;
                }
                '(' | '[' | '{' => brackets += 1,
                ')' | ']' | '}' => brackets -= 1,
                '"' => quote = Some('"'),
                // After a value it is a transposition.
                '\'' if !"x)]}'.\"".contains(before) => quote = Some('\''),
                _ => {}
            }
            before = one;
        }
    }
    goes_on || blocks > 0 || brackets > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_on_until_what_it_opened_is_closed() {
        let check = |text: &str, open: bool| assert_eq!(is_open(text), open, "{text:?}");
        check("x = 1", false);
        check("for i = 1:3", true);
        check("for i = 1:3\n  x(end) = i;", true);
        check("for i = 1:3\n  x(end) = i;\nend", false);
        check("if a, b, end", false);
        check("x = [1", true);
        check("x = [1\n2]", false);
        check("x = 1 + ...", true);
        check("x = 1 + ...\n2", false);
        check("disp('for (')", false);
        check("x = y'; z = (1)'; % if", false);
        check("s.end = 1; s.if", false);
        check("disp(\"a 'for\")", false);
        check("format long", false);
        check("end end", false);
    }
}
