//! However a session ends, what was told is not lost and nothing is left behind.

use std::path::Path;

use oriel_wire::compute::{Answer, Event, Outcome, Request, Restored};

use crate::driver::Session;

fn restored(workspace: &Path, kept: &Path) -> (Session, Restored) {
    let kept = kept.to_str().unwrap();
    let mut session = Session::begin(workspace, &["--replay", kept, "--restore"]);
    let Event::Ready { restored, .. } = session.event() else { panic!("no ready first") };
    (session, restored.expect("something was kept"))
}

#[test]
fn variables_come_back_after_the_process_was_killed_in_a_script_that_does_not_stop() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut session = Session::start(folder.path(), &["--replay", kept.path().to_str().unwrap()]);
    session.prints(
        "x = 42; m = magic(4); t = 'text'; l = [true false]; c = {1, 'b'; [], {2}}; \
         s = struct('a', 1, 'b', 'two'); n = [NaN Inf]; u = uint8([1 2 3]); f = @(x) x + 1; \
         large = zeros(2000, 2000);",
    );
    session.begin_run("disp('in'); x = 43; pause(60); x = 44;");
    session.wait_for(|event| matches!(event, Event::Output { .. }).then_some(()));
    session.ask(Request::Interrupt);
    session.child.kill().unwrap();
    session.ended();

    let (mut session, restored) = restored(folder.path(), kept.path());
    for name in ["x", "m", "t", "l", "c", "s", "n"] {
        assert!(restored.variables.iter().any(|it| it == name), "{name} in {restored:?}");
    }
    for name in ["f", "large"] {
        assert!(restored.lost.iter().any(|it| it == name), "{name} in {restored:?}");
    }
    let told =
        session.prints("fprintf('%d %d %s %d %s %d\\n', x, sum(m(:)), t, numel(l), c{1, 2}, s.a);");
    assert_eq!(told.trim(), "42 136 text 2 b 1");
    assert!(session.prints("disp(class(t)); disp(class(l)); disp(class(c));").contains("logical"));
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_one_that_does_not_stop_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &["--run-ms", "300"]);
    let ran = session.run("while true, x = 1; end");
    assert_eq!(ran.outcome, Outcome::TimeLimit);
    assert_eq!(ran.diagnostics[0].code, "Oriel:TimeLimit");
    assert!(session.prints("disp(1)").contains('1'));
    session.begin_run("pause(60)");
    assert_eq!(session.ended().code(), Some(3));
    assert!(session.last_words().contains("300 ms"));
}

#[test]
fn a_script_that_wants_too_much_memory_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &["--memory-bytes", "1000000000"]);
    session.prints("x = zeros(1000, 1000);");
    session.begin_run("c = {}; for i = 1:100000, c{i} = rand(1000, 1000); end");
    let mut status = None;
    if let Ok(Some(ended)) = session.child.try_wait() {
        status = Some(ended);
    }
    let status = status.unwrap_or_else(|| session.ended());
    assert!(!status.success(), "{status}");
    assert!(session.last_words().contains("memory allocation of"));
}

#[test]
fn endless_recursion_is_an_error_or_an_end_and_never_hangs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("deep.m"), "function deep(n)\n deep(n + 1);\nend\n").unwrap();
    let mut session = Session::start(folder.path(), &["--run-ms", "20000"]);
    session.begin_run("deep(1)");
    let mut ended = None;
    while ended.is_none() {
        match session.told() {
            Some(oriel_wire::compute::Told::Event { event: Event::RunEnded { outcome, .. } }) => {
                assert_ne!(outcome, Outcome::Completed);
                return;
            }
            Some(_) => {}
            None => ended = Some(session.ended()),
        }
    }
    assert!(ended.is_some_and(|status| !status.success()));
}

#[test]
fn it_ends_with_its_driver_whatever_it_does() {
    let folder = tempfile::tempdir().unwrap();
    for script in
        ["", "pause(60)", "while true, end", "while true, disp('flood'); end", "input('?')"]
    {
        let mut session = Session::start(folder.path(), &[]);
        if !script.is_empty() {
            session.begin_run(script);
        }
        session.hang_up();
        assert!(session.ended().success(), "{script}");
    }
    let mut session = Session::start(folder.path(), &[]);
    assert_eq!(session.ask(Request::Stop), Answer::Done);
    assert!(session.ended().success());
}
