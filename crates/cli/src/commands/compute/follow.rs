//! One run, from its beginning to its end, as whoever started it sees it.

use std::time::Duration;

use anyhow::bail;
use oriel_wire::compute::{Answer, Event, InputKind, Outcome, Request, Source, Stream};
use tokio::time::Instant;

use super::lines::Lines;
use super::signals::{Said, Signals};
use super::{Started, shown};
use crate::Exit;
use crate::output::Output;

/// How long a script that was asked to stop may go on before a person is told how to end it.
const HINT_AFTER: Duration = Duration::from_millis(500);

/// How a run is shown.
pub(super) struct View<'a, 'b> {
    pub(super) output: &'a mut Output<'b>,
    pub(super) is_json: bool,
    /// Whether a terminal shows the output, which a script must not steer.
    pub(super) is_terminal: bool,
    /// Whether there is a next run, for which the session is started anew after it was ended.
    pub(super) goes_on: bool,
}

/// Runs something and shows what comes of it, until it ended.
pub(super) async fn follow(
    started: &mut Started,
    source: Source,
    view: &mut View<'_, '_>,
    lines: &mut Lines,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    match started.session.ask(Request::Run { source }).await {
        Ok(Answer::Started { .. }) => {}
        Ok(Answer::Failed(failed)) => bail!("{}", failed.message),
        Ok(_) => bail!("the session answered something else than was asked"),
        // The event of its end says why.
        Err(_) => {}
    }
    let mut run = Run { started, view, asked: None, presses: 0, is_out_of_input: false };
    let mut hint: Option<Instant> = None;
    loop {
        tokio::select! {
            event = run.started.events.recv() => {
                let Some(event) = event else { bail!("the session of scripts has ended") };
                if let Some(exit) = run.take(event, signals).await? {
                    return Ok(exit);
                }
            }
            line = lines.next(), if run.asked.is_some() => run.answer(line).await?,
            said = signals.next() => {
                if said == Said::End {
                    return Ok(Exit::Interrupted);
                }
                run.presses += 1;
                run.started.session.interrupt(run.presses > 1).await?;
                hint = (run.presses == 1).then(|| Instant::now() + HINT_AFTER);
            }
            () = until(hint), if hint.is_some() => {
                hint = None;
                shown::to_person("the script was asked to stop; Ctrl-C once more ends it by force\n");
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

/// A run and how it stands.
struct Run<'r, 'a, 'b> {
    started: &'r mut Started,
    view: &'r mut View<'a, 'b>,
    /// The question that waits for a line.
    asked: Option<u64>,
    /// How often a person wanted it to stop.
    presses: u32,
    /// Whether it asked for more lines than there are.
    is_out_of_input: bool,
}

impl Run<'_, '_, '_> {
    /// Shows an event. Returns how to end where the run has.
    async fn take(&mut self, event: Event, signals: &mut Signals) -> anyhow::Result<Option<Exit>> {
        if self.view.is_json {
            self.view.output.json_line(&event)?;
        }
        match event {
            Event::Output { stream, text, .. } => self.print(stream, &text)?,
            Event::InputAsked { question, prompt, kind, .. } => {
                self.asked = Some(question);
                self.prompt(&prompt, kind)?;
            }
            Event::InputOver { .. } => self.asked = None,
            Event::RunEnded { outcome, diagnostics, .. } => {
                if !self.view.is_json {
                    for diagnostic in &diagnostics {
                        shown::to_person(&shown::diagnostic(diagnostic));
                    }
                }
                if outcome == Outcome::Interrupted && !self.is_out_of_input {
                    shown::to_person("interrupted\n");
                }
                self.rest().await?;
                return Ok(Some(self.exit(outcome)));
            }
            Event::Ended { message, is_restarting, .. } => {
                shown::to_person(&format!("{message}\n"));
                if self.view.goes_on && is_restarting {
                    self.restarted(signals).await?;
                }
                let is_wanted = self.presses > 0;
                return Ok(Some(if is_wanted { Exit::Interrupted } else { Exit::Failed }));
            }
            _ => {}
        }
        Ok(None)
    }

    fn print(&mut self, stream: Stream, text: &str) -> anyhow::Result<()> {
        if self.view.is_json {
            return Ok(());
        }
        match stream {
            Stream::Stdout if self.view.is_terminal => {
                self.view.output.print(&crate::text::plain(text))?;
            }
            // A file or a program gets what was printed.
            Stream::Stdout => self.view.output.print(text)?,
            Stream::Stderr => shown::to_person(text),
            // A file or a pipe has nothing to clear.
            Stream::Clear => {}
        }
        Ok(())
    }

    fn prompt(&mut self, prompt: &str, kind: InputKind) -> anyhow::Result<()> {
        if self.view.is_json {
            return Ok(());
        }
        self.view.output.print(&crate::text::plain(prompt))?;
        if kind == InputKind::Key {
            shown::to_person("the script waits; press Enter to go on\n");
        }
        Ok(())
    }

    async fn answer(&mut self, line: Option<String>) -> anyhow::Result<()> {
        let Some(question) = self.asked.take() else { return Ok(()) };
        let Some(text) = line else {
            self.is_out_of_input = true;
            shown::to_person("the script asks for input, and there is no more\n");
            return Ok(self.started.session.interrupt(false).await?);
        };
        // The process may have ended meanwhile, which its own event tells.
        _ = self.started.session.ask(Request::AnswerInput { question, text }).await;
        Ok(())
    }

    /// Shows what is told after the end of a run: variables and figures.
    async fn rest(&mut self) -> anyhow::Result<()> {
        let Started { session, events, .. } = &mut *self.started;
        // The thread that runs scripts answers this, so after all that it tells of a run. There is no
        // figure of that number, and the answer says so.
        let mut asked = std::pin::pin!(session.ask(Request::Figure { figure: 0 }));
        let mut told = Vec::new();
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => told.push(event),
                    None => break,
                },
                _ = &mut asked => break,
            }
        }
        while let Ok(event) = events.try_recv() {
            told.push(event);
        }
        for event in told {
            if self.view.is_json {
                self.view.output.json_line(&event)?;
            } else if let Event::Figures { figures, changed } = event {
                shown::to_person(&shown::figures(&figures, &changed));
            }
        }
        Ok(())
    }

    /// Waits until the session has begun anew, and says what came back.
    async fn restarted(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        loop {
            let event = tokio::select! {
                event = self.started.events.recv() => event,
                said = signals.next() => match said {
                    Said::Stop => continue,
                    Said::End => return Ok(()),
                },
            };
            match event {
                Some(Event::Ready { restored, .. }) => {
                    shown::to_person(&shown::restored(restored.as_ref()));
                    return Ok(());
                }
                Some(_) => {}
                None => bail!("the session of scripts has ended"),
            }
        }
    }

    fn exit(&self, outcome: Outcome) -> Exit {
        match outcome {
            Outcome::Completed => Exit::Done,
            Outcome::Interrupted if !self.is_out_of_input => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}
