//! One script, from its beginning to its end.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use oriel_daemon::Surroundings;
use oriel_wire::compute::{Answer, Event, InputKind, Outcome, Request, Source, Stream};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::lines::Lines;
use super::{Started, shown, start};
use crate::Exit;
use crate::args::ComputeRun;
use crate::commands::wait;
use crate::output::Output;

/// How a run is shown.
pub(super) struct View<'a, 'b> {
    pub(super) output: &'a mut Output<'b>,
    pub(super) is_json: bool,
}

/// Runs a script.
pub(super) fn run(
    form: &ComputeRun,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let (workspace, source) = choose(form, &surroundings.folders.working)?;
    wait(async {
        let mut started = start(workspace, &form.place, surroundings)?;
        let mut view = View { output, is_json: form.json };
        let exit = follow(&mut started, source, &mut view, &mut Lines::new()).await;
        started.session.stop().await;
        exit
    })
}

/// Runs something and shows what comes of it, until it ended.
pub(super) async fn follow(
    started: &mut Started,
    source: Source,
    view: &mut View<'_, '_>,
    lines: &mut Lines,
) -> anyhow::Result<Exit> {
    let mut interrupts = signal(SignalKind::interrupt()).context("cannot listen for signals")?;
    match started.session.ask(Request::Run { source }).await {
        Ok(Answer::Started { .. }) => {}
        Ok(Answer::Failed(failed)) => bail!("{}", failed.message),
        Ok(_) => bail!("the session answered something else than was asked"),
        // The event of its end says why.
        Err(_) => {}
    }
    let mut asked: Option<u64> = None;
    let mut presses = 0;
    loop {
        tokio::select! {
            event = started.events.recv() => {
                let Some(event) = event else { bail!("the session of scripts has ended") };
                if view.is_json {
                    view.output.json_line(&event)?;
                }
                match event {
                    Event::Output { stream, text, .. } if !view.is_json => {
                        print(view.output, stream, &text)?;
                    }
                    Event::InputAsked { question, prompt, kind, .. } => {
                        if !view.is_json {
                            view.output.print(&crate::text::plain(&prompt))?;
                        }
                        if kind == InputKind::Key {
                            view.output.print("")?;
                        }
                        asked = Some(question);
                    }
                    Event::InputOver { .. } => asked = None,
                    Event::RunEnded { outcome, diagnostics, .. } => {
                        if !view.is_json {
                            for diagnostic in &diagnostics {
                                shown::to_person(&shown::diagnostic(diagnostic));
                            }
                        }
                        return Ok(exit(outcome));
                    }
                    Event::Ended { message, .. } => {
                        if presses < 2 {
                            shown::to_person(&format!("{message}\n"));
                        }
                        return Ok(if presses > 0 { Exit::Interrupted } else { Exit::Failed });
                    }
                    _ => {}
                }
            }
            line = lines.next(), if asked.is_some() => {
                let Some(question) = asked.take() else { continue };
                match line {
                    Some(text) => {
                        let answer = Request::AnswerInput { question, text };
                        started.session.ask(answer).await?;
                    }
                    None => {
                        shown::to_person("the script asks for input, and there is no more\n");
                        started.session.interrupt(false).await?;
                    }
                }
            }
            _ = pressed(&mut interrupts) => {
                presses += 1;
                started.session.interrupt(presses > 1).await?;
            }
        }
    }
}

async fn pressed(interrupts: &mut Signal) {
    if interrupts.recv().await.is_none() {
        // There is no more to come, and what else happens is waited for.
        std::future::pending::<()>().await;
    }
}

fn print(output: &mut Output<'_>, stream: Stream, text: &str) -> anyhow::Result<()> {
    match stream {
        Stream::Stdout => output.print(&crate::text::plain(text))?,
        Stream::Stderr => shown::to_person(text),
        // A file or a pipe has nothing to clear.
        Stream::Clear => {}
    }
    Ok(())
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Completed => Exit::Done,
        Outcome::Interrupted => Exit::Interrupted,
        Outcome::Failed | Outcome::TimeLimit | Outcome::OutputLimit => Exit::Failed,
    }
}

/// Which folder a script may use, and which script it is.
fn choose(form: &ComputeRun, working: &Path) -> anyhow::Result<(PathBuf, Source)> {
    let named = form.place.workspace.as_ref().map(|folder| working.join(folder));
    if form.script == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the script")?;
        let name = Some("<stdin>".to_owned());
        return Ok((named.unwrap_or(working.to_owned()), Source::Text { name, text }));
    }
    let real = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
    };
    let script = real(&working.join(&form.script))?;
    let workspace = real(&named.unwrap_or(working.to_owned()))?;
    let workspace = match script.strip_prefix(&workspace) {
        Err(_) if form.place.workspace.is_some() => {
            bail!("{} does not lie in {}", script.display(), workspace.display())
        }
        Err(_) => script.parent().unwrap_or(&workspace).to_owned(),
        Ok(_) => workspace,
    };
    let path = script.strip_prefix(&workspace).context("the script lies in its workspace")?;
    let path = path.to_str().context("the script's path is no text; give it another name")?;
    Ok((workspace.clone(), Source::File { path: path.to_owned() }))
}
