//! Scripts of the workbench's page, in the real desktop: what they print arrives as they go, and no process
//! of theirs outlives the page, its grant, its window or the desktop.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use oriel_tests::desktop::{Bare, Desktop, Options, Seat, WORKSPACE, Workbench, grant};
use oriel_tests::scripts::{below, program, until_gone};
use oriel_tests::{Home, Signal, wait};
use serde_json::{Value, json};

/// What a test has the page know of scripts.
const SCRIPT: &str = "window.c = { invoke: (command, given) => window.__TAURI_INTERNALS__.invoke(command, given), \
    start: async (workspace) => { const told = []; \
      const id = window.__TAURI_INTERNALS__.transformCallback((raw) => { if ('message' in raw) told[raw.index] = raw.message; }); \
      return { name: await c.invoke('compute_start', { workspace, events: `__CHANNEL__:${id}` }), told }; }, \
    ask: (request) => c.invoke('compute_ask', { session: c.s.name, request }), \
    run: (text) => c.ask({ type: 'run', source: { type: 'text', text } }), \
    stop: (hard) => c.invoke('compute_interrupt', { session: c.s.name, hard }), \
    told: (type) => c.s.told.filter((event) => event?.type === type), \
    said: () => c.told('output').map((event) => event.text).join('') }";

#[test]
fn a_script_is_started_answered_stopped_and_ended_by_force() {
    let scene = scene();
    run(&scene, "disp('early'); n = input('n? '); fprintf('<%d>\\n', n + 1);");
    scene.until("what is printed first", "c.said().includes('early')");
    scene.until("a question", "c.told('input_asked').length === 1");
    assert_eq!(scene.eval("c.told('run_ended').length"), 0);
    let question = "c.told('input_asked')[0].question";
    scene.eval(&format!("c.ask({{ type: 'answer_input', question: {question}, text: '41' }})"));
    scene.until("the end", "c.told('run_ended')[0]?.outcome === 'completed'");
    scene.until("the answer", "c.said().includes('<42>')");

    run(&scene, "kept = 7;");
    scene.until("the end", "c.told('run_ended')[1]?.outcome === 'completed'");
    run(&scene, "while true, x = 1; end");
    scene.eval("c.stop(false)");
    scene.until("it to stop", "c.told('run_ended')[2]?.outcome === 'interrupted'");
    run(&scene, "disp('in'); kept = 8; pause(60)");
    scene.until("it to run", "c.said().includes('in\\n')");
    let first = only(&scene);
    scene.eval("c.stop(false)");
    scene.eval("c.stop(true)");
    scene.until("its end", "c.told('ended')[0]?.reason === 'killed'");
    scene.until("it to begin anew", "c.told('ready')[1]?.restored.variables.includes('kept')");
    until_gone(first);
    run(&scene, "fprintf('<kept %d>\\n', kept)");
    scene.until("what came back", "c.said().includes('<kept 7>')");
    let index = scene.eval("c.s.told.findIndex((event) => event === undefined)");
    assert_eq!(index, -1, "no event is left out");
    let part = scene.eval("c.ask({ type: 'value', name: 'kept' }).then((part) => part.cells)");
    assert_eq!(part, json!([7]));
    scene.eval("c.invoke('compute_stop', { session: c.s.name })");
    until_none(&scene);
    assert_eq!(refusal(&scene, "c.ask({ type: 'status' })"), "there is no such session; start one");
}

#[test]
fn what_pages_and_scripts_make_has_the_umask_of_the_user_and_what_is_ours_is_private() {
    let scene = scene();
    run(&scene, "fid = fopen('script.txt', 'w'); fprintf(fid, 'x'); fclose(fid); mkdir('sub');");
    scene.until("the end", "c.told('run_ended')[0]?.outcome === 'completed'");
    for way in ["extension", "command"] {
        scene.run(&format!(
            "const files = t.by('{way}'); await files.replace('{way}-put.txt', new Uint8Array(3)); \
             await files.close(await files.open('{way}-new.txt', 'write', {{ create: 'must', direct: true }}))"
        ));
    }
    // The desktop was started by this process.
    scene.has("theirs.txt", "x");
    std::fs::create_dir(scene.path("theirs")).unwrap();
    let mode = |path: &Path| path.symlink_metadata().unwrap().mode() & 0o7777;
    let expected = mode(&scene.path("theirs.txt"));
    assert_ne!(expected & 0o077, 0, "the tests run with a umask that tells the two apart");
    for entry in std::fs::read_dir(scene.path("")).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { mode(&scene.path("theirs")) } else { expected };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    let mut open = vec![scene.home().data_dir()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // A test made this one before the desktop was there, and others come and go.
            let Ok(about) = path.symlink_metadata() else { continue };
            if about.is_dir() {
                open.push(path.clone());
            }
            if !about.is_symlink() && !path.ends_with("files/grants.json") {
                assert_eq!(about.mode() & 0o077, 0, "{}", path.display());
            }
        }
    }
}

#[test]
fn a_page_that_is_loaded_again_or_crashes_takes_its_scripts_with_it() {
    let scene = scene();
    run(&scene, "disp('in'); while true, x = 1; end");
    scene.until("it to run", "c.said().includes('in')");
    let first = only(&scene);
    scene.load_again();
    until_gone(first);
    // A start that is under way is the page's as well.
    begin(&scene);
    scene.eval("void c.start(c.workspace).catch(() => 0), c.start(c.workspace).catch(() => 0), 0");
    scene.load_again();
    until_none(&scene);

    begin(&scene);
    let second = only(&scene);
    oriel_tests::kill(scene.page_pid(), Signal::KILL);
    until_gone(second);
    assert!(scene.is_alive());
}

