//! A change is one key, and everything else of the file stays as it is, to the byte.

use proptest::prelude::*;

use super::*;

#[test]
fn a_value_is_replaced_in_its_place() {
    for (before, after) in [
        ("listen.port = 1 # mine\n", "listen.port = 7 # mine\n"),
        (
            "[listen]\n\n  port   =   1\nhost = \"::1\"",
            "[listen]\n\n  port   =   7\nhost = \"::1\"",
        ),
        ("# top\r\nlisten.port = 1\r\n# end\r\n", "# top\r\nlisten.port = 7\r\n# end\r\n"),
        ("listen = { host = \"::1\", port = 1 }\n", "listen = { host = \"::1\", port = 7 }\n"),
        ("\"listen\".'port' = 1\n", "\"listen\".'port' = 7\n"),
    ] {
        check(before, "listen.port", Some(&7.into()), after);
    }
}

#[test]
fn a_new_key_comes_behind_its_like() {
    for (before, after) in [
        ("", "listen.port = 7\n"),
        (
            "# all by default\n#listen.port = 1",
            "# all by default\n#listen.port = 1\nlisten.port = 7\n",
        ),
        ("access = \"token\"\n# end\n", "access = \"token\"\n# end\nlisten.port = 7\n"),
        (
            "[listen] # here\nhost = \"::1\" # v6\n\n[store]\nreaders = 2\n",
            "[listen] # here\nhost = \"::1\" # v6\nport = 7\n\n[store]\nreaders = 2\n",
        ),
        (
            "access = \"token\"\n[store]\nreaders = 2\n",
            "access = \"token\"\nlisten.port = 7\n[store]\nreaders = 2\n",
        ),
        ("[store]\nreaders = 2", "[store]\nreaders = 2\n\n[listen]\nport = 7\n"),
        ("listen = { host = \"::1\" }\n", "listen = { host = \"::1\" , port = 7 }\n"),
        ("a.b = 1\r\n", "a.b = 1\r\nlisten.port = 7\r\n"),
    ] {
        check(before, "listen.port", Some(&7.into()), after);
    }
}

#[test]
fn a_key_without_a_group_comes_before_every_section() {
    let text = "# mine\n[store]\nreaders = 2\n";
    let after = edited(text, "access", Some(&"token".into())).unwrap();
    assert_eq!(after, "access = \"token\"\n# mine\n[store]\nreaders = 2\n");
}

#[test]
fn a_section_of_a_sibling_is_no_obstacle() {
    let text = "[usage.claude_code]\nsession_window_hours = 4\n";
    let key = "usage.codex.session_window_hours";
    let after = edited(text, key, Some(&5.into())).unwrap();
    assert!(after.starts_with(text), "{after}");
    assert_eq!(edited(&after, key, None).unwrap().trim(), format!("{text}\n[usage.codex]").trim());
}

#[test]
fn what_is_taken_out_leaves_the_comments_around_it() {
    for (before, after) in [
        ("# mine\n\nlisten.port = 1\n# end\n", "# mine\n\n# end\n"),
        ("[listen]\nport = 1\nhost = \"::1\"\n", "[listen]\nhost = \"::1\"\n"),
        ("listen.port = 1", ""),
        ("access = \"token\"\n", "access = \"token\"\n"),
    ] {
        check(before, "listen.port", None, after);
    }
    let lists = "x = 1\nlisten.hosts = [\n  \"a\", # one\n  \"b\",\n] # two\ny = 2\n";
    check(lists, "listen.hosts", None, "x = 1\ny = 2\n");
}

proptest! {
    #[test]
    fn whatever_is_set_is_what_the_file_then_says(
        keys in prop::collection::vec(("(listen|store|usage\\.codex|[a-d])", "[a-e]", 0_i64..9), 0..12),
        style in prop::collection::vec(0_u8..4, 12),
        change in ("(listen|store|usage\\.codex|[a-d])", "[a-e]", prop::option::of(0_i64..9)),
    ) {
        let mut text = String::from("# first\n");
        for ((group, name, number), style) in keys.iter().zip(style) {
            let line = match style {
                0 => format!("[{group}]\n{name} = {number}\n"),
                1 => format!("{group}.{name} = {number} # said\n"),
                2 => format!("{group} = {{ {name} = {number} }}\n"),
                _ => format!("\n# note\n{name} = {number}\n"),
            };
            let longer = format!("{text}{line}");
            if longer.parse::<Says>().is_ok() {
                text = longer;
            }
        }
        let key = format!("{}.{}", change.0, change.1);
        let value = change.2.map(Value::from);
        let before: Says = text.parse().unwrap();
        let path: Vec<&str> = key.split('.').collect();
        let mut wanted = before.clone();
        let fits = match &value {
            Some(value) => put(&mut wanted, &path, as_toml(value).unwrap()).is_some(),
            None => { take(&mut wanted, &path); true }
        };
        prop_assume!(fits);
        let after = edited(&text, &key, value.as_ref()).expect("there is a way");
        let says: Says = after.parse().unwrap();
        prop_assert_eq!(without_empty(says), without_empty(wanted), "{} in\n{}", key, text);
        let comments = |text: &str| text.matches("# note").count() + text.matches("# first").count();
        prop_assert_eq!(comments(&after), comments(&text));
    }
}

#[track_caller]
fn check(before: &str, key: &str, value: Option<&Value>, after: &str) {
    assert_eq!(edited(before, key, value).as_deref(), Some(after));
}
