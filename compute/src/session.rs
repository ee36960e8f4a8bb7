//! The thread that runs scripts. The engine lives on it and never leaves it.

mod beside;
mod figures;
mod values;
mod wrong;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, UNIX_EPOCH};

use oriel_wire::compute::{
    Answer, Code, Diagnostic, Event, HistoryEntry, InputKind, Outcome, PROTOCOL_VERSION, Restored,
    Severity, Source, Stream,
};
use runmat_core::abi::{ExecutionRequest, HostExecutionPolicy, SourceInput};
use runmat_core::{CompatMode, InputRequest, InputRequestKind, InputResponse, RunMatSession};
use runmat_runtime::console::{self, ConsoleStream};

use crate::known::Known;
use crate::outbox::Output;
use crate::provider::Provider;
use crate::reader::failed;
use crate::replay::Replay;
use beside::{LEFT_OUT_MAX, LeftOut, at_fault};
use wrong::Text;

/// What runs the scripts.
const ENGINE: &str = "RunMat 0.5.6";

/// How much of a script's text is remembered.
const REMEMBERED_BYTES_MAX: usize = 4 * 1024;

/// The process ends with this where the engine failed within itself.
const CRASHED_CODE: i32 = 4;

/// What the engine finds wrong with a script that was stopped.
const OF_THE_STOP: [&str; 2] = ["RunMat:ExecutionCancelled", "RunMat:input:InteractionFailed"];

/// What the thread is asked.
#[derive(Debug)]
pub(crate) enum Order {
    /// Runs a script.
    Run {
        /// Its number.
        run: u64,
        /// What.
        source: Source,
    },
    /// Forgets everything.
    Reset {
        /// The request.
        id: u64,
    },
    /// Shows a part of a variable.
    Value {
        /// The request.
        id: u64,
        /// Which.
        name: String,
        /// Where it begins.
        start: Vec<u64>,
        /// How much.
        shape: Vec<u64>,
    },
    /// Shows a figure.
    Figure {
        /// The request.
        id: u64,
        /// Which.
        figure: u32,
    },
}

/// What the thread begins with.
#[derive(Debug)]
pub(crate) struct Begin {
    /// What others know of it.
    pub(crate) known: Arc<Known>,
    /// Its files.
    pub(crate) provider: Provider,
    /// Where variables are kept.
    pub(crate) replay: Option<Replay>,
    /// Whether to begin with them.
    pub(crate) restore: bool,
    /// Whether files are the engine's own.
    pub(crate) has_native_files: bool,
}

/// One session of the engine.
pub(crate) struct Session {
    known: Arc<Known>,
    provider: Provider,
    replay: Option<Replay>,
    kept: Vec<String>,
    engine: RunMatSession,
}

impl Session {
    /// Does what is asked until nobody can ask any more. It is a thread's whole work.
    pub(crate) fn run(begin: Begin, todo: &Receiver<Order>) {
        let Begin { known, provider, replay, restore, has_native_files } = begin;
        if !has_native_files {
            runmat_filesystem::set_provider(Arc::new(provider.clone()));
        }
        let engine = match new_engine(&known) {
            Ok(engine) => engine,
            Err(why) => crash(&known, &why),
        };
        listen(&known);
        let mut session = Self { known, provider, replay, kept: Vec::new(), engine };
        let restored = if restore { session.restore() } else { None };
        session.known.outbox.tell(Event::Ready {
            protocol: PROTOCOL_VERSION,
            engine: ENGINE.to_owned(),
            limits: session.known.limits,
            is_confined: session.known.is_confined,
            restored,
        });
        session.show_variables();
        while let Ok(order) = todo.recv() {
            let done = catch_unwind(AssertUnwindSafe(|| session.follow(order)));
            if done.is_err() {
                // What the engine holds is in an unknown state; the next process begins with what was kept.
                crash(&session.known, "the engine failed within itself");
            }
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Run { run, source } => self.script(run, source),
            Order::Reset { id } => {
                let answer = match self.reset() {
                    Ok(()) => Answer::Done,
                    Err(why) => failed(Code::Engine, why),
                };
                self.known.outbox.answer(id, answer);
            }
            Order::Value { id, name, start, shape } => {
                let kept = |name: &str| self.kept.iter().any(|kept| kept == name);
                let answer = values::part(self.engine.get_variables(), &name, &start, &shape, kept);
                self.known.outbox.answer(id, answer);
            }
            Order::Figure { id, figure } => self.known.outbox.answer(id, figures::scene(figure)),
        }
    }

