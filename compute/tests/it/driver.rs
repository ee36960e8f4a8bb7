//! A driver for tests. Each session is a process of its own, since the engine has one set of files, one
//! console and one set of figures for a process.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use oriel_wire::compute::{
    Answer, Asked, Diagnostic, Event, Outcome, Request, Source, Stream, Told, frame, frame_length,
    read_frame,
};

/// How long anything may take on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Session {
    pub(crate) child: Child,
    stdin: Option<ChildStdin>,
    told: Receiver<Told>,
    next: u64,
    pub(crate) events: Vec<Event>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Session {
    pub(crate) fn start(workspace: &Path, more: &[&str]) -> Self {
        let mut session = Self::begin(workspace, more);
        let Event::Ready { is_confined, .. } = session.event() else { panic!("no ready first") };
        if cfg!(target_os = "linux") && !more.contains(&"--unconfined") {
            assert!(is_confined, "this system holds no process");
        }
        session
    }

    pub(crate) fn begin(workspace: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_oriel-compute"))
            .arg("--workspace")
            .arg(workspace)
            .args(more)
            // The engine's own files begin there; ours begin at the workspace.
            .current_dir(workspace)
            .env_clear()
            .env("RUNMAT_HOST_MANAGED_PLOTS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            loop {
                let mut head = [0; 4];
                if stdout.read_exact(&mut head).is_err() {
                    return;
                }
                let mut text = vec![0; frame_length(head).unwrap()];
                stdout.read_exact(&mut text).unwrap();
                if tell.send(read_frame(&text).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, told, next: 1, events: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        // A process that ends meanwhile reads no more.
        _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
    }

    pub(crate) fn send(&mut self, request: Request) -> u64 {
        let id = self.next;
        self.next += 1;
        self.write(&frame(&Asked { id, request }).unwrap());
        id
    }

    pub(crate) fn told(&mut self) -> Option<Told> {
        self.told.recv_timeout(DEADLINE).ok()
    }

    pub(crate) fn event(&mut self) -> Event {
        loop {
            match self.told() {
                Some(Told::Event { event }) => return event,
                Some(Told::Answer { .. }) => {}
                None => panic!("no event came; {}", self.last_words()),
            }
        }
    }

    /// Asks, and keeps the events that come before the answer.
    pub(crate) fn ask(&mut self, request: Request) -> Answer {
        let asked = self.send(request);
        loop {
            match self.told() {
                Some(Told::Answer { id, answer }) if id == asked => return answer,
                Some(Told::Answer { .. }) => {}
                Some(Told::Event { event }) => self.events.push(event),
                None => panic!("no answer came; {}", self.last_words()),
            }
        }
    }

    pub(crate) fn begin_run(&mut self, text: &str) {
        let source = Source::Text { name: Some("test.m".to_owned()), text: text.to_owned() };
        let answer = self.ask(Request::Run { source });
        assert!(matches!(answer, Answer::Started { .. }), "{answer:?}");
    }

    pub(crate) fn run(&mut self, text: &str) -> Ran {
        self.begin_run(text);
        self.finish()
    }

    /// Runs what must come to its end, and returns what it printed.
    pub(crate) fn prints(&mut self, text: &str) -> String {
        let ran = self.run(text);
        assert_eq!(ran.outcome, Outcome::Completed, "{text}: {ran:?}");
        ran.stdout
    }

    pub(crate) fn finish(&mut self) -> Ran {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let mut expected = 1;
        let mut early = std::mem::take(&mut self.events).into_iter();
        loop {
            let event = early.next().unwrap_or_else(|| self.event());
            match event {
                Event::Output { number, stream, text, .. } => {
                    assert_eq!(number, expected, "no output is left out");
                    expected += 1;
                    match stream {
                        Stream::Stdout => stdout += &text,
                        Stream::Stderr => stderr += &text,
                        Stream::Clear => {}
                    }
                }
                Event::RunEnded { outcome, diagnostics, .. } => {
                    return Ran { outcome, stdout, stderr, diagnostics };
                }
                _ => {}
            }
        }
    }

    /// Waits for an event and passes others over.
    pub(crate) fn wait_for<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut early = std::mem::take(&mut self.events).into_iter();
        while Instant::now() < deadline {
            let event = early.next().unwrap_or_else(|| self.event());
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
        panic!("the event never came")
    }

    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::yield_now();
        }
        panic!("the process goes on")
    }

    pub(crate) fn last_words(&mut self) -> String {
        _ = self.child.kill();
        let mut words = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        _ = stderr.read_to_string(&mut words);
        words
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
