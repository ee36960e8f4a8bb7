//! The audit is bounded, private, in order, and goes on after whatever cut it off.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const NOON: u64 = 1_770_120_000;

struct House {
    folder: tempfile::TempDir,
    seconds: Arc<AtomicU64>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, seconds: Arc::new(AtomicU64::new(NOON)) }
    }

    fn audit(&self) -> Audit {
        let seconds = Arc::clone(&self.seconds);
        let clock =
            Clock::new(move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed)));
        Audit::in_folder(self.folder.path().join("audit"), AuditConfig { days: 90 }, clock)
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn draft(what: &str) -> Draft {
    Draft { who: "cli".to_owned(), what: what.to_owned(), ..Draft::default() }
}

fn whats(page: &AuditPage) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.what.as_str()).collect()
}

#[test]
fn entries_come_newest_first_in_pages_over_days_and_starts() {
    let house = House::new();
    for nth in 0..7 {
        house.audit().write_now(&draft(&format!("w{nth}")));
        house.pass(40_000);
    }
    let audit = house.audit();
    let first = audit.read(3, None);
    assert_eq!(whats(&first), ["w6", "w5", "w4"]);
    let second = audit.read(3, first.next);
    assert_eq!(whats(&second), ["w3", "w2", "w1"]);
    let third = audit.read(3, second.next);
    assert_eq!((whats(&third), third.next), (vec!["w0"], None));
    assert_eq!(audit.read(7, None).next, None);
}

#[test]
#[cfg(unix)]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    house.audit().write_now(&draft("w"));
    let folder = house.folder.path().join("audit");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("2026-02-03.jsonl")), 0o600);
}

#[test]
fn a_line_that_was_cut_off_spoils_no_other() {
    let house = House::new();
    house.audit().write_now(&draft("before"));
    let path = house.folder.path().join("audit/2026-02-03.jsonl");
    fs::File::options().append(true).open(path).unwrap().write_all(b"{\"id\":9,\"at").unwrap();
    let audit = house.audit();
    audit.write_now(&draft("after"));
    audit.write_now(&draft("later"));
    assert_eq!(whats(&audit.read(9, None)), ["later", "after", "before"]);
}

#[test]
fn fields_are_bounded_and_plain_and_queries_are_left_out() {
    let house = House::new();
    let audit = house.audit();
    audit.write_now(&Draft {
        who: "console:\u{1b}[2J\r\nabc".to_owned(),
        what: "x".repeat(100_000),
        target: "/settings?token=secret#part".to_owned(),
        outcome: "é".repeat(10_000),
        detail: Some("\0\n\u{9b}ok".to_owned()),
        refused: false,
    });
    let entry = audit.read(1, None).entries.remove(0);
    assert_eq!((entry.who.as_str(), entry.target.as_str()), ("console:[2Jabc", "/settings"));
    assert_eq!((entry.what.len(), entry.outcome.chars().count()), (128, 128));
    assert_eq!(entry.detail.as_deref(), Some("ok"));
}

#[test]
fn so_many_refusals_are_written_in_a_minute_and_the_rest_counted() {
    let house = House::new();
    let audit = house.audit();
    let refused = Draft { refused: true, ..draft("no") };
    (0..500).for_each(|_| audit.write_now(&refused));
    audit.write_now(&draft("done"));
    assert_eq!(audit.read(1_000, None).entries.len(), 61, "what was done is always written");
    house.pass(60);
    audit.settle(false);
    let latest = audit.read(1, None).entries.remove(0);
    assert_eq!(latest.outcome, "440 more refusals within a minute");
    audit.settle(false);
    assert_eq!(audit.read(1_000, None).entries.len(), 62, "that is said once");
}

#[test]
fn a_full_day_keeps_what_was_done_and_lets_refusals_go() {
    let house = House::new();
    let audit = house.audit();
    let long = Some("x".repeat(300));
    for nth in 0..600 {
        // Each in a minute of its own, so that none is passed over.
        house.pass(60);
        let refused = Draft { refused: true, detail: long.clone(), ..draft("no") };
        audit.write_now(&if nth % 10 == 0 { draft("done") } else { refused });
    }
    let path = house.folder.path().join("audit/2026-02-03.jsonl");
    assert!(fs::metadata(path).unwrap().len() <= 64 * 1024);
    let all = audit.read(10_000, None);
    assert_eq!(all.entries.iter().filter(|entry| entry.what == "done").count(), 60);
    assert!(all.entries.iter().any(|entry| entry.outcome.contains("gave way")));
    assert_eq!(all.entries[0].what, "no", "the latest is there");
}

#[test]
fn old_days_are_removed() {
    let house = House::new();
    let audit = house.audit();
    audit.write_now(&draft("old"));
    house.pass(91 * 86_400);
    audit.write_now(&draft("new"));
    fs::write(house.folder.path().join("audit/2020-notes.txt"), "not ours").unwrap();
    audit.prune();
    assert_eq!(whats(&audit.read(9, None)), ["new"]);
    assert!(house.folder.path().join("audit/2020-notes.txt").exists());
}
