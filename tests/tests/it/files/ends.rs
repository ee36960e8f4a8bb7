//! What ends with what: a handle with the load of its page, a page's process with a grant that is taken
//! back, and nothing else with a page that crashes.

use oriel_tests::desktop::{Desktop, NOTHING, Options, Seat, Workbench, grant};
use oriel_tests::{Home, Signal, wait};
use serde_json::json;

use super::WAYS;

#[test]
fn a_page_that_is_loaded_again_has_nothing_of_the_load_before() {
    let workbench = Workbench::start();
    workbench.has("a.txt", "hello");
    let held = workbench.run(
        "const out = []; for (const way of ['extension', 'command']) \
           out.push(String(await t.by(way).open('a.txt', 'read', { direct: true }))); return out",
    );
    workbench.load_again();
    for handle in held.as_array().unwrap() {
        let handle = handle.as_str().unwrap();
        for way in WAYS {
            let came = workbench.run(&format!(
                "return (await t.code(() => t.by('{way}').read({handle}n, 0, 1))).code"
            ));
            assert_eq!(came, "bad_handle", "{way}");
        }
        let into = workbench.run(&format!(
            "return (await t.code(() => __orielFiles.readInto(...t.halves({handle}n), 0, new Uint8Array(1)))).code"
        ));
        assert_eq!(into, "bad_handle");
    }
    assert_eq!(workbench.run("return (await t.by('extension').ask('use')).json.handles"), 0);
    for _ in 0..5 {
        workbench.load_again();
        assert_eq!(
            workbench.run("return (await t.by('extension').open('a.txt', 'read')) > 0n"),
            true
        );
    }
    assert_eq!(
        descriptors_of(workbench.pid(), "a.txt"),
        1,
        "what earlier loads had open is closed"
    );
}

#[test]
fn a_grant_that_is_taken_back_ends_the_process_that_has_descriptors() {
    let workbench = Workbench::start();
    workbench.has("a.txt", "hello");
    workbench.run(
        "window.held = t.halves(await t.by('extension').open('a.txt', 'read', { direct: true }))",
    );
    let page = workbench.page_pid();
    assert_eq!(descriptors_of(page, "a.txt"), 1);
    // Another process takes it back.
    grant(workbench.home(), &[]);
    workbench.files().until_trace("desktop/page-ended", |trace| trace["surface"] == "workbench");
    wait::until("the page's process to end", || (descriptors_of(page, "a.txt") == 0).then_some(()));
    _ = workbench.seat().display().until_window("The workbench was loaded again");
    // Its driver went with the process, so the rest is seen from outside.
    wait::until("another process to show the page", || {
        workbench.page_of_now().filter(|pid| *pid != page)
    });
    assert_eq!(descriptors_of(workbench.pid(), "a.txt"), 0);
}

#[test]
fn a_page_that_crashes_says_so_and_can_be_loaded_again() {
    let workbench = Workbench::start();
    workbench.has("a.txt", "hello");
    workbench.run("await t.by('extension').open('a.txt', 'read', { direct: true })");
    oriel_tests::kill(workbench.page_pid(), Signal::KILL);
    workbench.files().until_trace("desktop/page-ended", |trace| trace["how"] == "it crashed");
    // Its driver went with the process, so the rest is seen from outside.
    let display = workbench.seat().display();
    let window = display.until_window("The workbench has stopped");
    assert_eq!(descriptors_of(workbench.pid(), "a.txt"), 0);
    let stopped = workbench.page_of_now();
    display.press(&window, &["Tab", "Return"]);
    _ = display.until_window("^Workbench");
    assert!(workbench.is_alive() && workbench.page_of_now().is_some(), "{stopped:?}");
}

#[test]
fn without_the_extension_files_go_by_commands_and_the_step_is_told() {
    let home = Home::new();
    let folder = home.path("work");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.txt"), "hello").unwrap();
    grant(&home, &[("workbench", &folder, "read_write")]);
    // A program that has nothing beside it.
    let alone = home.path("alone");
    std::fs::create_dir(&alone).unwrap();
    let program = alone.join("oriel-desktop");
    let real = oriel_tests::desktop::program();
    if std::fs::hard_link(&real, &program).is_err() {
        std::fs::copy(&real, &program).unwrap();
    }
    let options = Options::new().program(&program).place(NOTHING);
    let workbench = Workbench::of(Desktop::at(&Seat::of(&home), &options), folder);
    assert_eq!(workbench.eval("typeof window.__orielFiles"), "undefined");
    for way in ["command", "scheme"] {
        let came = workbench.run(&format!(
            "const files = t.by('{way}'); const handle = await files.open('a.txt', 'read', {{ direct: true }}); \
             return new TextDecoder().decode(await files.read(handle, 0, 9))"
        ));
        assert_eq!(came, "hello", "{way}");
    }
    let step = "t.invoke('files_stepped_down', { from: 'extension', to: 'invoke', reason: 'the page has no object' })";
    for _ in 0..2 {
        workbench.eval(step);
    }
    let traced = workbench.files().until_trace("desktop/ipc-fallback", |_| true);
    assert_eq!((&traced["from"], &traced["to"]), (&json!("extension"), &json!("invoke")));
    let shown = workbench.fetch("/__oriel/diagnostics");
    assert!(shown.contains("extension to invoke: 2"), "{shown}");
    assert!(shown.contains("Files extension"), "{shown}");
}

/// Returns how many descriptors of a file a process has.
fn descriptors_of(pid: u32, name: &str) -> usize {
    let Ok(all) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return 0 };
    let targets = all.flatten().filter_map(|one| std::fs::read_link(one.path()).ok());
    targets.filter(|target| target.ends_with(name)).count()
}
