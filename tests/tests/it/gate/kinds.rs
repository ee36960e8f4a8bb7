//! Each kind of blocker is made for real, shown, acted on, and left by a restart; what hooks tell
//! meanwhile is there afterwards, once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use oriel_tests::events::event;
use oriel_tests::{Daemon, Home, Launch};
use rustix::fs::{FallocateFlags, fallocate};
use serde_json::{Value, json};

use super::{act, audited, blockers, expect, hook, restart, set_version, version, wait_for_events};

const NOTHING: Value = Value::Null;

#[test]
fn a_file_of_settings_that_cannot_be_used_is_told_of_and_mended() {
    let home = Home::new();
    home.write("config.toml", "access = \"loopback\"\nlisten.prot = 1\n");
    let mut daemon = start(&home);
    assert_eq!(blockers(&daemon), ["config-invalid"]);
    let readiness = daemon.control("GET", "/control/readiness").json();
    assert_eq!(readiness["restartable"], true);
    let reason = readiness["blockers"][0]["reason"].as_str().unwrap();
    for part in ["config.toml", "listen.port?", "line 2", "restart"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    assert!(daemon.log().contains("listen.prot"), "the log says so too");
    assert_eq!(daemon.oriel(&["status"]).code, Some(0));
    assert!(daemon.oriel(&["audit", "--json"]).json()["entries"].is_array());
    let doctor = daemon.oriel(&["doctor"]);
    assert!(doctor.stdout.contains("/control/restart"), "{doctor:?}");
    let shown = act(&daemon, "config-invalid", "inspect", &NOTHING).expect(200).json();
    assert_eq!(shown["outcome"], "shown");
    assert!(shown["inspection"]["facts"].to_string().contains("\"2\""), "{shown}");
    hook(&daemon, "s1");
    hook(&daemon, "s2");

    restart(&mut daemon);
    assert_eq!(blockers(&daemon), ["config-invalid"], "nothing repairs itself");
    home.write("config.toml", "access = \"loopback\"\n");
    assert_eq!(blockers(&daemon), ["config-invalid"], "nor in the same process");
    let answer = act(&daemon, "config-invalid", "restart", &NOTHING).expect(200).json();
    assert_eq!(answer["outcome"], "restarting");
    daemon.come_back();
    assert_eq!(blockers(&daemon), Vec::<String>::new());
    wait_for_events(&daemon, 2);
    assert_eq!(audited(&daemon, "/config-invalid/inspect").len(), 1);
    let entry = audited(&daemon, "/config-invalid/restart").remove(0);
    assert_eq!((&entry["who"], &entry["outcome"]), (&json!("control"), &json!("200 OK")));
    assert_eq!(entry["what"], "POST /control/readiness/{id}/{action}");
    home.write("config.toml", "\u{0}");
    daemon.restart();
    assert_eq!(blockers(&daemon), ["config-invalid"]);
}

#[test]
fn what_is_not_there_or_not_offered_is_refused() {
    let home = Home::new();
    home.write("config.toml", "nonsense");
    let daemon = start(&home);
    for (id, action, status) in [
        ("config-invalid", "sign", 409),
        ("config-invalid", "nonsense", 409),
        ("nothing", "inspect", 404),
        ("unsigned-module-config:..", "sign", 404),
    ] {
        expect(&act(&daemon, id, action, &json!({})), status);
    }
    expect(&act(&daemon, "config-invalid", "inspect", &json!("no object")), 400);
    let long = json!({ "path": "x".repeat(20_000) });
    expect(&act(&daemon, "config-invalid", "inspect", &long), 413);
    drop(daemon);
    home.write("config.toml", "");
    let daemon = start(&home);
    expect(&act(&daemon, "config-invalid", "restart", &json!({})), 404);
}

#[test]
fn a_backup_takes_the_place_of_a_later_store_which_is_kept() {
    let mut daemon = start(&Home::new());
    daemon.store(&event("e1"));
    daemon.oriel(&["store", "backup"]).done();
    daemon.store(&event("e2"));
    assert!(daemon.terminate().status.success());
    let data = daemon.home().data_dir();
    let store = data.join("oriel.db");
    let known = version(&store);
    set_version(&store, known + 1);
    let later = fs::read(&store).unwrap();
    // What cannot be restored is not offered.
    fs::copy(&store, data.join("backups/later.db")).unwrap();
    fs::write(data.join("backups/notes.db"), "no store").unwrap();
    daemon.restart();
    let id = "store-newer-than-program";
    assert_eq!(blockers(&daemon), [id]);
    let shown = act(&daemon, id, "restore-backup", &NOTHING).expect(200).json();
    let backups = shown["inspection"]["backups"].as_array().unwrap();
    assert_eq!((backups.len(), &shown["outcome"]), (1, &json!("shown")), "{shown}");
    let backup = backups[0]["path"].as_str().unwrap().to_owned();
    for elsewhere in ["/etc/passwd", "oriel.db", store.to_str().unwrap()] {
        expect(&act(&daemon, id, "restore-backup", &json!({ "path": elsewhere })), 400);
    }
    let up = format!("{}/backups/../oriel.db", data.display());
    expect(&act(&daemon, id, "restore-backup", &json!({ "path": up })), 400);
    let none = json!({ "path": data.join("backups/notes.db") });
    expect(&act(&daemon, id, "restore-backup", &none), 409);
    hook(&daemon, "s1");

    let done = act(&daemon, id, "restore-backup", &json!({ "path": backup })).expect(200).json();
    assert_eq!((&done["outcome"], &done["blockers"]), (&json!("done"), &json!([])), "{done}");
    assert!(done["message"].as_str().unwrap().contains("restart"), "{done}");
    assert_eq!(daemon.get("/api/stats").status, 503, "the same process stays in the gate");
    expect(&act(&daemon, id, "restore-backup", &json!({ "path": backup })), 404);
    let doctor = daemon.oriel(&["doctor"]);
    assert!(doctor.stdout.contains("has not been restarted"), "{doctor:?}");
    restart(&mut daemon);
    wait_for_events(&daemon, 2);
    daemon.verify();
    assert_eq!(fs::read(set_aside(&data).join("oriel.db")).unwrap(), later, "it is not deleted");
    assert_eq!(audited(&daemon, "/restore-backup").len(), 8);
}

#[test]
fn a_store_of_an_earlier_version_is_copied_before_it_changes() {
    let home = Home::new();
    home.write("oriel.db", "");
    fs::copy(earlier_store(), home.data_dir().join("oriel.db")).unwrap();
    let daemon = start(&home);
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 6);
    let copies: Vec<PathBuf> = files(&home.data_dir().join("backups"));
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(version(&copies[0]), 1);
    assert_eq!(fs::metadata(&copies[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_store_that_cannot_be_copied_is_not_changed() {
    let home = Home::new();
    home.write("oriel.db", "");
    let store = home.data_dir().join("oriel.db");
    fs::copy(earlier_store(), &store).unwrap();
    let bytes = fs::read(&store).unwrap();
    // Where a file is no folder can be made, for whomever.
    home.write("backups", "in the way");
    let mut daemon = start(&home);
    let id = "store-needs-migration-backup";
    assert_eq!(blockers(&daemon), [id]);
    assert_eq!(act(&daemon, id, "inspect", &NOTHING).expect(200).json()["outcome"], "shown");
    expect(&act(&daemon, id, "back-up", &NOTHING), 409);
    expect(&act(&daemon, id, "back-up", &json!({ "path": store })), 409);
    expect(&act(&daemon, id, "back-up", &json!({ "path": "relative.db" })), 400);
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), [id]);
    assert!(fs::read(&store).unwrap() == bytes, "the store was changed");
    hook(&daemon, "s1");
    let copy = home.path("copy.db");
    expect(&act(&daemon, id, "back-up", &json!({ "path": copy })), 200);
    assert_eq!(version(&copy), 1);
    restart(&mut daemon);
    wait_for_events(&daemon, 7);
    daemon.verify();
    assert_eq!(audited(&daemon, "/back-up").len(), 4);
}

#[test]
fn permissions_are_restricted_where_that_is_asked_for() {
    let mut daemon = start(&Home::new());
    assert!(daemon.terminate().status.success());
    let data = daemon.home().data_dir();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("authtok"), fs::Permissions::from_mode(0o644)).unwrap();
    daemon.restart();
    let ids = ["data-dir-permissions:data-dir", "data-dir-permissions:authtok"];
    assert_eq!(blockers(&daemon), ids);
    hook(&daemon, "s1");
    let shown = act(&daemon, ids[0], "inspect", &NOTHING).expect(200).json();
    assert!(shown["inspection"]["facts"].to_string().contains("0755"), "{shown}");
    for id in ids {
        expect(&act(&daemon, id, "restrict", &NOTHING), 200);
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("authtok"))), (0o700, 0o600));
    restart(&mut daemon);
    wait_for_events(&daemon, 1);
    assert_eq!(audited(&daemon, "/restrict").len(), 2);
}

