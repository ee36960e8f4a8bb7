//! A suggested name chooses no folder, hides nothing and replaces no file.

use axum::http::HeaderValue;
use proptest::prelude::*;

use super::*;

#[test]
fn a_file_has_the_name_that_the_service_suggests() {
    check("attachment; filename=\"report.csv\"", "report.csv");
    check("attachment; filename=report.csv", "report.csv");
    check("ATTACHMENT;FileName = \"a b.csv\" ; size=3", "a b.csv");
    check("attachment; filename=\"a \\\"b\\\".csv\"", "a _b_.csv");
    check("attachment; filename=\"x;y=z.csv\"", "x;y=z.csv");
    check("attachment; filename=plain.txt; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt");
    check("attachment; filename*=iso-8859-1'en'%E9.txt; filename=e.txt", "é.txt");
    check("attachment; filename*=utf-16''x; filename=e.txt", "e.txt");
    check("attachment; filename*=UTF-8''%FF; filename=e.txt", "e.txt");
    check("attachment", "costs.csv");
    check("attachment; filename=\"\"", "costs.csv");
    check("attachment; filename=\"unended", "unended");
    check("attachment; filename", "costs.csv");
}

#[test]
fn what_is_to_be_shown_is_not_saved() {
    for text in ["inline", "inline; filename=x", "form-data; name=attachment", ""] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(text));
        assert_eq!(attached(&headers, "/costs.csv"), None, "{text}");
    }
    assert_eq!(attached(&HeaderMap::new(), "/costs.csv"), None);
}

#[test]
fn a_name_is_made_harmless_on_every_system() {
    for (name, expected) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("..", "download"),
        (".", "download"),
        ("", "download"),
        ("   ", "download"),
        (".bashrc", "bashrc"),
        ("~/.profile", "profile"),
        ("~.~~x", "x"),
        ("a\0b\n.txt", "ab.txt"),
        ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
        ("x\u{200b}y.txt", "xy.txt"),
        ("a:b*c?d\"e<f>g|h.txt", "a_b_c_d_e_f_g_h.txt"),
        ("name. . ", "name"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("Aux.tar.gz", "_Aux.tar.gz"),
        ("COM1", "_COM1"),
        ("lpt³.log", "_lpt³.log"),
        ("COM10.txt", "COM10.txt"),
        ("console.log", "console.log"),
        ("naïve 😀.txt", "naïve 😀.txt"),
        ("a\u{a0}b.txt", "a b.txt"),
    ] {
        assert_eq!(clean(name), expected, "{name:?}");
    }
}

#[test]
fn a_long_name_keeps_its_extension() {
    let cleaned = clean(&format!("{}.tar.gz", "é".repeat(300)));
    assert!(cleaned.len() <= NAME_BYTES_MAX && cleaned.ends_with("é.tar.gz"), "{cleaned}");
    let cleaned = clean(&format!("a.{}", "x".repeat(300)));
    assert!(cleaned.len() <= NAME_BYTES_MAX, "{cleaned}");
}

#[test]
fn a_file_never_takes_the_place_of_another() {
    let taken = ["report.csv", "report (2).csv", "x.tar.gz", "bare"];
    let free = |name| free_name(name, |name| taken.contains(&name)).unwrap();
    assert_eq!(free("report.csv"), "report (3).csv");
    assert_eq!(free("x.tar.gz"), "x (2).tar.gz");
    assert_eq!(free("bare"), "bare (2)");
    assert_eq!(free("other.csv"), "other.csv");
    assert_eq!(free_name("x", |_| true), None);
}

proptest! {
    #[test]
    fn any_name_becomes_one_that_every_system_takes(name in any::<String>()) {
        let cleaned = clean(&name);
        prop_assert!(!cleaned.is_empty() && cleaned.len() <= NAME_BYTES_MAX);
        prop_assert_eq!(&clean(&cleaned), &cleaned);
        let odd = cleaned.contains(['/', '\\', ':', '\0', '\u{202e}']);
        prop_assert!(!odd);
        prop_assert!(!cleaned.starts_with('.') && !cleaned.ends_with(['.', ' ']));
        let second = free_name(&name, |name| name == cleaned).unwrap();
        prop_assert!(second != cleaned && second.len() < 255);
    }

    #[test]
    fn no_disposition_is_too_odd(text in "(attachment; ?)?[ -~]{0,60}") {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(CONTENT_DISPOSITION, value);
        }
        _ = attached(&headers, "/x");
    }
}

fn check(disposition: &'static str, expected: &str) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    assert_eq!(attached(&headers, "/costs.csv").as_deref(), Some(expected), "{disposition}");
}
