//! A script prints as it goes, says where it is wrong, and stops when it is told to.

use std::time::Instant;

use oriel_wire::compute::{
    Answer, Code, Event, InputKind, Outcome, Request, Severity, Source, State, frame,
};

use crate::driver::{DEADLINE, Session};

#[test]
fn output_comes_in_order_while_the_script_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.begin_run("disp('one'); n = input('n? '); fprintf('%d\\n', n + 1);");
    session.wait_for(|event| {
        matches!(event, Event::Output { text, .. } if text.contains("one")).then_some(())
    });
    let question = session.wait_for(|event| match event {
        Event::InputAsked { question, kind: InputKind::Line, prompt, .. } => {
            assert_eq!(prompt, "n? ");
            Some(*question)
        }
        _ => None,
    });
    let Answer::Status(status) = session.ask(Request::Status) else { panic!("no status") };
    assert_eq!((status.state, status.question), (State::WaitingForInput, Some(question)));
    assert!(status.memory_bytes.is_some_and(|bytes| bytes > 1 << 20), "{status:?}");
    let wrong = session.ask(Request::AnswerInput { question: question + 1, text: "1".into() });
    assert!(matches!(wrong, Answer::Failed(failed) if failed.code == Code::NotRunning));
    let right = session.ask(Request::AnswerInput { question, text: "41".into() });
    assert_eq!(right, Answer::Done);
    session.wait_for(|event| match event {
        Event::Output { text, .. } => text.contains("42").then_some(()),
        _ => None,
    });
    session.wait_for(|event| matches!(event, Event::RunEnded { .. }).then_some(()));
    assert_eq!(session.prints("disp(2)").trim(), "2");
}

#[test]
fn an_error_has_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    let ran = session.run("x = 1;\nä = 2; y = nothing_of_that_name + x;\n");
    // A letter that the language does not know is an error as well.
    assert_eq!(ran.outcome, Outcome::Failed);
    let ran = session.run("x = 1;\ny = nothing_of_that_name + x;\n");
    let error = &ran.diagnostics[0];
    assert_eq!(error.severity, Severity::Error);
    let span = error.span.unwrap();
    assert_eq!((span.start_line, span.start_column, span.end_column), (2, 5, 25), "{error:?}");
    assert_eq!(error.line.as_deref(), Some("y = nothing_of_that_name + x;"));
    assert_eq!(error.file.as_deref(), Some("test.m"));
    let ran = session.run("x = [1 2\n");
    assert!(ran.diagnostics[0].span.is_some(), "{ran:?}");
    let ran = session.run("warning('careful'); disp('on');");
    assert_eq!(ran.outcome, Outcome::Completed);
    assert!(ran.stdout.contains("on") && !ran.stdout.contains("careful"), "{ran:?}");
    assert!(ran.stderr.is_empty() || ran.stderr.contains("careful"), "{ran:?}");
    assert!(ran.diagnostics.iter().any(|it| it.severity == Severity::Warning), "{ran:?}");
}

#[test]
fn an_error_in_a_function_has_a_stack_and_the_functions_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "function r = broken(a)\n  r = a + missing_here;\nend\n";
    std::fs::write(folder.path().join("broken.m"), text).unwrap();
    std::fs::write(folder.path().join("main.m"), "x = 1;\nbroken(x)\n").unwrap();
    let mut session = Session::start(folder.path(), &[]);
    let source = Source::File { path: "main.m".into() };
    session.ask(Request::Run { source });
    let ran = session.finish();
    assert_eq!(ran.outcome, Outcome::Failed);
    let error = &ran.diagnostics[0];
    assert!(!error.stack.is_empty() || error.span.is_some(), "{error:?}");
    let source = Source::File { path: "none.m".into() };
    session.ask(Request::Run { source });
    assert_eq!(session.finish().outcome, Outcome::Failed);
}

