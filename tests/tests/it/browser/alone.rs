//! A console in a process of its own outlives every daemon: its page says that there is none, and
//! heals by itself when there is one.

use oriel_tests::browser::Browser;
use oriel_tests::events::event_with;
use oriel_tests::{Alone, Daemon, Home, Launch};
use serde_json::json;

#[test]
fn the_page_of_a_console_alone_heals_as_daemons_come_and_go() {
    let home = Home::new();
    let console = Alone::start(&home);
    let browser = Browser::start();
    browser.visit(console.addr, "/");
    browser.until_text("The runtime does not answer");
    let says = browser.text("main");
    for part in ["503", "oriel serve", "tries again by itself"] {
        assert!(says.contains(part), "{part} is not in {says}");
    }

    let mut daemon = Launch::new().home(&home).start();
    tell(&daemon, "the first words");
    browser.until_text("the first words");
    assert!(!browser.has(".trouble"), "nothing of the trouble is left");
    tell(&daemon, "news");
    browser.until_text("news");

    daemon.kill();
    browser.until_text("The daemon does not answer");
    assert!(browser.text("main").contains("the first words"), "it shows what it knew");
    browser.visit(console.addr, "/status");
    browser.until_text("The runtime does not answer");

    // It listens elsewhere, and only the health file says where.
    daemon.restart();
    browser.until("the status to be there", "!document.querySelector('.trouble')");
    browser.visit(console.addr, "/");
    browser.until_text("the first words");

    daemon.kill();
    browser.until_text("The daemon does not answer");
    daemon.restart();
    tell(&daemon, "later words");
    browser.until_text("later words");
    browser.until("the trouble to be over", "document.querySelector('#connection').hidden");
    assert!(browser.text("main").contains("the first words"), "it lost nothing");
}

fn tell(daemon: &Daemon, words: &str) {
    let members = json!({
        "agent_type": "claude_code", "event_type": "user_prompt", "project": "meadow",
        "metadata": { "message": words },
    });
    daemon.store(&event_with(words, &members));
}
