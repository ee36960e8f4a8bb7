//! Where the console's window may go: nowhere but to our own pages, however a page asks. A server of this
//! machine is the witness, and nobody comes to it.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use oriel_tests::browser::quoted;
use oriel_tests::desktop::{Desktop, Options, Seat};
use oriel_tests::front::{Front, htmx};
use oriel_tests::probe::Probe;
use oriel_tests::{Home, Launch, wait};

use super::bridge::{Scene, routes};
use super::invoke;

/// Ways in which a script has a window, a frame or a request go to an address.
const WAYS: [(&str, &str); 16] = [
    ("an assignment", "location.href = URL"),
    ("a replacement", "location.replace(URL)"),
    ("a window", "window.open(URL)"),
    ("a window of our name", "window.open(URL, '_self')"),
    (
        "a link",
        "(() => { const a = document.createElement('a'); a.href = URL; document.body.append(a); a.click(); a.remove(); })()",
    ),
    (
        "a link with a ping",
        "(() => { const a = document.createElement('a'); a.href = '#x'; a.ping = URL; document.body.append(a); a.click(); a.remove(); })()",
    ),
    (
        "a refresh",
        "(() => { const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = '0;url=' + URL; document.head.append(m); })()",
    ),
    (
        "a frame",
        "(() => { const f = document.createElement('iframe'); f.src = URL; document.body.append(f); })()",
    ),
    (
        "an object",
        "(() => { const o = document.createElement('object'); o.data = URL; document.body.append(o); })()",
    ),
    (
        "a form",
        "(() => { const f = document.createElement('form'); f.action = URL; f.method = 'post'; document.body.append(f); f.submit(); f.remove(); })()",
    ),
    ("a picture", "new Image().src = URL"),
    (
        "a style",
        "(() => { const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = URL; document.head.append(l); })()",
    ),
    (
        "a script",
        "(() => { const s = document.createElement('script'); s.src = URL; document.head.append(s); })()",
    ),
    ("a request", "fetch(URL, { mode: 'no-cors' }).catch(() => {})"),
    ("a beacon", "navigator.sendBeacon(URL, 'x')"),
    ("a socket", "(() => { try { new WebSocket(URL.replace('http', 'ws')); } catch { } })()"),
];

/// Addresses of kinds that no window of ours shows.
const KINDS: [&str; 12] = [
    "data:text/html,<h1>foreign</h1>",
    "file:///etc/passwd",
    "about:config",
    "view-source:http://127.0.0.1/",
    "ftp://127.0.0.1/",
    "tauri://localhost/",
    "ipc://localhost/desktop_health",
    "asset://localhost/etc/passwd",
    "oriel://elsewhere/",
    "oriel://localhost:1/",
    "unknown-scheme:do/something",
    "http://[::1]:1/",
];

#[test]
fn nothing_that_a_page_does_reaches_a_server_of_this_machine() {
    let probe = Probe::start();
    let scene = Scene::new();
    for (how, way) in WAYS {
        scene.fresh();
        let url = probe.url(&format!("/{}", how.replace(' ', "-")));
        // The answer may be lost where the page is.
        scene.desktop.eval(&format!("(() => {{ const URL = {}; void ({way}); }})()", quoted(&url)));
        unmoved(&scene, how);
    }
    assert_eq!(probe.visits(), Vec::<String>::new());
    let blocked = scene.desktop.files().traces_of("desktop/trusted-navigation-blocked");
    assert!(5 <= blocked.len(), "the host tells of what it kept a page from: {blocked:#?}");
    let told = format!("{blocked:?}");
    assert!(!told.contains("an-assignment"), "and not of more than where to: {told}");
}

#[test]
fn no_address_of_another_kind_is_shown() {
    let scene = Scene::new();
    for url in KINDS {
        for (how, way) in &WAYS[..9] {
            // A request of its own makes no way for an address of another kind.
            if *how == "a link with a ping" {
                continue;
            }
            scene.fresh();
            scene
                .desktop
                .eval(&format!("(() => {{ const URL = {}; void ({way}); }})()", quoted(url)));
            unmoved(&scene, &format!("{how} to {url}"));
        }
    }
    // These the page makes itself.
    for (how, way) in [
        (
            "a blob",
            "location.href = window.URL.createObjectURL(new Blob(['<h1>foreign</h1>'], { type: 'text/html' }))",
        ),
        (
            "a blob in a frame",
            "(() => { const f = document.createElement('iframe'); f.src = window.URL.createObjectURL(new Blob(['<script>parent.ran = 1</script>'], { type: 'text/html' })); document.body.append(f); })()",
        ),
        ("a script as an address", "location.href = 'javascript:window.ran = 1'"),
        (
            "a script as a link",
            "(() => { const a = document.createElement('a'); a.href = 'javascript:window.ran = 1'; document.body.append(a); a.click(); })()",
        ),
        (
            "a page in a frame",
            "(() => { const f = document.createElement('iframe'); f.srcdoc = '<script>parent.ran = 1</script>'; document.body.append(f); })()",
        ),
        (
            "a handler",
            "document.body.insertAdjacentHTML('beforeend', '<img src=\"/nothing\" onerror=\"window.ran = 1\">')",
        ),
    ] {
        scene.fresh();
        scene.desktop.eval(&format!("void ({way})"));
        unmoved(&scene, how);
        assert_eq!(scene.desktop.eval("typeof window.ran"), "undefined", "{how} ran");
    }
}

