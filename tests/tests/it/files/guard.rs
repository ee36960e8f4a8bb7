//! Who has files is the workbench's page and nobody else; and whatever that page sends, by whatever way,
//! it is answered and does no harm.

use oriel_tests::Home;
use oriel_tests::desktop::{Bare, Desktop, NOTHING, Options, Seat, WORKBENCH, Workbench, grant};
use oriel_tests::probe::Probe;
use serde_json::{Value, json};

use super::{WAYS, number};

/// What a page can get at: the object, the commands, the scheme.
const REACH: &str = "(async () => { \
    const asked = async (work) => { try { return ['ok', await work()]; } catch (error) { return ['no', String(error)]; } }; \
    const head = new Uint8Array(32); head.set([0x4f, 0x46, 1, 1]); \
    const invoke = (command, given) => asked(() => window.__TAURI_INTERNALS__.invoke(command, given)); \
    const picture = await new Promise((done) => { const image = new Image(); \
      image.onload = () => done('ok'); image.onerror = () => done('no'); \
      image.src = 'orielfs://localhost/file/f0000000001/dot.svg'; }); \
    return { object: typeof window.__orielFiles, picture, \
      call: (await invoke('files_call', head))[0], text: (await invoke('files_call_text', { message: '' }))[0], \
      down: (await invoke('files_stepped_down', { from: 'a', to: 'b', reason: '' }))[0], \
      grant: (await invoke('files_grant', { access: 'read' }))[0], \
      settings: (await invoke('files_open_settings', {}))[0], \
      scheme: (await asked(() => fetch('orielfs://localhost/call', { method: 'POST', body: head })))[0] }; })()";

#[test]
fn no_other_page_has_the_object_the_commands_or_the_scheme() {
    let home = Home::new();
    let folder = home.path("work");
    std::fs::create_dir(&folder).unwrap();
    let dot = "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>";
    std::fs::write(folder.join("dot.svg"), dot).unwrap();
    grant(&home, &[("workbench", &folder, "read_write"), ("console", &folder, "read_write")]);
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    desktop.until_console();
    let nothing = json!({
        "object": "undefined", "picture": "no", "call": "no", "text": "no", "down": "no",
        "grant": "no", "settings": "no", "scheme": "no",
    });
    assert_eq!(desktop.eval(REACH), nothing, "the console's pages");
    desktop.go_anywhere("/__oriel/diagnostics");
    assert_eq!(desktop.eval(REACH), nothing, "the host's own pages");

    // Beside an open workbench it is the same.
    Bare::run(desktop.seat(), &Options::new().place(WORKBENCH)).done();
    _ = desktop.seat().display().until_window("Workbench");
    assert_eq!(desktop.eval(REACH), nothing, "the console's pages beside a workbench");
    assert_eq!(desktop.files().traces_of("desktop/ipc-fallback").len(), 0);
}

#[test]
fn a_frame_of_the_page_has_nothing() {
    let workbench = Workbench::start();
    let came = workbench.run(
        "const out = {}; const frame = (set) => new Promise((done) => { \
           const one = document.createElement('iframe'); set(one); \
           one.onload = one.onerror = () => done(one); setTimeout(() => done(one), 2000); document.body.append(one); }); \
         const typed = (one) => { try { return typeof one.contentWindow.__orielFiles; } catch { return 'kept out'; } }; \
         out.empty = typed(await frame(() => { })); \
         out.same = typed(await frame((one) => (one.src = '/client/workbench/'))); \
         out.text = typed(await frame((one) => (one.srcdoc = '<p>x'))); \
         out.page = typeof window.__orielFiles; return out",
    );
    for frame in ["empty", "same", "text"] {
        assert!(came[frame] == "undefined" || came[frame] == "kept out", "{frame}: {came}");
    }
    assert_eq!(came["page"], "object");
}

