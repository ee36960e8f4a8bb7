//! A page that somebody looks at shows what happens, and goes on where it was when the daemon comes
//! back.

use oriel_tests::Daemon;
use oriel_tests::browser::Options;
use oriel_tests::events::event_with;
use serde_json::json;

use super::Scene;

#[test]
fn what_happens_is_on_the_page_at_once_in_every_window() {
    let scene = Scene::of(Daemon::start(), Options::default());
    scene.visit("/");
    let first = scene.browser.window();
    let second = scene.browser.new_window();
    scene.browser.switch(&second);
    scene.visit("/");
    for (nth, window) in [&second, &first, &second].into_iter().enumerate() {
        scene.browser.switch(window);
        tell(&scene.daemon, &format!("word-{nth}"));
        for window in [&first, &second] {
            scene.browser.switch(window);
            scene.browser.until_text(&format!("word-{nth}"));
        }
    }
    scene.no_trouble("two windows");
}

#[test]
fn a_tab_that_was_covered_catches_up_when_it_is_shown() {
    let scene = Scene::of(Daemon::start(), Options::default());
    scene.visit("/");
    let first = scene.browser.window();
    let second = scene.browser.new_tab();
    scene.browser.switch(&second);
    scene.visit("/status");
    tell(&scene.daemon, "while-it-was-covered");
    scene.browser.switch(&first);
    scene.browser.until_text("while-it-was-covered");
    tell(&scene.daemon, "and-now");
    scene.browser.until_text("and-now");
    scene.no_trouble("a covered tab");
}

#[test]
fn a_page_says_that_the_daemon_died_and_heals_when_it_is_back() {
    let mut scene = Scene::of(Daemon::start().staying(), Options::default());
    scene.visit("/");
    tell(&scene.daemon, "before");
    scene.browser.until_text("before");
    scene.no_trouble("before");
    scene.daemon.kill();
    scene.browser.until_text("does not answer");
    assert!(scene.browser.text("main").contains("before"), "it shows what it knew");
    scene.daemon.restart();
    tell(&scene.daemon, "after");
    scene.browser.until_text("after");
    scene.browser.until("the trouble to be over", "document.querySelector('#connection').hidden");
    assert!(scene.browser.text("main").contains("before"), "it lost nothing");
    // That nobody answered for a while was said by the browser too, and is no trouble by now.
    _ = scene.browser.take_log();
    tell(&scene.daemon, "later");
    scene.browser.until_text("later");
    scene.browser.click("form[action='/theme'] button");
    scene.browser.until(
        "the session to have outlived the daemon",
        "document.documentElement.dataset.theme === 'dark'",
    );
    scene.no_trouble("after");
}

fn tell(daemon: &Daemon, words: &str) {
    let members = json!({
        "agent_type": "claude_code", "event_type": "user_prompt", "project": "meadow",
        "metadata": { "message": words },
    });
    daemon.store(&event_with(words, &members));
}