#[test]
fn a_grant_that_is_taken_back_ends_its_scripts() {
    let scene = scene();
    run(&scene, "disp('in'); while true, x = 1; end");
    scene.until("it to run", "c.said().includes('in')");
    let running = only(&scene);
    grant(scene.home(), &[]);
    until_gone(running);
    scene.until("its end", "c.told('ended')[0]?.message.includes('not granted any more')");
    let refused = refusal(&scene, "c.start(c.workspace)");
    assert!(refused.contains("was not granted that folder"), "{refused}");
    until_none(&scene);
}

#[test]
fn a_window_that_is_closed_takes_its_scripts_with_it_and_leaves_the_others() {
    let scene = scene();
    run(&scene, "disp('in'); pause(60)");
    scene.until("it to run", "c.said().includes('in')");
    let running = only(&scene);
    let desktop = scene.pid();
    Bare::run(scene.seat(), &Options::new().place("/sessions")).done();
    let display = scene.seat().display();
    _ = display.until_window("^Sessions");
    // The page of a test has no title, and the window is called after the program.
    let window = display.until_window("^Oriel$");
    display.press(&window, &["ctrl+w"]);
    until_gone(running);
    assert!(oriel_tests::scripts::is_running(desktop), "the console's window is there");
    until_empty(scene.home());
}

#[test]
fn a_desktop_that_ends_or_is_killed_leaves_no_process() {
    for (signal, script) in [
        (Signal::TERM, "disp('in'); pause(60)"),
        (Signal::KILL, "disp('in'); while true, disp('flood'); end"),
    ] {
        let scene = scene();
        run(&scene, script);
        scene.until("it to run", "c.said().includes('in')");
        let running = only(&scene);
        oriel_tests::kill(scene.pid(), signal);
        until_gone(running);
        scene.until_gone();
        if signal == Signal::TERM {
            until_empty(scene.home());
        }
    }
}

#[test]
fn there_are_never_more_sessions_than_there_may_be() {
    let scene = scene();
    let came = scene.run(
        "const all = await Promise.allSettled(Array.from({ length: 12 }, () => c.start(c.workspace))); \
         c.all = all.filter((one) => one.status === 'fulfilled').map((one) => one.value); \
         return [c.all.length, [...new Set(all.filter((one) => one.reason).map((one) => String(one.reason)))]]",
    );
    // One was there already.
    let told = "there are 8 sessions already; stop one of them first";
    assert_eq!(came, json!([7, [told]]));
    scene.until("each to be ready", "c.all.every((one) => one.told[0]?.type === 'ready')");
    assert_eq!(below(scene.pid()).len(), 8);
    scene.eval("c.invoke('compute_stop', { session: c.all[0].name })");
    scene.eval("c.start(c.workspace).then((s) => void (c.s = s))");
}

#[test]
fn a_page_without_a_grant_runs_nothing() {
    let scene = scene();
    for workspace in ["f0000000002", "", "../x"] {
        let refused = refusal(&scene, &format!("c.start('{workspace}')"));
        assert!(refused.contains("was not granted that folder"), "{refused}");
    }
    let home = Home::new();
    std::fs::create_dir(home.path("work")).unwrap();
    let work = home.path("work");
    grant(&home, &[("console", &work, "read_write"), ("workbench", &work, "read_write")]);
    let desktop = Desktop::at(&Seat::of(&home), &options());
    desktop.until_console();
    desktop.eval(&format!("void ({SCRIPT}, c.s = {{ name: 'x' }})"));
    for ask in [
        "c.start('f0000000001')",
        "c.start('f0000000002')",
        "c.ask({ type: 'status' })",
        "c.stop(true)",
        "c.invoke('compute_stop', { session: 'x' })",
    ] {
        let came = desktop.eval(&format!("{ask}.then(() => 'ok', () => 'no')"));
        assert_eq!(came, "no", "{ask}");
    }
    assert!(below(desktop.pid()).is_empty());
}

/// A workbench with a session that has nothing to do.
fn scene() -> Workbench {
    let scene = Workbench::with(&options(), "read_write");
    begin(&scene);
    scene
}

/// The desktop finds the program beside itself, or where it looks for programs.
fn options() -> Options {
    let folder = program().parent().unwrap().display().to_string();
    Options::new().variable("PATH", &format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
}

fn begin(scene: &Workbench) {
    scene.eval(&format!("void ({SCRIPT}, c.workspace = '{WORKSPACE}')"));
    scene.eval("c.start(c.workspace).then((session) => void (c.s = session))");
    scene.until("a session", "c.told('ready').length === 1");
}

fn run(scene: &Workbench, text: &str) {
    let text = serde_json::to_string(text).unwrap();
    // The thread that runs scripts may not be done with the one before.
    scene.until(
        "it to be started",
        &format!("c.run({text}).then((answer) => answer.type === 'started' || null)"),
    );
}

/// Returns what a request of the page is refused with.
fn refusal(scene: &Workbench, asks: &str) -> String {
    let came: Value =
        scene.eval(&format!("{asks}.then(() => 'granted', (error) => String(error))"));
    came.as_str().unwrap().to_owned()
}

/// Returns the one process that runs scripts.
fn only(scene: &Workbench) -> u32 {
    let all = below(scene.pid());
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

fn until_none(scene: &Workbench) {
    wait::until("no process for scripts to be left", || {
        below(scene.pid()).is_empty().then_some(())
    });
}

/// Waits until no session has left its variables behind.
fn until_empty(home: &Home) {
    let folder = home.data_dir().join("desktop/compute");
    wait::until("the folders of sessions to be gone", || {
        std::fs::read_dir(&folder).unwrap().next().is_none().then_some(())
    });
}
