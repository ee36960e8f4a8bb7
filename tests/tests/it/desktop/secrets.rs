//! The token of the daemon, the name of the session and what its forms carry stay where they belong, after
//! a walk through everything that there is to see.

use std::path::{Path, PathBuf};

use oriel_tests::browser::quoted;
use oriel_tests::desktop::{Desktop, Options};
use oriel_tests::events::event;
use oriel_tests::wait;

use super::bridge::Scene;

/// Everything that a script of a page can see, as one text: what the page is made of, what it keeps, what
/// hangs on its window, and what an answer says of itself.
pub(super) const EVERYTHING: &str = "(async () => {
    const seen = new Set(), said = [location.href, document.documentElement.outerHTML, document.cookie,
        document.referrer, JSON.stringify(history.state), JSON.stringify({ ...localStorage }),
        JSON.stringify({ ...sessionStorage }), window.name];
    const walk = (value, depth) => {
        if (typeof value === 'string') { said.push(value); return; }
        if (typeof value === 'function') { said.push(Function.prototype.toString.call(value)); }
        if (value === null || !['object', 'function'].includes(typeof value)) return;
        if (seen.has(value) || depth > 4 || value instanceof Node) return;
        seen.add(value);
        for (const name of Reflect.ownKeys(value)) {
            said.push(String(name));
            try { walk(value[name], depth + 1); } catch { }
        }
    };
    walk(window, 0);
    for (const path of [location.href, '/status', '/desktop/ready']) {
        const answer = await fetch(path);
        said.push(JSON.stringify([...answer.headers]), await answer.text());
    }
    for (const entry of performance.getEntries()) said.push(entry.name);
    return said.join('\\n');
})()";

#[test]
fn no_secret_is_seen_or_written_down_wherever_one_goes() {
    let scene = Scene::new();
    let desktop = &scene.desktop;
    scene.daemon.store(&event("one"));
    let token = scene.daemon.token();
    let asked = scene.front.until_heard("/trial");
    let session =
        asked.header("cookie").and_then(|cookie| cookie.split_once('=')).map(|(_, name)| name);
    let session = session.expect("the session goes along natively").to_owned();
    desktop.go("/status");
    let form = desktop.eval("document.querySelector('[name=_csrf]').value");
    let form = form.as_str().expect("a form carries what proves it").to_owned();
    assert!([&token, &form, &session].iter().all(|secret| 16 <= secret.len()), "{}", form.len());

    let pages = "[...new Set([...document.querySelectorAll('#nav a[href^=\"/\"]')].map((a) => a.getAttribute('href')))].join(' ')";
    let pages = desktop.eval(pages);
    let pages: Vec<String> =
        pages.as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
    assert!(5 < pages.len(), "{pages:?}");
    let hosts = ["/__oriel/diagnostics", "/__oriel/loading?next=/status", "/nothing/there"];
    for path in pages.iter().map(String::as_str).chain(hosts) {
        // The page that says to wait goes on by itself.
        if path.contains("loading") {
            desktop.eval(&format!("void (location.href = {})", quoted(path)));
            desktop.until_at("/status");
        } else {
            desktop.go_anywhere(path);
        }
        let seen = desktop.eval(EVERYTHING).as_str().unwrap_or_default().to_owned();
        assert!(10_000 < seen.len(), "{path}: only {} letters", seen.len());
        for (what, secret) in [("token", &token), ("session's name", &session)] {
            assert!(!seen.contains(secret.as_str()), "{path} shows the {what}");
        }
        assert_eq!(desktop.eval("document.cookie"), "", "{path}");
    }
    // What goes wrong is written down, and with it nothing that came along.
    for hostile in
        ["https://me:pw@example.invalid/?planted-secret", "data:text/html,planted-secret"]
    {
        desktop.eval(&format!("void (location.href = {})", quoted(hostile)));
    }
    let sent = "fetch('/theme?planted-secret', { method: 'POST', headers: { 'X-Planted': 'planted-secret' }, body: 'planted-secret' }).then((answer) => answer.status)";
    assert_eq!(desktop.eval(sent), 403);
    desktop.eval("fetch('/__oriel/planted/nothing').then((answer) => answer.status)");
    desktop
        .files()
        .until_trace("desktop/trusted-navigation-blocked", |trace| trace["to"] == "data:");

    let secrets = [
        ("token", token.as_str()),
        ("session's name", &session),
        ("form's proof", &form),
        ("address", "planted-secret"),
        ("password", "me:pw@"),
    ];
    for process in desktop.processes() {
        for file in ["cmdline", "environ"] {
            let told = std::fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
            let told = String::from_utf8_lossy(&told).into_owned();
            for (what, secret) in &secrets[..3] {
                assert!(!told.contains(secret), "{file} of process {process} holds the {what}");
            }
        }
    }
    let data = desktop.home().data_dir();
    let logs = wait::until("logs", || {
        let logs: Vec<PathBuf> =
            files(&data.join("desktop")).into_iter().chain(files(&data.join("logs"))).collect();
        logs.iter().any(|log| log.ends_with("desktop.log")).then_some(logs)
    });
    for log in logs {
        let text = std::fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for (what, secret) in secrets {
            assert!(!text.contains(secret), "{} holds the {what}", log.display());
        }
    }
}

#[test]
fn what_the_desktop_writes_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let desktop = Desktop::with_console(&Options::new());
    desktop.files().until_trace("desktop/services-up", |_| true);
    let data = desktop.home().data_dir();
    for path in files(&data).into_iter().chain([data]) {
        let meta = path.symlink_metadata().unwrap();
        let open = meta.permissions().mode() & 0o077;
        assert!(open == 0 || meta.is_symlink(), "{} is open to others: {open:o}", path.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}
