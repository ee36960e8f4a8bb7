//! Takes a picture of every page in light and dark, of the demonstration, and writes them to a folder:
//! `cargo xtask screenshots`.
#![expect(clippy::print_stdout, reason = "what was written is the program's output")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oriel_tests::browser::{Browser, Options};
use oriel_tests::demo::Demo;
use oriel_tests::{Console, Daemon, wait};

const WIDE: (u32, u32) = (1280, 800);
const TALL: (u32, u32) = (1280, 1040);
const NARROW: (u32, u32) = (390, 844);

/// What is shown of a search.
const SEARCH: &str = "/search?q=retry";

/// What the page of sync says once the demonstration has its conflict.
const IN_CONFLICT: &str = "both sides changed it";

/// The pages that are shown on a telephone too.
const ON_A_TELEPHONE: [&str; 3] = ["/", "/sessions", "/costs"];

/// Nothing is on its way any more, and letters look as they will.
const SETTLED: &str = "document.readyState === 'complete' && document.fonts.status === 'loaded' && \
    !document.querySelector('.htmx-request:not(#live), .htmx-settling, .htmx-swapping')";

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("the folder for the pictures is the first argument");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let demo = Demo::start(true);
    let console = Console::open(&demo.link);
    let camera = Camera { browser: Browser::with(Options::default()), folder };
    camera.sign_in(&console);
    wait::until("the conflict to be there", || {
        console.get("/sync").text().contains(IN_CONFLICT).then_some(())
    });
    camera.every_page(&console);
    camera.first_run();
    camera.degraded();
}

struct Camera {
    browser: Browser,
    folder: PathBuf,
}

impl Camera {
    /// Gives the browser the session's cookie, since a link works once.
    fn sign_in(&self, console: &Console) {
        self.browser.visit(console.addr, "/desktop/ready");
        let cookie = serde_json::json!({
            "name": "oriel_session", "value": console.session(), "path": "/", "httpOnly": true,
            "url": format!("http://{}/", console.addr), "sameSite": "Strict",
        });
        self.browser.cdp("Network.setCookie", &cookie);
    }

    fn every_page(&self, console: &Console) {
        let mut pages: BTreeMap<String, String> = BTreeMap::new();
        for path in console.navigation() {
            pages.insert(name(&path), path);
        }
        if let Some(session) = a_session(console) {
            pages.insert("session".to_owned(), session);
        }
        let in_conflict = |path: &String| path.contains("/conflict?");
        if let Some(path) = console.links("/sync").into_iter().find(in_conflict) {
            pages.insert("sync-conflict".to_owned(), path);
        }
        pages.insert("search-results".to_owned(), SEARCH.to_owned());
        for (name, path) in &pages {
            if console.get(path).status != 200 {
                println!("there is no page at {path}");
                continue;
            }
            // A conflict is read whole: its versions and what comes of them.
            let size = if name == "sync-conflict" { TALL } else { WIDE };
            self.both(name, size, || self.browser.visit(console.addr, path));
            if ON_A_TELEPHONE.contains(&path.as_str()) {
                let name = format!("{name}-narrow");
                self.both(&name, NARROW, || self.browser.visit(console.addr, path));
            }
        }
    }

    fn first_run(&self) {
        let daemon = Daemon::start();
        self.both("first-run", WIDE, || self.browser.visit(daemon.console(), "/"));
    }

    fn degraded(&self) {
        let mut daemon = Daemon::start();
        daemon.oriel(&["seed", "--events", "200", "--sessions", "6"]).done();
        self.browser.visit(daemon.console(), "/");
        daemon.kill();
        self.browser.until_text("does not answer");
        self.both("degraded", WIDE, || {});
    }

    /// Takes a picture in light and one in dark.
    fn both(&self, name: &str, (width, height): (u32, u32), go: impl Fn()) {
        self.browser.resize(width, height);
        for (dark, colours) in [(false, "light"), (true, "dark")] {
            self.browser.prefer(dark);
            go();
            self.browser.until("the page to be still", SETTLED);
            let picture = self.browser.picture();
            let path = self.folder.join(format!("{name}-{colours}.png"));
            std::fs::write(&path, &picture).expect("the picture can be written");
            println!("{:>8} bytes  {}", picture.len(), path.display());
        }
    }
}

/// Returns the page of the session that has most to show.
fn a_session(console: &Console) -> Option<String> {
    let pages = console.pages();
    let of_story = |path: &&String| path.starts_with("/sessions/") && path.contains("demo-");
    let any = |path: &&String| path.starts_with("/sessions/");
    pages.iter().find(of_story).or_else(|| pages.iter().find(any)).cloned()
}

fn name(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "live".to_owned(),
        path => Path::new(path).display().to_string().replace('/', "-"),
    }
}
