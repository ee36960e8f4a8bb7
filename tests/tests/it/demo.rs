//! The demonstration shows a console at work, says what it is, and leaves nothing behind.

use oriel_tests::demo::Demo;
use oriel_tests::{Console, wait};

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