#[test]
fn a_function_that_cannot_be_compiled_is_the_matter_of_those_who_call_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("broken.m", "function r = broken(a)\n  r = a + missing_here;\nend\n");
    write("other.m", "function r = other(a)\n  r = no_such_thing * a;\nend\n");
    write("good.m", "function r = good(a)\n  r = a + 1;\nend\n");
    let mut session = Session::start(folder.path(), &[]);
    assert_eq!(session.prints("fprintf('%d', good(41)); x = fileread('broken.m');"), "42");
    let ran = session.run("disp('before'); broken(1)");
    assert_eq!(ran.outcome, Outcome::Failed);
    assert_eq!(ran.diagnostics[0].severity, Severity::Error);
    let of_it = ran.diagnostics.iter().find(|it| it.file.as_deref() == Some("broken.m"));
    let of_it = of_it.unwrap_or_else(|| panic!("{ran:?}"));
    let span = of_it.span.unwrap();
    assert_eq!((of_it.severity, span.start_line, span.start_column), (Severity::Warning, 2, 11));
    assert_eq!(of_it.line.as_deref(), Some("  r = a + missing_here;"));
    // A script's own fault is its own.
    let ran = session.run("x = not_here_either;");
    assert_eq!(ran.diagnostics[0].file.as_deref(), Some("test.m"), "{ran:?}");
    write("broken.m", "function r = broken(a)\n  r = a;\nend\n");
    assert_eq!(session.prints("fprintf('%d', broken(7));"), "7", "it was mended");
}

#[test]
fn a_loop_stops_when_it_is_told_to_and_the_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints("kept = 7;");
    session.begin_run("disp('in'); while true, x = 1; end");
    session.wait_for(|event| matches!(event, Event::Output { .. }).then_some(()));
    let busy = session.ask(Request::Run { source: Source::Text { name: None, text: "1".into() } });
    assert!(matches!(busy, Answer::Failed(failed) if failed.code == Code::Busy));
    let began = Instant::now();
    assert_eq!(session.ask(Request::Interrupt), Answer::Done);
    assert_eq!(session.finish().outcome, Outcome::Interrupted);
    assert!(began.elapsed() < DEADLINE / 4, "{:?}", began.elapsed());
    assert!(session.prints("disp(kept)").contains('7'));
    let none = session.ask(Request::Interrupt);
    assert!(matches!(none, Answer::Failed(failed) if failed.code == Code::NotRunning));
    // At once after the start, before the engine looks for the first time.
    session.begin_run("while true, x = 1; end");
    session.ask(Request::Interrupt);
    assert_eq!(session.finish().outcome, Outcome::Interrupted);
}

#[test]
fn a_question_is_over_when_the_script_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.begin_run("input('?');");
    session.wait_for(|event| matches!(event, Event::InputAsked { .. }).then_some(()));
    session.ask(Request::Interrupt);
    assert_eq!(session.finish().outcome, Outcome::Interrupted);
}

#[test]
fn a_flood_stands_still_until_it_is_read_and_ends_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--output-bytes", "4000000", "--memory-bytes", "1500000000"];
    let mut session = Session::start(folder.path(), &more);
    let ran = session.run("while true, disp('a line of a flood that never ends by itself'); end");
    assert_eq!(ran.outcome, Outcome::OutputLimit);
    assert_eq!(ran.diagnostics[0].code, "Oriel:OutputLimit");
    assert!((3_000_000..=4_000_000).contains(&ran.stdout.len()), "{}", ran.stdout.len());
}

#[test]
fn what_is_no_message_is_answered_and_a_broken_frame_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    for text in [&b"{"[..], b"[]", b"\xff\xff", br#"{"id":9,"request":{"type":"dance"}}"#] {
        let mut bytes = u32::try_from(text.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(text);
        session.write(&bytes);
    }
    let Answer::Status(status) = session.ask(Request::Status) else { panic!("no status") };
    assert_eq!(status.state, State::Idle);
    let long = Source::Text { name: None, text: "x".repeat(5 << 20) };
    let answer = session.ask(Request::Run { source: long });
    assert!(matches!(answer, Answer::Failed(failed) if failed.code == Code::TooLarge));
    session.write(&frame(&"no request").unwrap()[..3]);
    session.write(&[0xff; 9]);
    assert!(!session.ended().success());
}

#[test]
fn what_was_run_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints("x = 1;");
    session.run("error('no')");
    let Answer::History { runs } = session.ask(Request::History) else { panic!("no history") };
    let outcomes: Vec<_> = runs.iter().map(|run| (run.run, run.outcome)).collect();
    assert_eq!(outcomes, [(1, Outcome::Completed), (2, Outcome::Failed)]);
    assert_eq!(runs[0].text, "x = 1;");
}