#[test]
fn the_window_shows_the_workbench_and_leads_nowhere_else() {
    let probe = Probe::start();
    let workbench = Workbench::start();
    workbench.eval("void (window.stays = true)");
    for url in [
        "/sessions".to_owned(),
        "/client/".to_owned(),
        "/client/workbenches".to_owned(),
        probe.url("/led"),
        "orielfs://localhost/file/f0000000001/x".to_owned(),
        "data:text/html,x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "oriel://elsewhere/client/workbench/".to_owned(),
    ] {
        let url = serde_json::to_string(&url).unwrap();
        workbench.eval(&format!("void (location.href = {url})"));
        workbench.eval("new Promise((done) => setTimeout(() => fetch('/__oriel/standing?seen=').then(done), 0))");
        assert_eq!(
            workbench.eval("[window.stays, location.pathname]"),
            json!([true, NOTHING]),
            "{url}"
        );
    }
    let came = workbench.run(&format!(
        "const asked = async (work) => {{ try {{ await work(); return 'ok'; }} catch {{ return 'no'; }} }}; \
         return [await asked(() => fetch({:?}, {{ mode: 'no-cors' }})), (await fetch('/sessions')).status, (await fetch('/api/events')).status, \
           await asked(() => (0, eval)('1')), await asked(() => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])))]",
        probe.url("/fetched")
    ));
    assert_eq!(came, json!(["no", 403, 403, "no", "ok"]));
    assert_eq!(probe.visits(), Vec::<String>::new());
}

#[test]
fn a_page_that_sends_anything_at_all_harms_nobody() {
    let seconds = number("ORIEL_TEST_SECONDS", 2);
    let workbench = Workbench::start();
    workbench.has("a.txt", "0123456789");
    let (host, page) = (workbench.pid(), workbench.page_pid());
    let memory = || megabytes(host) + megabytes(page);
    for way in WAYS {
        let before = memory();
        let told = workbench.run_long(&format!("return t.noise('{way}', {})", seconds * 1000));
        assert!(told["sent"].as_u64().unwrap() > 20, "{way}: {told}");
        assert!(told["answered"].as_u64().unwrap() > 0, "{way}: {told}");
        let grown = memory().saturating_sub(before);
        assert!(grown < 300, "{way}: {grown} MB more after {told}");
        let works = workbench.run(&format!(
            "const files = t.by('{way}'); const handle = await files.open('a.txt', 'read'); \
             const some = new TextDecoder().decode(await files.read(handle, 2, 3)); await files.close(handle); return some"
        ));
        assert_eq!(works, "234", "{way} after {told}");
        assert_eq!((workbench.pid(), workbench.page_pid()), (host, page), "nothing crashed");
    }
    let functions = workbench.run_long(&format!(
        "const random = () => {{ const some = [0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 53, NaN, 'x', null, {{}}, [], Math.random() * 2 ** 53, \
           new Uint8Array(Math.random() * 9e6), new Float64Array(Math.random() * 1e5), new ArrayBuffer(9), new DataView(new ArrayBuffer(9))]; \
           return some[Math.floor(Math.random() * some.length)]; }}; \
         const until = performance.now() + {}; let calls = 0; \
         while (performance.now() < until) {{ for (const name of ['call', 'readInto', 'writeFrom']) {{ calls++; \
           try {{ __orielFiles[name](random(), random(), random(), random()); }} catch (error) {{ if (!error.code) throw error; }} }} \
           if (calls % 300 === 0) await new Promise((go) => setTimeout(go)); }} \
         return calls",
        seconds * 1000
    ));
    assert!(functions.as_u64().unwrap() > 100);
    assert_eq!((workbench.pid(), workbench.page_pid()), (host, page), "nothing crashed");
    let gone: Value = workbench.eval("t.by('command').ask('use').then((use) => use.json.handles)");
    assert_eq!(gone, 0, "no noise opened anything");
    assert_eq!(std::fs::read_to_string(workbench.path("a.txt")).unwrap(), "0123456789");
}

/// Returns how much memory a process has for itself.
fn megabytes(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default()
        / 1024
}
