//! A session as programs drive it: through the launcher, with the real program.

use std::path::Path;
use std::time::Duration;

use oriel_launcher::compute::{ComputeError, Session, Start};
use oriel_tests::scripts::program;
use oriel_wire::compute::{
    Answer, Cell, EndReason, Event, Limits, Outcome, Request, Restored, Source,
};
use oriel_wire::hostfs::WorkspaceAccess;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn variables_a_part_of_one_and_figures_are_there_to_be_asked_for() {
    let mut scene = Scene::start().await;
    let ran = scene
        .run("m = magic(4); s = struct('a', 1, 'b', 'two'); plot(1:3, 1:3); title('One');")
        .await;
    assert_eq!(ran, Outcome::Completed);
    let Answer::Variables { variables, more: 0 } = scene.ask(Request::Variables).await else {
        panic!("no variables")
    };
    for name in ["m", "s"] {
        assert!(variables.iter().any(|it| it.name == name), "{variables:?}");
    }
    let value = |name: &str| Request::Value { name: name.into(), start: vec![], shape: vec![] };
    let part = Request::Value { name: "m".into(), start: vec![1, 2], shape: vec![2, 2] };
    let Answer::Value(part) = scene.ask(part).await else { panic!("no value") };
    let numbers = [10.0, 6.0, 8.0, 12.0].map(Cell::Number);
    assert_eq!((part.shape, part.cells, part.is_cut), (vec![2, 2], numbers.to_vec(), false));
    let Answer::Value(field) = scene.ask(value("s.b")).await else { panic!("no field") };
    assert_eq!(field.cells.len(), 3, "{field:?}");
    assert!(matches!(scene.ask(value("none")).await, Answer::Failed(_)));
    let Answer::Figures { figures } = scene.ask(Request::Figures).await else { panic!("none") };
    assert_eq!(figures[0].title, "One");
    let figure = Request::Figure { figure: figures[0].figure };
    let Answer::Figure { scene: drawn, .. } = scene.ask(figure).await else { panic!("no scene") };
    assert!(drawn["plots"].as_array().is_some_and(|plots| plots.len() == 1), "{drawn}");
    let Answer::History { runs } = scene.ask(Request::History).await else { panic!("none") };
    assert_eq!(runs.len(), 1);
    scene.session.stop().await;
}

#[tokio::test]
async fn a_run_that_is_ended_by_force_gives_back_what_was_there_before() {
    let mut scene = Scene::start().await;
    scene.run("kept = 42; f = @(x) x;").await;
    scene.begin("disp('in'); kept = 43; pause(60)").await;
    scene.until(|event| matches!(event, Event::Output { .. }).then_some(())).await;
    scene.session.interrupt(false).await.unwrap();
    scene.session.interrupt(true).await.unwrap();
    assert_eq!(scene.ended().await, (EndReason::Killed, true));
    let came = scene.ready().await.expect("something came back");
    assert!(came.variables.contains(&"kept".to_owned()) && came.lost == ["f"], "{came:?}");
    assert_eq!(scene.run("assert(kept == 42);").await, Outcome::Completed);
}

#[tokio::test]
async fn a_process_that_is_killed_is_a_crash_and_begins_anew() {
    let mut scene = Scene::start().await;
    scene.run("kept = 42;").await;
    let folder = scene.kept.path().display().to_string();
    let of_us = |pid: &u32| {
        let said = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&said).contains(&folder)
    };
    let below = oriel_tests::scripts::below(std::process::id());
    let pid = below.into_iter().find(of_us).unwrap();
    oriel_tests::kill(pid, oriel_tests::Signal::KILL);
    assert_eq!(scene.ended().await, (EndReason::Crashed, true));
    assert_eq!(scene.ready().await.unwrap().variables, ["kept"]);
    assert_eq!(scene.run("assert(kept == 42);").await, Outcome::Completed);
}

#[tokio::test]
async fn a_listener_that_does_not_read_holds_up_the_script_and_not_the_order_to_stop() {
    let mut scene = Scene::start().await;
    scene.begin("while true, disp('a line of a flood that never ends by itself'); end").await;
    // Nobody reads what comes, and both orders are heard all the same.
    timeout(PATIENCE, scene.session.interrupt(false)).await.unwrap().unwrap();
    timeout(PATIENCE, scene.session.interrupt(true)).await.unwrap().unwrap();
    assert_eq!(scene.ended().await, (EndReason::Killed, true));
}

#[tokio::test]
async fn a_session_that_is_dropped_or_cannot_begin_ends() {
    let scene = Scene::start().await;
    scene.begin("disp('in'); while true, x = 1; end").await;
    let Scene { session, mut events, .. } = scene;
    drop(session);
    // The last that has its events is its own task, which ends with the process.
    timeout(PATIENCE, async { while events.recv().await.is_some() {} }).await.unwrap();

    let (work, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let nowhere = work.path().join("none");
    let (session, mut events) = Session::start(with(&nowhere, kept.path())).unwrap();
    let ended = timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    let Event::Ended { message, is_restarting: false, .. } = ended else { panic!("{ended:?}") };
    assert!(message.contains("none") && message.contains("cannot be used"), "{message}");
    let asked = session.ask(Request::Status).await;
    assert!(matches!(asked, Err(ComputeError::Ended)), "{asked:?}");
}

struct Scene {
    session: Session,
    events: Receiver<Event>,
    kept: TempDir,
    _work: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let (work, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (session, events) = Session::start(with(work.path(), kept.path())).unwrap();
        let mut scene = Self { session, events, kept, _work: work };
        assert_eq!(scene.ready().await, None);
        scene
    }

    async fn ask(&self, request: Request) -> Answer {
        timeout(PATIENCE, self.session.ask(request)).await.unwrap().unwrap()
    }

    async fn begin(&self, text: &str) {
        let source = Source::Text { name: Some("test.m".to_owned()), text: text.to_owned() };
        let answer = self.ask(Request::Run { source }).await;
        assert!(matches!(answer, Answer::Started { .. }), "{answer:?}");
    }

    async fn run(&mut self, text: &str) -> Outcome {
        self.begin(text).await;
        let ended = self.until(|event| match event {
            Event::RunEnded { outcome, .. } => Some(*outcome),
            _ => None,
        });
        let outcome = ended.await;
        self.until(|event| matches!(event, Event::Variables { .. }).then_some(())).await;
        outcome
    }

    async fn ready(&mut self) -> Option<Restored> {
        self.until(|event| match event {
            Event::Ready { restored, .. } => Some(restored.clone()),
            _ => None,
        })
        .await
    }

    async fn ended(&mut self) -> (EndReason, bool) {
        self.until(|event| match event {
            Event::Ended { reason, is_restarting, .. } => Some((*reason, *is_restarting)),
            _ => None,
        })
        .await
    }

    async fn until<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.expect("an event in time");
            if let Some(found) = wanted(&event.expect("the session goes on")) {
                return found;
            }
        }
    }
}

fn with(workspace: &Path, kept: &Path) -> Start {
    Start {
        program: program(),
        workspace: workspace.to_owned(),
        access: WorkspaceAccess::ReadWrite,
        limits: Limits { memory_bytes: None, run_ms: None, output_bytes: None },
        kept: kept.to_owned(),
        umask: None,
    }
}
