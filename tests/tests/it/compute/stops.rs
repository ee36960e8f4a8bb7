//! Whatever a script does, whoever started it can stop it, keeps what was there before, and leaves nothing
//! behind.

use oriel_tests::scripts::{Running, home_with, run, until_gone};
use oriel_tests::{Home, Signal, kill};

#[test]
fn a_loop_stops_when_it_is_asked_to() {
    let home = home_with(&[("loop.m", "disp('in'); while true, x = 1; end")]);
    let running = Running::start(&home, &["run", "loop.m"]);
    running.until_printed("in");
    running.signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(finished.failed(130), "interrupted\n", "{finished:?}");
    left_nothing(&home);
}

#[test]
fn what_does_not_stop_is_ended_by_force_and_the_variables_from_before_come_back() {
    let home = home_with(&[("pause.m", "disp('in'); pause(60)")]);
    let running = Running::start(&home, &["run", "pause.m"]);
    running.until_printed("in");
    running.signal(Signal::INT);
    running.until_said("Ctrl-C once more ends it by force");
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(finished.failed(130).ends_with("was ended by force\n"), "{finished:?}");

    let mut repl = Running::start(&home, &["repl"]);
    repl.say("kept = 7; f = @(x) x;");
    repl.say("disp('in'); kept = 8; pause(60)");
    repl.until_printed("in");
    let first = repl.compute();
    repl.signal(Signal::INT);
    repl.until_said("Ctrl-C once more ends it by force");
    repl.signal(Signal::INT);
    repl.until_said("variables that came back: kept; lost: f");
    until_gone(first);
    repl.say("fprintf('<%d>\\n', kept)");
    repl.until_printed("<7>");
    _ = repl.finish().done();
    left_nothing(&home);
}

#[test]
fn a_process_that_is_killed_is_told_as_such() {
    let home = home_with(&[("pause.m", "disp('in'); pause(60)")]);
    let running = Running::start(&home, &["run", "pause.m"]);
    running.until_printed("in");
    kill(running.compute(), Signal::KILL);
    let finished = running.finish();
    assert!(finished.failed(1).contains("signal: 9"), "{finished:?}");

    let mut repl = Running::start(&home, &["repl"]);
    repl.say("kept = 7;");
    repl.say("disp('in'); pause(60)");
    repl.until_printed("in");
    kill(repl.compute(), Signal::KILL);
    repl.until_said("came back: kept");
    repl.say("fprintf('<%d>\\n', kept)");
    _ = repl.finish().done();
    left_nothing(&home);
}

#[test]
fn time_and_memory_have_limits() {
    let home = home_with(&[
        ("loop.m", "while true, x = 1; end"),
        ("pause.m", "pause(60)"),
        ("memory.m", "c = {}; for i = 1:100000, c{i} = rand(1000, 1000); end"),
    ]);
    let finished = run(&home, &["run", "loop.m", "--time-limit", "1"]);
    let said = finished.failed(1);
    assert_eq!(said, "error: the script took longer than it may [Oriel:TimeLimit]\n", "{said}");
    let finished = run(&home, &["run", "pause.m", "--time-limit", "1"]);
    assert!(finished.failed(1).contains("did not stop when asked to"), "{finished:?}");
    let finished = run(&home, &["run", "memory.m", "--memory-limit", "700M"]);
    assert!(finished.failed(1).contains("wanted more memory than the 734003200 bytes"));
    left_nothing(&home);
}

#[test]
fn a_session_that_is_told_to_end_takes_its_process_and_its_variables_with_it() {
    let home = home_with(&[]);
    for (signal, script) in [
        (Signal::TERM, "disp('in'); pause(60)"),
        (Signal::HUP, "disp('in'); while true, x = 1; end"),
        (Signal::TERM, "disp('in');"),
    ] {
        let mut repl = Running::start(&home, &["repl"]);
        repl.say("x = 1;");
        repl.say(script);
        repl.until_printed("in");
        let compute = repl.compute();
        repl.signal(signal);
        // Its input goes on until then, and is not what ends it.
        until_gone(compute);
        assert_eq!(repl.finish().code, Some(130), "{script}");
        left_nothing(&home);
    }
    // One that is killed cannot see to it; its scripts end all the same.
    let mut repl = Running::start(&home, &["repl"]);
    repl.say("disp('in'); while true, x = 1; end");
    repl.until_printed("in");
    let compute = repl.compute();
    repl.signal(Signal::KILL);
    until_gone(compute);
}

/// Nothing of a session is left where temporary files are.
fn left_nothing(home: &Home) {
    let left: Vec<_> = std::fs::read_dir(home.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
