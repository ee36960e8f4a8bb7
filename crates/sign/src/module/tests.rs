//! A module runs only as it was signed, and nothing about it reaches out of its folder.

use super::*;

const MANIFEST: &str = r#"
id = "hello"
version = "1.0.0"
label = "Hello"
capabilities = ["events:read"]
static_dir = "static"

[start]
program = "bin/hello"
arguments = ["--quiet"]

[[navigation]]
label = "Home"
path = "/"
"#;

const NOW: &str = "2026-01-02T03:04:05Z";

#[test]
fn a_module_stands_as_the_operator_left_it() {
    let house = House::new();
    let key = Key::from_secret(&[7; 32]);
    let standing =
        |key: Option<&Key>| house.module().standing(&house.modules, key.map(Key::public));
    assert_eq!(standing(Some(&key)), Standing::Unsigned);
    house.module().sign(&key, NOW).unwrap();
    let signed = Standing::Signed { by: key.did().to_owned(), signed_at: NOW.to_owned() };
    let stale = Standing::Stale { signed_at: NOW.to_owned() };
    assert_eq!(standing(Some(&key)), signed);
    assert_eq!(standing(None), stale, "nobody is known who could have signed");
    assert_eq!(standing(Some(&Key::from_secret(&[8; 32]))), stale, "another operator");
    house.write("static/new.css", "");
    assert_eq!(standing(Some(&key)), stale, "a file more");
    fs::remove_file(house.folder().join("static/new.css")).unwrap();
    assert_eq!(standing(Some(&key)), signed, "as it was");
    house.write("bin/hello", "#!/bin/sh\nevil");
    assert_eq!(standing(Some(&key)), stale, "another program");
    house.module().deny(NOW).unwrap();
    let denied = Standing::Denied { at: NOW.to_owned() };
    assert_eq!(standing(Some(&key)), denied);
    house.write("bin/hello", "#!/bin/sh\n");
    assert_eq!(standing(None), denied, "a change does not undo a denial");
    house.module().sign(&key, NOW).unwrap();
    assert_eq!(standing(Some(&key)), signed);
}

#[test]
fn a_signature_that_was_tampered_with_is_none() {
    let house = House::new();
    let key = Key::from_secret(&[7; 32]);
    house.module().sign(&key, NOW).unwrap();
    let path = house.folder().join(SIGNATURE_FILE);
    let text = fs::read_to_string(&path).unwrap();
    for changed in [
        text.replace("03:04:05", "03:04:06"),
        text.replace("\"hello\"", "\"other\""),
        text.replace("module-config", "module-other"),
        text.replace("sha256:", "sha256:0"),
        text.replace("signed", "denied"),
        text.replace('}', ",\"more\":1}"),
        text[..text.len() / 2].to_owned(),
        String::new(),
        "x".repeat(1_000_000),
    ] {
        assert_ne!(changed, text);
        fs::write(&path, &changed).unwrap();
        let standing = house.module().standing(&house.modules, Some(key.public()));
        assert_eq!(standing, Standing::Unsigned, "{changed:.400}");
    }
}

#[test]
fn what_changed_since_it_was_read_is_not_signed() {
    let house = House::new();
    let module = house.module();
    house.write(MANIFEST_FILE, &MANIFEST.replace("--quiet", "--loud"));
    let error = module.sign(&Key::from_secret(&[7; 32]), NOW).unwrap_err().to_string();
    assert!(error.contains("look at it again"), "{error}");
}

#[test]
fn a_manifest_says_only_what_it_may() {
    assert!(Manifest::parse(MANIFEST, "hello").is_ok());
    let start = "program = \"bin/hello\"\narguments = [\"--quiet\"]";
    let address = |text: &str| MANIFEST.replace(start, &format!("address = \"{text}\""));
    for good in ["127.0.0.1:4000", "[::1]:4000", "127.9.9.9:1"] {
        assert!(Manifest::parse(&address(good), "hello").is_ok(), "{good}");
    }
    for (text, expected) in [
        (MANIFEST.replace("version", "versoin"), "versoin"),
        (MANIFEST.replace("\"hello\"", "\"other\""), "same name"),
        (MANIFEST.replace("\"hello\"", "\"He/llo\""), "lower-case"),
        (MANIFEST.replace("\"hello\"", "\"\""), "lower-case"),
        (MANIFEST.replace("\"Hello\"", "\" \""), "label"),
        (MANIFEST.replace("Hello", &"x".repeat(121)), "120"),
        (MANIFEST.replace("Hello", "a\\u001b[2J"), "control"),
        (MANIFEST.replace("events:read", "events:write"), "events:write"),
        (MANIFEST.replace("[\"events", "[\"events:read\",\"events"), "twice"),
        (MANIFEST.replace("\"/\"", "\"//evil.example\""), "path"),
        (MANIFEST.replace("\"/\"", "\"/../settings\""), "path"),
        (MANIFEST.replace("\"/\"", "\"/%2e%2e/settings\""), "path"),
        (MANIFEST.replace("\"/\"", "\"javascript:alert(1)\""), "path"),
        (MANIFEST.replace("\"/\"", "\"/a\\\\b\""), "path"),
        (MANIFEST.replace("\"static\"", "\"../other\""), "static_dir"),
        (MANIFEST.replace("\"static\"", "\"/etc\""), "static_dir"),
        (MANIFEST.replace("bin/hello", "../hello"), "program"),
        (MANIFEST.replace("bin/hello", ""), "program"),
        (MANIFEST.replace("bin/hello", "./signature.json"), "signature.json"),
        (MANIFEST.replace("--quiet", &"x".repeat(5_000)), "4096"),
        (MANIFEST.replace(start, ""), "either"),
        (MANIFEST.replace("[start]", "[start]\naddress = \"127.0.0.1:1\""), "either"),
        (address("10.0.0.1:4000"), "loopback"),
        (address("localhost:4000"), "loopback"),
        (address("127.0.0.1:0"), "loopback"),
        (MANIFEST.to_owned() + &"[[navigation]]\nlabel=\"a\"\npath=\"/a\"\n".repeat(8), "8"),
        ("id = ".to_owned(), "id"),
    ] {
        let error = Manifest::parse(&text, "hello").unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn modules_are_listed_by_name_with_what_is_wrong_with_each() {
    let house = House::new();
    house.write("../broken/module.toml", "nonsense");
    house.write("../no-module/readme.txt", "");
    house.write("../a-file", "");
    let listed = installed(&house.modules);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].as_ref().unwrap_err().id(), "broken");
    assert_eq!(listed[1].as_ref().unwrap().id, "hello");
    assert!(installed(&house.modules.join("none")).is_empty());
}

