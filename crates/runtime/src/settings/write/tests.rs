//! A written setting is one that the next start takes, and two who write lose nothing.

use super::*;
use crate::settings::{Flag, Folders};

#[test]
fn what_is_written_is_what_the_next_start_goes_by() {
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    for (key, text, line) in [
        ("listen.port", " 4000 ", "listen.port = 4000"),
        ("import.watch", "false", "import.watch = false"),
        ("budget.daily_usd", "2.5", "budget.daily_usd = 2.5"),
        ("budget.weekly_usd", "20", "budget.weekly_usd = 20"),
        ("listen.hosts", "a.lan, B.lan", "listen.hosts = [\"a.lan\", \"b.lan\"]"),
        ("listen.hosts", "", "listen.hosts = []"),
        ("privacy.patterns", "a,b\nc\\d", "privacy.patterns = [\"a,b\", 'c\\d']"),
        ("notify.quiet_from", "7:05", "notify.quiet_from = \"07:05\""),
        ("prices.file", "~/p.toml", "prices.file = \"~/p.toml\""),
        ("access", "token", "access = \"token\""),
        ("listen.host", "0.0.0.0", "listen.host = \"0.0.0.0\""),
    ] {
        let written = write(&given, folder.path(), key, Some(text)).unwrap();
        let file = text_of(folder.path());
        assert!(file.lines().any(|has| has == line), "{line} is not in\n{file}");
        assert!(written.changed && written.overridden_by.is_none(), "{written:?}");
        let again = write(&given, folder.path(), key, written.file_value.as_deref()).unwrap();
        assert!(!again.changed, "{key}: what is shown means the same when it is typed");
        assert_eq!(again.next_value, written.next_value);
    }
    let all = text_of(folder.path());
    assert!(write(&given, folder.path(), "listen.hosts", None).unwrap().changed);
    assert!(!write(&given, folder.path(), "listen.hosts", None).unwrap().changed);
    assert_eq!(text_of(folder.path()), all.replace("listen.hosts = []\n", ""));
}

#[test]
fn what_no_start_would_take_is_refused_and_changes_nothing() {
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    let before = "# mine\nlisten.port = 4000\n";
    std::fs::write(folder.path().join("config.toml"), before).unwrap();
    for (key, value, field, part) in [
        ("listen.port", Some("99999"), "listen.port", "65535"),
        ("listen.host", Some("0.0.0.0"), "listen.host", "access"),
        ("listen.prot", Some("1"), "listen.prot", "listen.port"),
        ("data_dir", Some("/x"), "data_dir", "ORIEL_DATA_DIR"),
        ("access", Some("anybody"), "access", "\"token\""),
        ("privacy.patterns", Some("("), "privacy.patterns", "regular"),
    ] {
        let error = write(&given, folder.path(), key, value).unwrap_err();
        assert_eq!(error.key(), Some(field), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(text_of(folder.path()), before);
    }
}

#[test]
fn what_is_wrong_elsewhere_is_named_and_can_be_put_right() {
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "store.readers = 900\n").unwrap();
    let error = write(&given, folder.path(), "access", Some("token")).unwrap_err();
    assert_eq!(error.key(), Some("store.readers"), "{error}");
    write(&given, folder.path(), "store.readers", Some("9")).unwrap();
    std::fs::write(&path, "store.readers = \n").unwrap();
    let error = write(&given, folder.path(), "access", Some("token")).unwrap_err();
    assert!(matches!(error, WriteError::Broken(_)), "{error}");
    assert!(error.to_string().contains("line 1"), "{error}");
    std::fs::write(&path, "# long\n".repeat(200_000)).unwrap();
    let error = write(&given, folder.path(), "access", Some("token")).unwrap_err();
    assert!(matches!(error, WriteError::TooLong(_)), "{error}");
}

#[test]
fn what_comes_before_the_file_is_told_and_the_file_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = given();
    given.environment.insert("ORIEL_LISTEN_PORT".to_owned(), "5".to_owned());
    let written = write(&given, folder.path(), "listen.port", Some("6")).unwrap();
    assert_eq!(written.overridden_by, Some(Origin::Env("ORIEL_LISTEN_PORT".to_owned())));
    assert_eq!((&*written.next_value, written.file_value.as_deref()), ("5", Some("6")));
    let flag = Flag { name: "--port".into(), key: "listen.port".into(), value: "7".into() };
    given.flags.push(flag);
    let written = write(&given, folder.path(), "listen.port", Some("8")).unwrap();
    assert_eq!(written.overridden_by.unwrap().to_string(), "flag --port");
    // A flag hides a bad value of the file from this start, but not from the next one without it.
    let error = write(&given, folder.path(), "listen.port", Some("x")).unwrap_err();
    assert_eq!(error.key(), Some("listen.port"));
}

#[test]
fn many_who_write_at_once_lose_nothing() {
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    let keys: Vec<&str> = TABLE
        .iter()
        .filter(|setting| setting.in_file && setting.key.starts_with("usage."))
        .map(|setting| setting.key)
        .collect();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(|| write(&given, folder.path(), key, Some("7")).unwrap());
        }
    });
    let text = text_of(folder.path());
    for key in keys {
        assert!(text.contains(&format!("{key} = 7\n")), "{key} is lost:\n{text}");
    }
}

#[test]
#[cfg(unix)]
fn the_file_is_private_and_a_link_to_it_stays() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    let data = folder.path().join("deep/data");
    write(&given, &data, "access", Some("token")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("config.toml")), 0o600);

    let own = folder.path().join("mine.toml");
    std::fs::rename(data.join("config.toml"), &own).unwrap();
    symlink(&own, data.join("config.toml")).unwrap();
    // What somebody left who was stopped half-way is in nobody's way.
    std::fs::write(folder.path().join("mine.toml.new"), "half").unwrap();
    write(&given, &data, "compat", Some("oriel")).unwrap();
    assert!(std::fs::symlink_metadata(data.join("config.toml")).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "access = \"token\"\ncompat = \"oriel\"\n");
    assert!(!folder.path().join("mine.toml.new").exists());
}

#[test]
#[cfg(unix)]
fn a_file_that_cannot_be_replaced_stays_as_it_is() {
    let (folder, given) = (tempfile::tempdir().unwrap(), given());
    std::fs::write(folder.path().join("config.toml"), "compat = \"oriel\"\n").unwrap();
    // A folder in the way of the new file is what no user may write over, not even root.
    std::fs::create_dir(folder.path().join("config.toml.new")).unwrap();
    let error = write(&given, folder.path(), "access", Some("token")).unwrap_err();
    assert!(matches!(error, WriteError::Io { .. }), "{error}");
    assert_eq!(text_of(folder.path()), "compat = \"oriel\"\n");
}

fn given() -> Given {
    Given {
        flags: Vec::new(),
        environment: BTreeMap::new(),
        folders: Folders { home: Some("/home/ada".into()), working: "/".into() },
    }
}

fn text_of(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("config.toml")).unwrap()
}