#[test]
fn an_answer_leads_away_no_more_than_a_page_does() {
    let probe = Probe::start();
    let scene = Scene::new();
    for name in ["HX-Redirect", "HX-Location"] {
        scene.fresh();
        let url = quoted(&format!("/trial/says?name={name}&value={}", probe.url("/led")));
        scene.desktop.eval(&format!("void htmx.ajax('GET', {url}, '#out')"));
        let asked = scene.front.until_heard("/trial/says");
        assert_eq!(asked.header("hx-request"), Some("true"));
        unmoved(&scene, name);
    }
    let urls = [probe.url("/led"), "file:///etc/passwd".to_owned(), "//127.0.0.1:9/".to_owned()];
    for url in urls {
        let to = quoted(&format!("/trial/says?name=Location&value={url}"));
        scene.fresh();
        let asked = format!("fetch({to}).then((answer) => answer.text(), () => '')");
        let said = scene.desktop.eval(&asked);
        assert!(!said.to_string().contains("Probe"), "{url}: {said}");
        unmoved(&scene, &url);
    }
    assert_eq!(probe.visits(), Vec::<String>::new());
}

#[test]
fn a_modules_page_may_call_no_native_command() {
    let home = Home::new();
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    let guest = "<!doctype html><title>Guest</title><main><h1>Guest</h1></main>";
    let routes = routes(&htmx(&daemon))
        .merge(Router::new().route("/modules/guest/", get(move || async move { Html(guest) })));
    let _front = Front::before(&daemon, routes);
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    desktop.until_console();
    assert!(invoke(&desktop, "desktop_health", "{}").is_ok());
    desktop.go("/modules/guest/");
    for (command, arguments) in [
        ("desktop_runtime_status", "{}"),
        ("desktop_health", "{}"),
        ("preview_open", "{ url: 'https://example.org/' }"),
        ("preview_url", "{}"),
        ("pick_file", "{}"),
        ("window_new", "{}"),
        ("window_zoom", "{ factor: 2 }"),
        ("window_title_bar", "{ system: false }"),
        ("retry_start", "{}"),
    ] {
        let came = invoke(&desktop, command, arguments);
        assert!(came.is_err(), "{command} gives {came:?}");
    }
    // A page may write another address over its own, and is no other page for it.
    desktop.eval("history.replaceState(null, '', '/status')");
    for command in ["desktop_health", "preview_url"] {
        let came = invoke(&desktop, command, "{}");
        assert!(came.is_err(), "{command} gives {came:?} to a guest that took another address");
    }
    assert_eq!(desktop.seat().display().windows().len(), 1);
}

#[test]
fn a_command_that_the_label_is_not_granted_is_refused() {
    let desktop = Desktop::with_console(&Options::new());
    assert!(invoke(&desktop, "retry_start", "{}").is_err(), "that is for the page of diagnostics");
    for (command, arguments) in [
        ("preview_open", "{ url: 'file:///etc/passwd' }"),
        ("preview_open", "{ url: 'http://127.0.0.1:9/' }"),
        ("preview_open", "{ url: 'javascript:1' }"),
        ("preview_open", "{ url: 'https://me:pw@example.org/' }"),
        ("preview_open", "{ url: 7 }"),
        ("preview_open", "{}"),
    ] {
        let came = invoke(&desktop, command, arguments);
        assert!(came.is_err(), "{command} with {arguments} gives {came:?}");
    }
    assert_eq!(desktop.files().traces_of("desktop/preview-opened").len(), 0);
}

#[test]
fn more_windows_than_there_may_be_are_not_opened() {
    let desktop = Desktop::with_console(&Options::new());
    for _ in 0..2 {
        invoke(&desktop, "window_new", "{ place: '/sessions' }").unwrap();
    }
    let display = desktop.seat().display();
    let count = || display.windows().len();
    wait::until("two more windows", || (count() == 3).then_some(()));
    invoke(&desktop, "window_new", "{ place: 'https://example.org/' }").unwrap();
    wait::until("one more, at our own page", || (count() == 4).then_some(()));
    for _ in 0..20 {
        // From some number on they are refused.
        _ = invoke(&desktop, "window_new", "{}");
    }
    assert!(invoke(&desktop, "window_new", "{}").is_err());
    assert!(count() <= 8, "{:?}", display.windows());
    assert!(desktop.is_alive());
}

/// Checks that the page is where it was, once everything that it began has had its turn.
fn unmoved(scene: &Scene, how: &str) {
    let turn = "new Promise((done) => setTimeout(() => fetch('/trial/part').then(() => \
        requestAnimationFrame(() => setTimeout(done, 0))), 0))";
    scene.desktop.eval(turn);
    assert_eq!(scene.desktop.eval("window.stays"), true, "{how} took the page away");
    assert_eq!(scene.desktop.eval("location.pathname"), "/trial", "{how}");
    assert!(!scene.desktop.text("body").contains("foreign"), "{how}");
}