#[test]
fn a_module_waits_for_the_operators_word_and_a_change_takes_it_back() {
    let home = Home::new();
    module(&home, "hello");
    module(&home, "other");
    let mut daemon = start(&home);
    let [hello, other] = ["hello", "other"].map(|id| format!("unsigned-module-config:{id}"));
    assert_eq!(blockers(&daemon), [hello.as_str(), other.as_str()]);
    let shown = act(&daemon, &hello, "inspect", &NOTHING).expect(200).json();
    assert!(shown["inspection"]["facts"].to_string().contains("label = "), "{shown}");
    let refused = act(&daemon, &hello, "sign", &NOTHING).expect(423).json();
    assert!(refused["error"].as_str().unwrap().contains("create one"), "{refused}");
    expect(&act(&daemon, &hello, "create-key", &NOTHING), 200);
    expect(&act(&daemon, &hello, "create-key", &NOTHING), 409);
    expect(&act(&daemon, &hello, "sign", &json!({ "digest": "sha256:other" })), 409);
    let digest = fact(&shown, "digest");
    expect(&act(&daemon, &hello, "sign", &json!({ "digest": digest })), 200);
    expect(&act(&daemon, &other, "deny", &NOTHING), 200);
    hook(&daemon, "s1");
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), Vec::<String>::new(), "a denied module blocks nothing");
    wait_for_events(&daemon, 1);

    let folder = home.data_dir().join("modules/hello");
    fs::write(folder.join("page.html"), "<p>changed").unwrap();
    fs::write(folder.join("new.html"), "").unwrap();
    restart(&mut daemon);
    let stale = "stale-module-signature:hello";
    assert_eq!(blockers(&daemon), [stale]);
    let shown = act(&daemon, stale, "inspect", &NOTHING).expect(200).json();
    let changes: Vec<String> = shown["inspection"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| format!("{} {}", file["path"], file["change"]).replace('"', ""))
        .collect();
    assert_eq!(changes, ["module.toml same", "new.html added", "page.html changed"]);

    fs::remove_dir_all(home.data_dir().join("keys")).unwrap();
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), ["signing-key-missing", stale]);
    assert_eq!(act(&daemon, "signing-key-missing", "inspect", &NOTHING).status, 200);
    expect(&act(&daemon, stale, "sign", &NOTHING), 423);
    expect(&act(&daemon, "signing-key-missing", "create-key", &NOTHING), 200);
    expect(&act(&daemon, stale, "sign", &NOTHING), 200);
    restart(&mut daemon);
    wait_for_events(&daemon, 1);
    let outcomes: Vec<String> = audited(&daemon, "/sign")
        .iter()
        .rev()
        .map(|entry| entry["outcome"].as_str().unwrap()[..3].to_owned())
        .collect();
    assert_eq!(outcomes, ["423", "409", "200", "423", "200"]);
    assert_eq!((audited(&daemon, "/deny").len(), audited(&daemon, "/create-key").len()), (1, 3));
    assert_eq!(home.oriel(&["audit"]).code, Some(0));
}

