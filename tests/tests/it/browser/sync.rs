//! A folder is synced, a conflict met, read and ended on the pages alone, with scripts and without.

use std::fs;

use oriel_tests::browser::{Browser, Options, quoted};
use oriel_tests::sync::Synced;
use oriel_tests::{console, wait};

const PATH: &str = "src/tides.py";
const BASE: &str = "hours = 12\n\n\nunit = 'ft'\n\n\nrows = []\n";
const MINE: &str = "hours = 12.42\n\n\nunit = 'm'\n\n\nrows = []\n";
const THEIRS: &str = "hours = 12\n\n\nunit = 'feet'\n\n\nrows = [1]\n";
const MERGED: &str = "hours = 12.42\n\n\nunit = 'feet' # ü\n\n\nrows = [1]\n";

/// A link to the conflict's page.
const LINK: &str = "#sync-list a[href*='conflict']";

/// Both are equal, as the page says.
const IS_EQUAL: &str = "document.querySelector('#sync-list .chip')?.innerText === 'equal'";

#[test]
fn a_folder_is_synced_and_a_conflict_is_ended_on_the_page() {
    let scene = Scene::new(true);
    scene.begins();
    scene.until_equal();
    assert_eq!(fs::read_to_string(scene.synced.local.join(PATH)).unwrap(), BASE);
    scene.browser.no_trouble(scene.synced.daemon.console(), "the beginning");

    // What happens is shown on the page that is open.
    scene.conflicts();
    scene.browser.until("the conflict", &format!("document.querySelector({})", quoted(LINK)));
    scene.reads_and_ends();
    scene.browser.until("both to be equal again", IS_EQUAL);
    scene.browser.no_trouble(scene.synced.daemon.console(), "the end");
}

#[test]
fn it_is_done_without_scripts_as_well() {
    let scene = Scene::new(false);
    scene.begins();
    scene.until_equal();
    scene.conflicts();
    scene.reads_and_ends();
    scene.until_equal();
    assert!(!scene.browser.has("html[data-connection]"), "no script ran");
    scene.browser.no_trouble(scene.synced.daemon.console(), "without scripts");
}

#[test]
fn a_folder_with_something_in_it_is_asked_about_and_what_was_typed_stays() {
    let scene = Scene::new(true);
    fs::write(scene.synced.local.join("there already"), "1").unwrap();
    scene.visit("/sync");
    scene.starts_by_form();
    scene.browser.until("the question", "document.querySelector('[name=non_empty]')");
    assert!(
        !scene.browser.has("[name=non_empty]:checked"),
        "that it is meant is for a person to say"
    );
    let typed = scene.browser.eval("document.querySelector('#new-folder').value");
    assert_eq!(typed, scene.synced.local.to_str().unwrap());
    scene.browser.click("[name=non_empty]");
    scene.browser.click("button[value=start]");
    scene.until_equal();
    assert!(scene.synced.workspace.join("there already").exists());
}

#[test]
fn a_choice_that_comes_too_late_changes_nothing_and_loses_no_word() {
    let scene = Scene::new(true);
    scene.begins();
    scene.until_equal();
    scene.conflicts();
    scene.goes_to_conflict();
    scene.browser.fill("#merged-text", MERGED);
    fs::write(scene.synced.workspace.join(PATH), "something else\n").unwrap();
    scene.synced.until("the other version", |status| {
        let size = "something else\n".len();
        status["conflicts"][0]["upstream"]["size"] == size
    });
    scene.browser.click("button[value=merged]");
    scene.browser.until_text("another");
    assert_eq!(scene.browser.eval("document.querySelector('#merged-text').value"), MERGED);
    assert_eq!(fs::read_to_string(scene.synced.local.join(PATH)).unwrap(), MINE);
    assert!(scene.browser.text(".versions").contains("something else"));
    scene.browser.click("button[value=merged]");
    scene.browser.until("the list", "location.pathname === '/sync'");
    scene.synced.until_both_hold(PATH, MERGED.as_bytes());
}

#[test]
fn the_pages_have_no_barrier_in_the_dark_in_the_light_or_on_a_telephone() {
    let scene = Scene::new(true);
    let mut barriers = scene.barriers("nothing synced", &["/sync"]);
    scene.begins();
    scene.until_equal();
    scene.conflicts();
    let conflict = scene.goes_to_conflict();
    barriers.extend(scene.barriers("a conflict", &["/sync", &conflict]));
    assert!(barriers.is_empty(), "{} barriers:\n{}", barriers.len(), barriers.join("\n"));
}