    fn script(&mut self, run: u64, source: Source) {
        let (name, text, input) = match source {
            Source::Text { name, text } => {
                let name = name.filter(|name| !name.is_empty()).unwrap_or("<text>".to_owned());
                let input = SourceInput::Text { name: name.clone(), text: text.clone() };
                (name, Some(text), input)
            }
            Source::File { path } => {
                let text = self.provider.text(path.as_ref());
                (path.clone(), text, SourceInput::Path(path))
            }
        };
        let began = Instant::now();
        let started = (self.known.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.known.outbox.tell(Event::RunStarted { run, name: name.clone() });
        let (mut diagnostics, changed) = self.execute(&input, &name, text.as_deref());
        for late in self.provider.settle() {
            diagnostics.push(note(Severity::Error, "Oriel:LateWrite", &late));
        }
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let has_failed = diagnostics.iter().any(|it| it.severity == Severity::Error);
        let stopped = self.known.stopped();
        let outcome = match stopped {
            // It came to its end before it could stop.
            Some(Outcome::Interrupted) if !has_failed => Outcome::Completed,
            Some(stopped) => stopped,
            None if has_failed => Outcome::Failed,
            None => Outcome::Completed,
        };
        if stopped.is_some() && outcome != Outcome::Completed {
            // That it was stopped is the outcome, and nothing that is wrong with it.
            diagnostics.retain(|it| !OF_THE_STOP.contains(&it.code.as_str()));
        }
        if let Some(why) = why(outcome) {
            diagnostics.insert(0, note(Severity::Error, why.0, why.1));
        }
        let text: String = text.unwrap_or_default();
        self.known.remember(HistoryEntry {
            run,
            name,
            started_ms: u64::try_from(started.as_millis()).unwrap_or(u64::MAX),
            took_ms: took,
            outcome,
            text: values::cut(&text, REMEMBERED_BYTES_MAX).to_owned(),
        });
        // What is kept is there when the end of the run is told, so that nothing told is lost.
        self.keep();
        let variables = self.list_variables();
        self.known.end();
        self.known.outbox.tell(Event::RunEnded { run, outcome, took_ms: took, diagnostics });
        self.known.outbox.tell(variables);
        if !changed.is_empty() {
            self.show_figures(changed);
        }
    }

    fn execute(
        &mut self,
        input: &SourceInput,
        name: &str,
        text: Option<&str>,
    ) -> (Vec<Diagnostic>, Vec<u32>) {
        let shown = Text { name, text, provider: &self.provider };
        let mut left_out: Vec<LeftOut> = Vec::new();
        loop {
            let files: Vec<String> = left_out.iter().map(|out| out.file.clone()).collect();
            self.provider.begin_sources(&files);
            let request = ExecutionRequest::for_source(
                input.clone(),
                CompatMode::Matlab,
                HostExecutionPolicy::default(),
                self.engine.workspace_handle(),
            );
            let response = pollster::block_on(self.engine.execute_request(request));
            let (mut all, figures) = match response.result {
                Ok(outcome) => {
                    let mut figures = outcome.figures_touched;
                    figures.sort_unstable();
                    let said = outcome.diagnostics.into_iter();
                    (said.map(|it| shown.diagnostic(it)).collect(), figures)
                }
                Err(error) => {
                    // Nothing has run yet where a script cannot be compiled.
                    let read = self.provider.sources_read();
                    let at_fault = at_fault(&error, &self.provider, name, &read);
                    if let Some(out) = at_fault.filter(|out| !files.contains(&out.file))
                        && left_out.len() < LEFT_OUT_MAX
                    {
                        left_out.push(out);
                        continue;
                    }
                    (vec![shown.error(&error)], Vec::new())
                }
            };
            // Whoever does without them need not hear of them.
            if all.iter().any(|it| it.severity == Severity::Error) {
                all.extend(left_out.into_iter().map(|out| out.said));
            }
            all.sort_by_key(|it| it.severity != Severity::Error);
            return (all, figures);
        }
    }

    fn reset(&mut self) -> Result<(), String> {
        // The engine keeps open files and figures for the whole process.
        self.quietly("fclose('all');");
        runmat_runtime::builtins::plotting::reset_plot_state();
        self.provider.settle();
        // A new engine forgets functions as well.
        self.engine = new_engine(&self.known)?;
        self.keep();
        self.show_variables();
        self.show_figures(Vec::new());
        Ok(())
    }

    /// Runs something of our own. What comes of it is nobody's business.
    fn quietly(&mut self, text: &str) {
        let input = SourceInput::Text { name: "<own>".to_owned(), text: text.to_owned() };
        drop(self.execute(&input, "<own>", None));
    }

    fn keep(&mut self) {
        let Some(replay) = &mut self.replay else { return };
        match replay.keep(&mut self.engine) {
            Ok(kept) => self.kept = kept,
            Err(why) => {
                self.kept.clear();
                let text = format!("the variables could not be kept: {why}\n");
                self.known.outbox.print(
                    Output { run: 0, number: &mut 0, stream: Stream::Stderr, text: &text },
                    || true,
                );
            }
        }
    }

    fn restore(&mut self) -> Option<Restored> {
        let restored = self.replay.as_mut()?.restore(&mut self.engine)?;
        self.kept.clone_from(&restored.variables);
        Some(restored)
    }

    fn show_variables(&self) {
        self.known.outbox.tell(self.list_variables());
    }

    fn list_variables(&self) -> Event {
        let kept = |name: &str| self.kept.iter().any(|kept| kept == name);
        let (variables, more) = values::list(self.engine.get_variables(), kept);
        self.known.set_variables(variables.clone(), more);
        Event::Variables { variables, more }
    }

    fn show_figures(&self, changed: Vec<u32>) {
        let figures = figures::list();
        self.known.set_figures(figures.clone());
        self.known.outbox.tell(Event::Figures { figures, changed });
    }
}

/// Makes an engine that asks the driver and stops when it is told to.
fn new_engine(known: &Arc<Known>) -> Result<RunMatSession, String> {
    let mut engine =
        RunMatSession::with_options(false, false).map_err(|error| error.to_string())?;
    engine.set_telemetry_consent(false);
    known.interrupted_by(engine.interrupt_handle());
    let asked = Arc::clone(known);
    engine.install_async_input_handler(move |request: InputRequest| {
        let kind = match request.kind {
            InputRequestKind::Line { echo: true } => InputKind::Line,
            InputRequestKind::Line { echo: false } => InputKind::Secret,
            InputRequestKind::KeyPress => InputKind::Key,
        };
        // The thread has nothing else to do, so it waits here.
        let answer = asked.ask(&request.prompt, kind);
        std::future::ready(match (answer, kind) {
            (None, _) => Err("interrupted while waiting for an answer".to_owned()),
            (Some(_), InputKind::Key) => Ok(InputResponse::KeyPress),
            (Some(line), _) => Ok(InputResponse::Line(line)),
        })
    });
    Ok(engine)
}

/// Hears what scripts print, as they print it.
fn listen(known: &Arc<Known>) {
    let known = Arc::clone(known);
    let last = Mutex::new((0, 0));
    console::install_forwarder(Some(Arc::new(move |entry| {
        // The engine gathers it all as well, which a flood must not make it do.
        drop(console::take_thread_buffer());
        let Some(standing) = known.standing() else { return };
        let stream = match entry.stream {
            ConsoleStream::Stdout => Stream::Stdout,
            ConsoleStream::Stderr => Stream::Stderr,
            ConsoleStream::ClearScreen => Stream::Clear,
        };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != standing.run {
            *last = (standing.run, 0);
        }
        for text in values::pieces(&entry.text) {
            if !known.may_print(text.len()) {
                return;
            }
            let output = Output { run: standing.run, number: &mut last.1, stream, text };
            known.outbox.print(output, || known.is_stopping());
        }
    })));
}

fn why(outcome: Outcome) -> Option<(&'static str, &'static str)> {
    match outcome {
        Outcome::TimeLimit => Some(("Oriel:TimeLimit", "the script took longer than it may")),
        Outcome::OutputLimit => Some(("Oriel:OutputLimit", "the script printed more than it may")),
        Outcome::Completed | Outcome::Failed | Outcome::Interrupted => None,
    }
}

fn note(severity: Severity, code: &str, message: &str) -> Diagnostic {
    Diagnostic {
        severity,
        code: code.to_owned(),
        message: message.to_owned(),
        file: None,
        span: None,
        line: None,
        stack: Vec::new(),
    }
}

#[expect(clippy::print_stderr, reason = "its last words, which whoever started it passes on")]
fn crash(known: &Known, why: &str) -> ! {
    eprintln!("oriel-compute: {why}");
    known.outbox.drain(std::time::Duration::from_secs(1));
    exit(CRASHED_CODE)
}
