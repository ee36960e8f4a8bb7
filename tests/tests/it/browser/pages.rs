//! Every page loads whole, light and without a complaint, with and without scripts.

use oriel_tests::browser::{Browser, Options};
use oriel_tests::{Console, Daemon};
use serde_json::json;

use super::Scene;

/// The most that a page's first load may bring over the network, with all that it is made of.
const FIRST_LOAD_BYTES_MAX: u64 = 150_000;

#[test]
fn every_page_that_the_navigation_names_is_there() {
    let daemon = Daemon::start();
    let console = Console::of(&daemon);
    let is_missing = |path: &String| console.get(path).status != 200;
    let missing: Vec<String> = console.navigation().into_iter().filter(is_missing).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_page_loads_without_trouble_and_weighs_little() {
    let scene = Scene::new();
    scene.browser.cdp("Network.enable", &json!({}));
    scene.browser.cdp("Network.setCacheDisabled", &json!({ "cacheDisabled": true }));
    _ = scene.browser.take_log();
    let mut heavy = Vec::new();
    for path in scene.console.pages() {
        scene.visit(&path);
        assert!(scene.browser.has("main h1"), "{path} has a heading");
        let bytes = scene.no_trouble(&path).bytes();
        println!("{bytes:>8} bytes  {path}");
        assert!(20_000 < bytes, "{path}: {bytes} bytes cannot be all that it is made of");
        if FIRST_LOAD_BYTES_MAX < bytes {
            heavy.push((path, bytes));
        }
    }
    assert_eq!(heavy, []);
}

#[test]
fn a_daemon_that_knows_nothing_yet_has_every_page() {
    let scene = Scene::of(Daemon::start(), Options::default());
    for path in scene.console.pages() {
        scene.visit(&path);
        assert!(scene.browser.has("main h1"), "{path} has a heading");
        scene.no_trouble(&path);
    }
}

#[test]
fn without_scripts_every_page_is_read_and_forms_are_sent() {
    let scene = Scene::with(Options { scripts: false, ..Options::default() });
    _ = scene.browser.take_log();
    for path in scene.console.pages() {
        scene.visit(&path);
        let text = scene.browser.text("main");
        assert!(40 < text.trim().len(), "{path} says {text:?}");
        let heading = scene.browser.text("main h1");
        assert!(!heading.is_empty(), "{path} has a heading");
        assert!(!scene.browser.has("html[data-connection]"), "no script ran");
        scene.no_trouble(&path);
    }
    scene.visit("/status");
    assert!(scene.browser.has("html[data-theme=auto]"));
    for theme in ["dark", "light"] {
        scene.browser.click("form[action='/theme'] button");
        // A click is answered before the page that it leads to is there.
        let there = format!(
            "location.pathname === '/status' && document.documentElement.dataset.theme === '{theme}'"
        );
        scene.browser.until(&format!("the page in {theme}"), &there);
    }
    scene.no_trouble("/theme");
}

#[test]
fn who_has_no_session_reads_every_page_and_is_offered_no_form() {
    let daemon = Daemon::start();
    daemon.oriel(&["seed", "--events", "100", "--sessions", "3"]).done();
    let console = Console::of(&daemon);
    let browser = Browser::start();
    for path in console.pages() {
        browser.visit(console.addr, &path);
        assert!(browser.has("main h1"), "{path}");
        assert!(!browser.has("form[method=post]"), "{path} offers what would be refused");
        browser.no_trouble(console.addr, &path);
    }
}

#[test]
fn the_way_back_and_forward_leads_through_every_page() {
    let scene = Scene::new();
    let pages: Vec<String> = scene
        .console
        .navigation()
        .into_iter()
        .filter(|path| scene.console.get(path).status == 200)
        .collect();
    scene.visit("/status");
    let mut headings = vec![];
    for path in &pages {
        let link = format!("#nav a[data-goes][href='{path}']");
        scene.browser.click(&link);
        let there = format!(
            "location.pathname === '{path}' && document.querySelector('#nav a[href=\"{path}\"][aria-current]')"
        );
        scene.browser.until(&format!("{path} in place of the page before"), &there);
        headings.push(scene.browser.text("main h1"));
    }
    let is_at = |path: &String, heading: &String| {
        let heading = oriel_tests::browser::quoted(heading);
        let script = format!(
            "location.pathname === '{path}' && document.querySelector('main h1')?.innerText === {heading}"
        );
        scene.browser.until(&format!("{path} again"), &script);
    };
    for (path, heading) in pages.iter().zip(&headings).rev().skip(1) {
        scene.browser.back();
        is_at(path, heading);
    }
    for (path, heading) in pages.iter().zip(&headings).skip(1) {
        scene.browser.forward();
        is_at(path, heading);
    }
    scene.no_trouble("back and forward");
}