/// A browser with a session, and two folders that are not synced yet.
struct Scene {
    browser: Browser,
    synced: Synced,
}

impl Scene {
    fn new(scripts: bool) -> Self {
        let synced = Synced::apart();
        fs::create_dir(synced.workspace.join("src")).unwrap();
        fs::write(synced.workspace.join(PATH), BASE).unwrap();
        let browser = Browser::with(Options { scripts, ..Options::default() });
        browser.goto(&console::one_time_link(&synced.daemon));
        browser.until(
            "the welcome to go on",
            "location.pathname === '/' && document.readyState === 'complete'",
        );
        Self { browser, synced }
    }

    fn visit(&self, path: &str) {
        self.browser.visit(self.synced.daemon.console(), path);
    }

    /// Begins to sync, as a person does who comes to the page for the first time.
    fn begins(&self) {
        self.visit("/sync");
        self.browser.until_text("Nothing is synced");
        self.starts_by_form();
        self.browser.until_text("are kept equal.");
    }

    fn starts_by_form(&self) {
        self.browser.fill("#new-folder", self.synced.local.to_str().unwrap());
        self.browser.click("button[value=start]");
    }

    /// Has both sides change the same while nothing is synced, and starts it again.
    fn conflicts(&self) {
        self.synced.settle();
        self.synced.stop();
        fs::write(self.synced.local.join(PATH), MINE).unwrap();
        fs::write(self.synced.workspace.join(PATH), THEIRS).unwrap();
        self.synced.begin();
        self.synced.until("the conflict", |status| status["state"] == "conflict");
    }

    /// Goes from the list to the conflict, and returns its address.
    fn goes_to_conflict(&self) -> String {
        self.visit("/sync");
        self.browser.click(LINK);
        self.browser.until("the conflict's page", "document.querySelector('#merged-text')");
        let address = self.browser.eval("location.pathname + location.search");
        address.as_str().unwrap().to_owned()
    }

    /// Reads a conflict, makes one text of both versions, and goes on with that.
    fn reads_and_ends(&self) {
        self.goes_to_conflict();
        for (nth, title, differs) in [
            (1, "Before", "hours = 12,unit = 'ft',rows = []"),
            (2, "Here", "hours = 12.42,unit = 'm'"),
            (3, "Workspace", "unit = 'feet',rows = [1]"),
        ] {
            let column = format!(".versions > :nth-child({nth})");
            assert!(
                self.browser.text(&column).starts_with(title),
                "{}",
                self.browser.text(&column)
            );
            let marked = format!(
                "[...document.querySelectorAll('{column} :is(ins, del)')].map((it) => it.innerText.trim()).join()"
            );
            assert_eq!(self.browser.eval(&marked), differs, "{title}");
        }
        let draft = self.browser.eval("document.querySelector('#merged-text').value");
        let draft = draft.as_str().unwrap();
        assert!(draft.contains("hours = 12.42\n") && draft.contains("rows = [1]\n"), "{draft}");
        assert!(draft.contains("unit = 'm'\n") && draft.contains("unit = 'feet'\n"), "{draft}");
        self.browser.fill("#merged-text", MERGED);
        self.browser.click("button[value=merged]");
        self.browser.until("the list", "location.pathname === '/sync'");
        self.browser.until_text("is your text on both sides");
        self.synced.until_both_hold(PATH, MERGED.as_bytes());
    }

    /// Waits until the page says that both are equal, and the conflict is gone from it.
    fn until_equal(&self) {
        wait::until("both to be equal on the page", || {
            self.visit("/sync");
            let is_equal = self.browser.eval(IS_EQUAL) == true && !self.browser.has(LINK);
            is_equal.then_some(())
        });
    }

    /// Returns what keeps somebody from using these pages.
    fn barriers(&self, what: &str, pages: &[&str]) -> Vec<String> {
        let mut barriers = Vec::new();
        for (how, dark, width) in [
            ("light", false, 1280),
            ("dark", true, 1280),
            ("narrow", false, 360),
            ("narrow and dark", true, 360),
        ] {
            self.browser.resize(width, 800);
            self.browser.prefer(dark);
            for path in pages {
                self.visit(path);
                let found = self.browser.barriers();
                barriers
                    .extend(found.into_iter().map(|one| format!("{what}, {path}, {how}: {one}")));
                let beyond =
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth";
                let beyond = self.browser.eval(beyond).as_i64().unwrap_or_default();
                if 0 < beyond {
                    barriers.push(format!("{what}, {path}, {how}: it is {beyond} pixels too wide"));
                }
            }
        }
        self.browser.resize(1280, 800);
        barriers
    }
}
