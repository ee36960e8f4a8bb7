//! A script prints as it goes, says where it is wrong, and takes whatever it is given for what it is.

use std::io::Read as _;
use std::process::Stdio;

use oriel_tests::scripts::{Running, below, command, home_with, run, until_gone, work};
use oriel_tests::wait;
use serde_json::Value;

#[test]
fn output_comes_while_the_script_runs_and_input_is_lines_of_a_pipe() {
    let home = home_with(&[(
        "ask.m",
        "disp('early'); n = input('n? '); fprintf('%d\\n', n + 1); w = input('word? ', 's'); disp(w)",
    )]);
    let mut running = Running::start(&home, &["run", "ask.m"]);
    running.until_printed("early");
    running.until_printed("n? ");
    running.say("41");
    running.until_printed("42");
    running.say("hello there");
    let finished = running.finish();
    assert!(finished.done().ends_with("word? hello there\n"), "{finished:?}");

    let starved = run(&home, &["run", "ask.m"]);
    assert!(starved.failed(1).contains("asks for input, and there is no more"), "{starved:?}");
}

#[test]
fn an_error_has_its_code_its_place_its_stack_and_an_exit_code() {
    let home = home_with(&[
        ("main.m", "x = 3;\ninner(x)\n"),
        ("inner.m", "function inner(a)\n  error('My:trouble', 'no good: %d', a);\nend\n"),
        ("wrong.m", "x = 1;\ny = nothing_of_that_name + x;\n"),
        ("apart.m", "x = [1 2\n"),
    ]);
    let finished = run(&home, &["run", "main.m"]);
    let said = finished.failed(1);
    // The engine puts its own word before the name of an error.
    for part in
        ["[RunMat:trouble]", "error: no good: 3", "main.m:2:1: ", "  in main.m @ main.m:2:1"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let finished = run(&home, &["run", "wrong.m"]);
    let said = finished.failed(1);
    let marked = "  y = nothing_of_that_name + x;\n      ^^^^^^^^^^^^^^^^^^^^\n";
    assert!(said.starts_with("wrong.m:2:5: error: ") && said.contains(marked), "{said}");
    assert!(run(&home, &["run", "apart.m"]).failed(1).starts_with("apart.m:"));
    for (wrong, why) in [
        ("none.m", "cannot find"),
        (".", "is no file; name a script"),
        ("/dev/zero", "is no file; name a script"),
    ] {
        let finished = run(&home, &["run", wrong]);
        assert!(finished.failed(1).contains(why), "{wrong}: {finished:?}");
    }
}

#[test]
fn each_event_is_json_on_a_line_of_its_own_with_variables_and_figures() {
    let home = home_with(&[
        ("plot.m", "x = 1:3; disp(sum(x)); plot(x, x); title('Squares');"),
        ("bad.m", "error('My:code', 'bad')"),
    ]);
    let events = |script: &str| -> (Option<i32>, Vec<Value>) {
        let finished = run(&home, &["run", "--json", script]);
        let lines = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        (finished.code, lines.collect())
    };
    let (code, told) = events("plot.m");
    assert_eq!(code, Some(0));
    let types: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let began = types.iter().position(|kind| *kind == "run_started").unwrap();
    assert_eq!(types[0], "ready");
    assert_eq!(types[began..], ["run_started", "output", "run_ended", "variables", "figures"]);
    assert_eq!(told[began + 1]["text"], "6\n");
    let variables = told[began + 3]["variables"].as_array().unwrap();
    assert!(variables.iter().any(|variable| variable["name"] == "x"), "{variables:?}");
    assert_eq!(told[began + 4]["figures"][0]["title"], "Squares");
    let (code, told) = events("bad.m");
    assert_eq!(code, Some(1));
    let ended = told.iter().find(|event| event["type"] == "run_ended").unwrap();
    assert_eq!(ended["diagnostics"][0]["code"], "RunMat:code", "{ended}");
    // A person hears of figures beside the output.
    let finished = run(&home, &["run", "plot.m"]);
    assert_eq!(finished.done(), "6\n");
    assert!(finished.stderr.contains("figure 1: Squares, 1 plot"), "{finished:?}");
}

#[test]
fn a_script_of_ten_megabytes_runs_from_a_file_and_is_refused_from_a_pipe() {
    let home = home_with(&[]);
    let comment = "% ".to_owned() + &"padding ".repeat(600) + "\n";
    let text = comment.repeat(2200) + "disp(7)\n";
    assert!(text.len() > 10_000_000);
    std::fs::write(work(&home, "long.m"), &text).unwrap();
    assert_eq!(run(&home, &["run", "long.m"]).done(), "7\n");
    let mut piped = command(&home, &["run", "-"]);
    piped.stdin(std::fs::File::open(work(&home, "long.m")).unwrap());
    let finished = home.run(piped);
    assert!(finished.failed(1).contains("save it and name the file"), "{finished:?}");
}

#[test]
fn what_is_no_script_is_refused_in_words() {
    let home = home_with(&[("nul.m", "disp(1)\0disp(2)\n"), ("empty.m", "")]);
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
    std::fs::write(work(&home, "noise.m"), [&[0xff, 0xfe, 0], &noise[..]].concat()).unwrap();
    assert!(run(&home, &["run", "noise.m"]).failed(1).contains("noise.m"));
    let mut piped = command(&home, &["run", "-"]);
    piped.stdin(std::fs::File::open(work(&home, "noise.m")).unwrap());
    assert!(home.run(piped).failed(1).contains("UTF-8"));
    let finished = run(&home, &["run", "nul.m"]);
    assert!(finished.failed(1).starts_with("nul.m:1:8: error: "), "{finished:?}");
    assert!(!finished.stderr.contains('\0'), "{finished:?}");
    assert_eq!(run(&home, &["run", "empty.m"]).done(), "");
}

#[test]
fn a_reader_that_has_read_enough_ends_a_flood_without_a_word() {
    // A hundred megabytes, of which nobody reads more than the beginning.
    let flood = "s = repmat('abcdefghi ', 1, 100); for i = 1:100000, disp(s); end";
    let home = home_with(&[("flood.m", flood)]);
    for arguments in [&["run", "flood.m"][..], &["run", "--json", "flood.m"]] {
        let mut command = command(&home, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let compute = wait::until("a process for scripts", || below(child.id()).first().copied());
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 100]).unwrap();
        drop(stdout);
        let status = wait::until("it to end", || child.try_wait().unwrap());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
        until_gone(compute);
    }
}

#[test]
fn what_a_script_prints_reaches_a_pipe_as_it_was_printed() {
    let home = home_with(&[("raw.m", "fprintf('a%c[31mb%cc\\n', 27, 13);")]);
    assert_eq!(run(&home, &["run", "raw.m"]).done(), "a\x1b[31mb\rc\n");
}

#[test]
fn without_the_program_it_says_how_to_get_it() {
    let home = home_with(&[("a.m", "disp(1)")]);
    let mut named = command(&home, &["run", "a.m"]);
    named.env("ORIEL_COMPUTE", "/nowhere/oriel-compute");
    let finished = home.run(named);
    assert!(finished.failed(1).contains("ORIEL_COMPUTE names /nowhere/oriel-compute"));
    // A program that is none ends at once, and its end is told.
    let mut other = command(&home, &["run", "a.m"]);
    other.env("ORIEL_COMPUTE", "/bin/false");
    let finished = home.run(other);
    assert!(finished.failed(1).contains("exit status: 1"), "{finished:?}");
}