#[test]
fn a_disk_without_room_is_told_of_before_a_write_fails() {
    let home = Home::new();
    home.write("config.toml", "store.free_mib_min = 1000000000\n");
    let mut daemon = start(&home);
    assert_eq!(blockers(&daemon), ["disk-nearly-full"]);
    let shown = act(&daemon, "disk-nearly-full", "inspect", &NOTHING).expect(200).json();
    assert!(fact(&shown, "needed").contains("1000000000 MiB"), "{shown}");
    hook(&daemon, "s1");
    let doctor = daemon.oriel(&["doctor"]);
    assert!(doctor.stdout.contains("make room"), "{doctor:?}");
    home.write("config.toml", "store.free_mib_min = 0\n");
    restart(&mut daemon);
    wait_for_events(&daemon, 1);
}

#[test]
fn a_disk_that_fills_up_while_the_daemon_runs_is_told_of_and_it_goes_on() {
    let home = Home::new();
    // Others write to this disk too, so on both sides of the mark there is room for them.
    const MARGIN_MIB: u64 = 1024;
    let free = free_mib(&home.path(""));
    assert!(2 * MARGIN_MIB < free, "this test needs {} MiB of disk", 2 * MARGIN_MIB);
    let mark = (free - MARGIN_MIB).to_string();
    let launch = Launch::new().home(&home).set("import.auto", "false");
    let daemon = launch.set("store.free_mib_min", &mark).start();
    assert_eq!(blockers(&daemon), Vec::<String>::new(), "there was room at the start");
    let file = fs::File::create(home.path("much")).unwrap();
    fallocate(&file, FallocateFlags::empty(), 0, 2 * MARGIN_MIB * 1024 * 1024).unwrap();
    let notice = oriel_tests::wait::until("a notice of the disk", || {
        let page = daemon.get("/api/notices").expect(200).json();
        let notices = page["notices"].as_array()?;
        notices.iter().find(|notice| notice["reason"] == "disk_nearly_full").cloned()
    });
    assert_eq!(notice["priority"], "high", "{notice}");
    let body = notice["body"].as_str().unwrap();
    assert!(body.contains("make room") && body.contains(&format!("{mark} MiB")), "{body}");
    daemon.store(&event("e1"));
    assert_eq!(blockers(&daemon), Vec::<String>::new(), "it goes on");
}

