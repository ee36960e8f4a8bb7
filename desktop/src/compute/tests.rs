//! A session never outlives its page or its grant, at whatever moment either goes.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use oriel_wire::hostfs::WorkspaceAccess;

use super::*;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn starts_at_the_same_moment_are_never_more_than_there_may_be() {
    let scene = Scene::new("exec cat > /dev/null");
    let load = scene.compute.load();
    // The last one asks whether its folder is granted once its process runs. Another start at that very
    // moment finds its place taken, though it is not in it yet.
    let within = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..SESSIONS_MAX - 1 {
        scene.start(load).unwrap();
    }
    let (compute, grant, results) =
        (Arc::clone(&scene.compute), scene.grant.clone(), Arc::clone(&within));
    let is_first = AtomicBool::new(true);
    let meanwhile = move || {
        if is_first.swap(false, SeqCst) {
            let other = compute.start(load, &grant, || true, |_| true);
            results.lock().unwrap().push(other.map_err(|error| error.to_string()));
        }
        true
    };
    scene.compute.start(load, &scene.grant, meanwhile, |_| true).unwrap();
    let other = within.lock().unwrap().pop().unwrap();
    assert!(other.unwrap_err().contains("8 sessions already"));
    scene.compute.shutdown().await;
    scene.is_empty();
}

#[tokio::test]
async fn a_page_that_leaves_while_a_session_starts_leaves_no_process() {
    let scene = Scene::new("exec cat > /dev/null");
    let load = scene.compute.load();
    let leaving = Arc::clone(&scene.compute);
    let started = scene.compute.start(
        load,
        &scene.grant,
        move || {
            leaving.end();
            true
        },
        |_| true,
    );
    assert!(matches!(started, Err(StartError::Left)), "{started:?}");
    assert!(matches!(scene.start(load), Err(StartError::Left)), "it asked before the page left");
    scene.compute.shutdown().await;
    scene.is_empty();
}

#[tokio::test]
async fn a_grant_that_is_taken_back_while_a_session_starts_leaves_none() {
    let scene = Scene::new("exec cat > /dev/null");
    let load = scene.compute.load();
    let started = scene.compute.start(load, &scene.grant, || false, |_| true);
    assert!(matches!(started, Err(StartError::Revoked(_))), "{started:?}");
    // And one that is taken back later ends what runs.
    let is_granted = Arc::new(AtomicBool::new(true));
    let (asks, (told, mut heard)) = (Arc::clone(&is_granted), mpsc::unbounded_channel());
    let tell = move |event| told.send(event).is_ok();
    let name = scene.compute.start(load, &scene.grant, move || asks.load(SeqCst), tell).unwrap();
    assert!(scene.compute.session(&name).is_some());
    is_granted.store(false, SeqCst);
    let ended = timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    let Event::Ended { reason: EndReason::Stopped, message, is_restarting: false } = ended else {
        panic!("{ended:?}");
    };
    assert!(message.contains("not granted any more"), "{message}");
    timeout(PATIENCE, heard.recv()).await.unwrap();
    scene.gone().await;
    assert!(scene.compute.session(&name).is_none());
}

#[tokio::test]
async fn whoever_waits_for_an_answer_does_not_keep_the_session_of_a_page_that_left() {
    let scene = Scene::new("exec cat > /dev/null");
    let name = scene.start(scene.compute.load()).unwrap();
    let held = scene.compute.session(&name).unwrap();
    // The process never answers.
    let asked = tokio::spawn(async move { held.ask(Request::Status).await });
    tokio::task::yield_now().await;
    scene.compute.end();
    let answer = timeout(PATIENCE, asked).await.unwrap().unwrap();
    assert!(matches!(answer, Err(ComputeError::Ended)), "{answer:?}");
    scene.gone().await;
}

#[tokio::test]
async fn a_place_is_free_again_where_nothing_starts() {
    let scene = Scene::new("exec cat > /dev/null");
    let none = Compute::new(Some("/nowhere/oriel-compute".into()), scene.path("none"), None);
    for _ in 0..=SESSIONS_MAX {
        let failed = none.start(none.load(), &scene.grant, || true, |_| true);
        assert!(matches!(failed, Err(StartError::Session(_))), "{failed:?}");
    }
    let none = Compute::new(None, scene.path("none"), None);
    let failed = none.start(none.load(), &scene.grant, || true, |_| true);
    assert!(matches!(failed, Err(StartError::NoProgram)), "{failed:?}");
}

#[tokio::test]
async fn what_a_killed_desktop_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("compute/session-old");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("variables.replay"), "x").unwrap();
    drop(Compute::new(None, folder.path().join("compute"), None));
    assert!(!left.exists());
}

/// A program in the place of the real one, and a folder that was granted.
struct Scene {
    folder: TempDir,
    compute: Arc<Compute>,
    grant: Grant,
}

impl Scene {
    fn new(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        write_program(&path, program);
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let grant = Grant::new("g", "workbench", work, WorkspaceAccess::ReadWrite);
        let compute = Compute::new(Some(path), folder.path().join("compute"), None);
        Self { folder, compute, grant }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, load: Load) -> Result<String, StartError> {
        self.compute.start(load, &self.grant, || true, |_| true)
    }

    /// Waits until every session is wholly gone.
    async fn gone(&self) {
        let mut not_gone = self.compute.not_gone.subscribe();
        timeout(PATIENCE, not_gone.wait_for(|many| *many == 0)).await.unwrap().unwrap();
        self.is_empty();
    }

    fn is_empty(&self) {
        assert_eq!(*self.compute.not_gone.borrow(), 0);
        let left: Vec<_> = std::fs::read_dir(self.path("compute")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Writes a program by another process, since one that is open to be written does not start.
fn write_program(path: &Path, text: &str) {
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg("printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 700 \"$2\"")
        .arg0("sh");
    let status = shell.arg("sh").arg(text).arg(path).status().unwrap();
    assert!(status.success());
}