#[test]
fn more_modules_than_are_looked_at_are_told_of() {
    let house = House::new();
    for nth in 0..70 {
        house.write(&format!("../m{nth:02}/module.toml"), "");
    }
    let listed = installed(&house.modules);
    assert_eq!(listed.len(), MODULES_MAX + 1);
    let last = listed.last().unwrap().as_ref().unwrap_err();
    assert!(matches!(last.fault, ModuleFault::TooMany), "{last}");
}

#[test]
fn a_module_that_is_too_large_is_not_signed() {
    let house = House::new();
    let file = fs::File::create(house.folder().join("static/huge")).unwrap();
    file.set_len(contents::BYTES_MAX).unwrap();
    let fault = house.module().contents().unwrap_err().fault;
    assert!(matches!(fault, ModuleFault::TooLarge));
    fs::remove_file(house.folder().join("static/huge")).unwrap();
    for nth in 0..contents::FILES_MAX {
        house.write(&format!("static/{nth}"), "");
    }
    let error = house.module().sign(&Key::from_secret(&[7; 32]), NOW).unwrap_err();
    assert!(error.to_string().contains("2000 files or 64 MiB"), "{error}");
}

#[test]
#[cfg(unix)]
fn no_link_leads_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let house = House::new();
    let key = Key::from_secret(&[7; 32]);
    symlink("hello", house.folder().join("bin/alias")).unwrap();
    house.module().sign(&key, NOW).unwrap();
    let outside = house.modules.join("outside");
    fs::write(&outside, "secret").unwrap();
    for target in [outside.clone(), "../../outside".into(), "/dev/zero".into(), "nowhere".into()] {
        let link = house.folder().join("bin/link");
        symlink(&target, &link).unwrap();
        let fault = house.module().contents().unwrap_err().fault;
        assert!(matches!(fault, ModuleFault::Stray(_)), "{}: {fault}", target.display());
        let standing = house.module().standing(&house.modules, Some(key.public()));
        assert_eq!(standing, Standing::Stale { signed_at: NOW.to_owned() });
        fs::remove_file(link).unwrap();
    }
    // The manifest, the static files and the folder itself are no links either.
    let manifest = house.folder().join(MANIFEST_FILE);
    fs::rename(&manifest, house.modules.join("kept")).unwrap();
    symlink("../kept", &manifest).unwrap();
    assert!(Module::open(&house.folder()).is_err());
    fs::remove_file(&manifest).unwrap();
    fs::rename(house.modules.join("kept"), &manifest).unwrap();
    fs::remove_dir_all(house.folder().join("static")).unwrap();
    symlink("/etc", house.folder().join("static")).unwrap();
    let error = Module::open(&house.folder()).unwrap_err().to_string();
    assert!(error.contains("static_dir is a link"), "{error}");
    fs::remove_file(house.folder().join("static")).unwrap();
    fs::create_dir(house.folder().join("static")).unwrap();
    fs::create_dir(house.modules.join("elsewhere")).unwrap();
    let moved = house.modules.join("elsewhere/hello");
    let module = house.module();
    fs::rename(house.folder(), &moved).unwrap();
    symlink(&moved, house.folder()).unwrap();
    assert!(installed(&house.modules).is_empty());
    assert_eq!(module.standing(&house.modules, Some(key.public())), Standing::Unsigned);
}

#[test]
#[cfg(unix)]
fn the_signature_is_private_and_leaves_no_draft() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    house.module().deny(NOW).unwrap();
    let path = house.folder().join(SIGNATURE_FILE);
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&house.modules).unwrap().count(), 1);
}

/// A folder of modules with one in it.
struct House {
    _folder: tempfile::TempDir,
    modules: PathBuf,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let modules = folder.path().join("modules");
        let house = Self { _folder: folder, modules };
        house.write(MANIFEST_FILE, MANIFEST);
        house.write("bin/hello", "#!/bin/sh\n");
        house.write("static/style.css", "");
        house
    }

    fn folder(&self) -> PathBuf {
        self.modules.join("hello")
    }

    fn module(&self) -> Module {
        Module::open(&self.folder()).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder().join(path);
        fs::create_dir_all(self.folder()).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