#[test]
fn records_without_the_key_that_signed_them_are_told_of_and_stay_as_they_are() {
    let home = Home::new();
    let mut daemon = start(&home);
    daemon.oriel(&["keys", "create"]).done();
    let said = ["--kind", "url", "--id", "https://example.org/", "--rating", "4"];
    daemon.oriel(&[&["opinions", "compose"], &said[..]].concat()).done();
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), Vec::<String>::new());
    let records = daemon.oriel(&["opinions", "export"]).done().to_owned();

    let keys = home.data_dir().join("keys");
    fs::rename(&keys, home.path("keys-elsewhere")).unwrap();
    restart(&mut daemon);
    let missing = "signing-key-missing";
    assert_eq!(blockers(&daemon), [missing]);
    let readiness = daemon.control("GET", "/control/readiness").json();
    let reason = readiness["blockers"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("records in the store were signed"), "{reason}");
    // Whoever puts the key back needs no other.
    fs::rename(home.path("keys-elsewhere"), &keys).unwrap();
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), Vec::<String>::new());

    fs::remove_dir_all(&keys).unwrap();
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), [missing]);
    expect(&act(&daemon, missing, "create-key", &NOTHING), 200);
    assert_eq!(blockers(&daemon), Vec::<String>::new());
    restart(&mut daemon);
    assert_eq!(blockers(&daemon), Vec::<String>::new());
    assert_eq!(daemon.oriel(&["opinions", "export"]).done(), records);
    home.write("records.jsonl", &records);
    let file = home.data_dir().join("records.jsonl").display().to_string();
    daemon.oriel(&["opinions", "verify", &file]).done();
}

