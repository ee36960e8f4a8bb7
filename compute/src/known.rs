//! What is known of the session without asking it: it may be deep in a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use oriel_wire::compute::{
    Event, FigureBrief, HISTORY_MAX, HistoryEntry, InputKind, Limits, Outcome, Variable,
};

use crate::outbox::Outbox;

/// How often a script that waits for a person looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(20);

/// What is known of the session, shared by the thread that runs scripts and those that do not.
#[derive(Debug)]
pub(crate) struct Known {
    /// What waits to be written to the driver.
    pub(crate) outbox: Outbox,
    /// What a script may use.
    pub(crate) limits: Limits,
    /// Whether the system holds the process.
    pub(crate) is_confined: bool,
    /// The clock.
    pub(crate) clock: fn() -> SystemTime,
    /// The engine's flag: set, a script stops at the next place where it can.
    interrupt: Mutex<Arc<AtomicBool>>,
    facts: Mutex<Facts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Facts {
    run: Option<Running>,
    runs: u64,
    questions: u64,
    history: VecDeque<HistoryEntry>,
    variables: (Vec<Variable>, u64),
    figures: Vec<FigureBrief>,
}

/// The run that goes on.
#[derive(Debug)]
struct Running {
    run: u64,
    began: Instant,
    stop: Option<Outcome>,
    question: Option<u64>,
    answer: Option<String>,
    printed: u64,
}

/// The run that goes on, for those who ask how the session stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Its number.
    pub(crate) run: u64,
    /// How long it has gone on.
    pub(crate) ran: Duration,
    /// What it asks.
    pub(crate) question: Option<u64>,
}

impl Known {
    /// Nothing is known yet.
    pub(crate) fn new(limits: Limits, is_confined: bool, clock: fn() -> SystemTime) -> Self {
        Self {
            outbox: Outbox::default(),
            limits,
            is_confined,
            clock,
            interrupt: Mutex::default(),
            facts: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The engine's flag is this one.
    pub(crate) fn interrupted_by(&self, flag: Arc<AtomicBool>) {
        *self.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = flag;
    }

    /// Begins a run and returns its number, or the number of the one that goes on.
    pub(crate) fn begin(&self) -> Result<u64, u64> {
        let mut facts = self.lock();
        if let Some(running) = &facts.run {
            return Err(running.run);
        }
        facts.runs += 1;
        let run = facts.runs;
        facts.run = Some(Running {
            run,
            began: Instant::now(),
            stop: None,
            question: None,
            answer: None,
            printed: 0,
        });
        drop(facts);
        self.changed.notify_all();
        Ok(run)
    }

    /// Why the run that goes on is to stop, where it is.
    pub(crate) fn stopped(&self) -> Option<Outcome> {
        self.lock().run.as_ref().and_then(|running| running.stop)
    }

    /// Ends the run that goes on.
    pub(crate) fn end(&self) {
        self.lock().run = None;
        self.changed.notify_all();
    }

    /// Asks the script that runs to stop. There is nothing to ask where none runs.
    pub(crate) fn stop(&self, why: Outcome) -> bool {
        let mut facts = self.lock();
        let Some(running) = facts.run.as_mut() else { return false };
        running.stop.get_or_insert(why);
        self.raise();
        drop(facts);
        self.changed.notify_all();
        true
    }

    /// Whether the script that runs is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopped().is_some()
    }

    /// Tells the engine again that the script is to stop, where it is: it takes the flag back when a run
    /// begins. The run is held meanwhile, so that it is never the next one that is told.
    pub(crate) fn insist(&self) {
        let facts = self.lock();
        if facts.run.as_ref().is_some_and(|running| running.stop.is_some()) {
            self.raise();
        }
    }

    fn raise(&self) {
        let flag = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
        flag.store(true, Ordering::Relaxed);
    }

    /// Counts what a script prints. Past its limit the script is asked to stop, and that is false.
    pub(crate) fn may_print(&self, bytes: usize) -> bool {
        let mut facts = self.lock();
        let Some(running) = facts.run.as_mut() else { return true };
        running.printed = running.printed.saturating_add(bytes as u64);
        let is_within = self.limits.output_bytes.is_none_or(|most| running.printed <= most);
        drop(facts);
        if !is_within {
            self.stop(Outcome::OutputLimit);
        }
        is_within
    }

    /// Waits until there is a run, or for a time, and returns the one that goes on.
    pub(crate) fn watch(&self, at_most: Duration) -> Option<Standing> {
        let facts = self.lock();
        let facts = match &facts.run {
            None => self.changed.wait(facts).unwrap_or_else(PoisonError::into_inner),
            Some(_) => {
                let woken = self.changed.wait_timeout(facts, at_most);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        facts.standing()
    }

    /// The run that goes on.
    pub(crate) fn standing(&self) -> Option<Standing> {
        self.lock().standing()
    }

    /// Asks a person, and waits for the answer. There is none where the script is to stop.
    pub(crate) fn ask(&self, prompt: &str, kind: InputKind) -> Option<String> {
        let mut facts = self.lock();
        facts.questions += 1;
        let question = facts.questions;
        let running = facts.run.as_mut()?;
        running.question = Some(question);
        running.answer = None;
        let run = running.run;
        self.outbox.tell(Event::InputAsked { run, question, prompt: prompt.to_owned(), kind });
        let answer = loop {
            let running = facts.run.as_mut()?;
            if running.stop.is_some() {
                break None;
            }
            if let Some(answer) = running.answer.take() {
                break Some(answer);
            }
            let woken = self.changed.wait_timeout(facts, LOOK);
            facts = woken.unwrap_or_else(PoisonError::into_inner).0;
        };
        if let Some(running) = facts.run.as_mut() {
            running.question = None;
        }
        drop(facts);
        self.outbox.tell(Event::InputOver { question });
        answer
    }

    /// Answers a question. It is false where nothing, or something else, is asked.
    pub(crate) fn answer(&self, question: u64, text: String) -> bool {
        let mut facts = self.lock();
        let Some(running) = facts.run.as_mut() else { return false };
        if running.question != Some(question) || running.answer.is_some() {
            return false;
        }
        running.answer = Some(text);
        drop(facts);
        self.changed.notify_all();
        true
    }

    /// Remembers a run.
    pub(crate) fn remember(&self, entry: HistoryEntry) {
        let mut facts = self.lock();
        if facts.history.len() == HISTORY_MAX {
            facts.history.pop_front();
        }
        facts.history.push_back(entry);
    }

    /// The runs that are remembered.
    pub(crate) fn history(&self) -> Vec<HistoryEntry> {
        self.lock().history.iter().cloned().collect()
    }

    /// The variables are these.
    pub(crate) fn set_variables(&self, variables: Vec<Variable>, more: u64) {
        self.lock().variables = (variables, more);
    }

    /// The variables as they were after the last run.
    pub(crate) fn variables(&self) -> (Vec<Variable>, u64) {
        self.lock().variables.clone()
    }

    /// The figures are these.
    pub(crate) fn set_figures(&self, figures: Vec<FigureBrief>) {
        self.lock().figures = figures;
    }

    /// The figures as they were after the last run.
    pub(crate) fn figures(&self) -> Vec<FigureBrief> {
        self.lock().figures.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    fn standing(&self) -> Option<Standing> {
        let running = self.run.as_ref()?;
        Some(Standing {
            run: running.run,
            ran: running.began.elapsed(),
            question: running.question,
        })
    }
}
