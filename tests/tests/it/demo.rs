//! The demonstration shows a console at work, says what it is, and leaves nothing behind.

use std::fs;
use std::path::Path;

use oriel_tests::demo::Demo;
use oriel_tests::{Console, wait};
use serde_json::Value;

#[test]
fn the_demonstration_is_said_to_be_one_goes_on_and_removes_itself() {
    let mut demo = Demo::start(false);
    assert!(demo.said[0].contains("made up"), "{:?}", demo.said);
    let api = demo.said.iter().find_map(|line| line.strip_prefix("listening on http://"));
    let api = api.expect("it says where it listens").parse().unwrap();
    let console = Console::open(&demo.link);
    assert!(console.get("/status").status == 200 && 3 < console.navigation().len());

    let ask = |target: &str| {
        let mut connection = oriel_tests::Connection::tcp(api).unwrap();
        connection.send(&oriel_tests::Request::get(target)).unwrap().expect(200).json()
    };
    let events = || ask("/api/stats")["total_events"].as_u64();
    let before = events();
    wait::until("the made-up agents to do something", || (before < events()).then_some(()));
    let imported = || ask("/api/events?limit=1&source=import")["total"].as_u64();
    wait::until("the made-up histories to be imported", || (Some(0) < imported()).then_some(()));
    assert!(ask("/api/waiting").to_string().contains("demo-waits"));

    let (status, left) = demo.interrupt();
    assert!(status.success(), "{status:?}");
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
    assert!(!demo.home().data_dir().exists(), "the user's data directory is not even made");
}

#[test]
fn a_folder_is_kept_equal_with_what_an_agent_writes_and_a_conflict_waits_for_whoever_looks() {
    let mut demo = Demo::start(false);
    let local = demo.local();
    let workspace = local.join("../../agent/tide-table").canonicalize().unwrap();
    let console = Console::open(&demo.link);
    let says = |words: &str| console.get("/sync").text().replace("&#x2f;", "/").contains(words);
    wait::until("the conflict on the page", || says("both sides changed it").then_some(()));
    assert!(says(local.to_str().unwrap()));

    // The agent goes on meanwhile, and so may the visitor.
    let plan = || fs::read_to_string(local.join("plan.md")).unwrap_or_default();
    let before = plan();
    wait::until("the plan to grow", || (before.len() < plan().len()).then_some(()));
    fs::write(local.join("mine.txt"), "mine").unwrap();
    until_equal(&workspace, &local, "mine.txt");

    let ours = demo.data_dir();
    let oriel = |arguments: &[&str]| {
        let data_dir = ["--data-dir", ours.to_str().unwrap()];
        demo.home().oriel(&[arguments, &data_dir].concat())
    };
    let versions: Value = oriel(&["sync", "resolve", "src/tides.py", "--json"]).json();
    assert_eq!(versions["merged"]["conflicts"], 1, "one place in common: {versions:#}");
    oriel(&["sync", "resolve", "src/tides.py", "--keep", "upstream"]).done();
    until_equal(&workspace, &local, "src/tides.py");
    wait::until("the conflict to end", || {
        (!says("both sides changed it") && !says("asks you")).then_some(())
    });
    let text = fs::read_to_string(local.join("src/tides.py")).unwrap();
    assert!(text.contains("sorted(rows)"), "{text}");

    let (status, left) = demo.interrupt();
    assert!(status.success(), "{status:?}");
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_demonstration_that_ends_at_once_leaves_nothing_behind_either() {
    let mut demo = Demo::start(false);
    let (status, left) = demo.interrupt();
    assert!(status.success(), "{status:?}");
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

fn until_equal(one: &Path, other: &Path, name: &str) {
    wait::until(&format!("{name} to be the same on both sides"), || {
        let [one, other] = [one, other].map(|root| fs::read(root.join(name)).ok());
        (one.is_some() && one == other).then_some(())
    });
}