#[test]
fn a_kill_in_the_middle_of_an_action_leaves_something_usable() {
    let mut rng = fastrand::Rng::new();
    let mut daemon = start(&Home::new());
    daemon.store(&event("e1"));
    daemon.oriel(&["store", "backup"]).done();
    module(daemon.home(), "hello");
    let data = daemon.home().data_dir();
    let store = data.join("oriel.db");
    for round in 0..6 {
        assert!(daemon.terminate().status.success());
        let known = version(&store);
        set_version(&store, known + 1);
        daemon.restart();
        let id = "store-newer-than-program";
        let shown = act(&daemon, id, "inspect", &NOTHING).expect(200).json();
        let backup = shown["inspection"]["backups"][0]["path"].clone();
        // The requests are on their way when the process ends, and nobody waits for the answers.
        let token = daemon.token();
        let ask = |target: &str, body: &Value| {
            let request = oriel_tests::Request::post(target, body);
            let mut connection = daemon.connect();
            connection.ask(&request.header("x-oriel-authtok", &token)).unwrap();
            connection
        };
        let module = "/control/readiness/unsigned-module-config:hello";
        let held = [
            ask(&format!("{module}/create-key"), &json!({})),
            ask(&format!("{module}/sign"), &json!({})),
            ask(&format!("/control/readiness/{id}/restore-backup"), &json!({ "path": backup })),
        ];
        for _ in 0..rng.u32(0..4) {
            expect(&daemon.get("/api/health"), 200);
        }
        daemon.kill();
        drop(held);
        daemon.restart();
        let left = blockers(&daemon);
        if left.iter().any(|blocker| blocker == id) {
            expect(&act(&daemon, id, "restore-backup", &json!({ "path": backup })), 200);
        }
        for blocker in left.iter().filter(|blocker| *blocker != id) {
            expect(&act(&daemon, blocker, "deny", &NOTHING), 200);
        }
        daemon.restart();
        assert_eq!(blockers(&daemon), Vec::<String>::new(), "round {round}");
        assert_eq!(daemon.get("/api/stats").json()["total_events"], 1, "round {round}");
        daemon.verify();
        _ = fs::remove_file(data.join("modules/hello/signature.json"));
    }
}

/// Starts a daemon that imports nothing.
fn start(home: &Home) -> Daemon {
    Launch::new().home(home).set("import.auto", "false").start()
}

fn module(home: &Home, id: &str) {
    let folder = home.data_dir().join("modules").join(id);
    // The data directory is made private first.
    home.write("config.toml", "");
    fs::create_dir_all(&folder).unwrap();
    let manifest = format!(
        "id = \"{id}\"\nversion = \"1.0.0\"\nlabel = \"Hello\"\n\n[start]\naddress = \"127.0.0.1:9\"\n"
    );
    fs::write(folder.join("module.toml"), manifest).unwrap();
    fs::write(folder.join("page.html"), "<p>hello").unwrap();
}

fn free_mib(path: &Path) -> u64 {
    let about = rustix::fs::statvfs(path).unwrap();
    about.f_bavail * about.f_frsize / (1024 * 1024)
}

fn fact(shown: &Value, name: &str) -> String {
    let facts = shown["inspection"]["facts"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["name"] == name).unwrap();
    fact["value"].as_str().unwrap().to_owned()
}

fn earlier_store() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/tests/fixtures/v1.db")
}

fn set_aside(data: &Path) -> PathBuf {
    let mut folders =
        fs::read_dir(data.join("backups")).unwrap().map(|entry| entry.unwrap().path());
    folders.find(|path| path.is_dir()).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
