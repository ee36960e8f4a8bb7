//! Nothing leads to this machine or into a private network, however it is written, and nothing becomes
//! a page of ours that is not.

use proptest::prelude::*;

use super::*;

const PUBLIC: Verdict = Verdict::Preview { warn: false };
const PLAIN: Verdict = Verdict::Preview { warn: true };

const HOWS: [How; 6] = [
    How::Navigation,
    How::NewWindow,
    How::Redirect,
    How::HxRedirect,
    How::HxLocation,
    How::Download,
];

#[test]
fn the_apps_own_pages_are_for_trusted_windows() {
    for how in HOWS {
        let console = |url| decide(Surface::Console, url, how, &scheme());
        assert_eq!(console("oriel://localhost/"), Verdict::Allow);
        assert_eq!(console("oriel://localhost"), Verdict::Allow);
        assert_eq!(console("ORIEL://localhost/x?y#z"), Verdict::Allow);
        let diagnostics = |url| decide(Surface::Diagnostics, url, how, &scheme());
        assert_eq!(diagnostics("oriel://localhost/__oriel/diagnostics"), Verdict::Allow);
        assert_eq!(diagnostics("oriel://localhost/"), NOT_HERE);
        assert_eq!(diagnostics("oriel://localhost/__oriel/../settings"), NOT_HERE);
        let workbench = |url: &str| decide(Surface::Workbench, url, how, &scheme());
        for path in ["", "/", "/files?x", "/x/y#z"] {
            let url = format!("oriel://localhost/client/workbench{path}");
            assert_eq!(workbench(&url), Verdict::Allow, "{url}");
        }
        assert_eq!(workbench("oriel://localhost/__oriel/ended"), Verdict::Allow);
        for path in ["/", "/client/", "/client/workbenches", "/client/workbench/../x", "/settings"]
        {
            assert_eq!(workbench(&format!("oriel://localhost{path}")), NOT_HERE, "{path}");
        }
        let preview = |url| decide(Surface::Preview, url, how, &scheme());
        assert!(matches!(preview("oriel://localhost/"), Verdict::Deny(_)));
    }
}

#[test]
fn what_only_looks_like_the_app_is_not() {
    for url in [
        "oriel://localhost.evil.example/",
        "oriel://localhost@evil.example/",
        "oriel://u@localhost/",
        "oriel://localhost:8080/",
        "oriel://LOCALHOST/",
        "oriel://%6cocalhost/",
        "oriel:/x",
        "oriel:x",
        "oriel:///x",
        "oriel://",
        "oriel://localhost./",
        "orie1://localhost/",
        "tauri://localhost/",
        "oriel://127.0.0.1/",
    ] {
        denied(url);
    }
}

#[test]
fn each_system_knows_one_form_of_the_app_and_the_other_is_somebody_elses() {
    let http = Rules { origin: AppOrigin::Http, ..scheme() };
    let console = |url, rules: &Rules| decide(Surface::Console, url, How::Navigation, rules);
    assert_eq!(console("http://oriel.localhost/x", &http), Verdict::Allow);
    assert_eq!(console("http://oriel.localhost:80/x", &http), Verdict::Allow);
    assert_eq!(console("http://oriel.localhost/x", &scheme()), Verdict::Deny(Why::Private));
    assert_eq!(console("oriel://localhost/x", &http), Verdict::Deny(Why::Scheme));
    for url in
        ["https://oriel.localhost/", "http://oriel.localhost:81/", "http://a@oriel.localhost/"]
    {
        assert!(matches!(console(url, &http), Verdict::Deny(_)), "{url}");
    }
}

#[test]
fn the_consoles_own_address_is_an_origin_only_where_the_operator_says_so() {
    let url = "http://127.0.0.1:3143/sessions";
    denied(url);
    let rules = Rules { compat_origin: Some("127.0.0.1:3143".parse().unwrap()), ..scheme() };
    let of = |surface, url| decide(surface, url, How::Navigation, &rules);
    assert_eq!(of(Surface::Console, url), Verdict::Allow);
    assert_eq!(of(Surface::Console, "http://0x7f.1:3143/"), Verdict::Allow);
    assert_eq!(of(Surface::Diagnostics, url), NOT_HERE);
    for other in [
        "http://127.0.0.1:3142/",
        "https://127.0.0.1:3143/",
        "http://localhost:3143/",
        "http://127.0.0.2:3143/",
        "http://u@127.0.0.1:3143/",
        "http://[::1]:3143/",
    ] {
        assert!(matches!(of(Surface::Console, other), Verdict::Deny(_)), "{other}");
    }
    assert!(matches!(of(Surface::Preview, url), Verdict::Deny(Why::Private)));
    let six = Rules { compat_origin: Some("[::1]:80".parse().unwrap()), ..scheme() };
    let at = decide(Surface::Console, "http://[0:0::1]/", How::Navigation, &six);
    assert_eq!(at, Verdict::Allow);
}

#[test]
fn the_web_is_opened_elsewhere_as_the_operator_set_it() {
    check("https://example.com/a?b#c", PUBLIC);
    check("http://example.com/", PLAIN);
    check("https://1.1.1.1/", PUBLIC);
    check("https://[2606:4700::1111]:8443/", PUBLIC);
    check("HTTPS://EXAMPLE.COM", PUBLIC);
    check("https://xn--bcher-kva.example/", PUBLIC);
    check(" \thttps://exa\nmple.com/ ", PUBLIC);
    let rules = Rules { external: External::SystemBrowser, ..scheme() };
    let of = |url| decide(Surface::Console, url, How::NewWindow, &rules);
    assert_eq!(of("https://example.com/"), Verdict::SystemBrowser { warn: false });
    assert_eq!(of("http://example.com/"), Verdict::SystemBrowser { warn: true });
    let saved = decide(Surface::Console, "https://example.com/", How::Download, &scheme());
    assert_eq!(saved, Verdict::SystemBrowser { warn: false }, "the preview saves nothing");
}

#[test]
fn nothing_leads_to_this_machine_or_into_a_private_network() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "0x0",
        "10.0.0.1",
        "0xa.1",
        "012.1",
        "167772161",
        "192.168.1.1",
        "192.168.257",
        "172.16.1.1",
        "169.254.169.254",
        "2852039166",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[2002:7f00:1::]",
        "[2002:c0a8:101::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[2001:0:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "localhost.",
        "a.localhost.",
        "printer.local",
        "printer.LOCAL.",
        "intranet",
        "router",
        "com",
        "com.",
        "example.com.",
        "nas.lan",
        "x.internal",
        "metadata.google.internal",
        "x.home.arpa",
        "x.corp",
        "ｌｏｃａｌｈｏｓｔ",
        "１２７.0.0.1",
        "⑫7.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "loc%61lhost",
        "oriel.localhost",
        "ipc.localhost",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:8080/");
            denied(&url);
            let preview = decide(Surface::Preview, &url, How::Navigation, &self::scheme());
            assert!(matches!(preview, Verdict::Deny(_)), "{url}");
        }
    }
}

#[test]
fn an_address_that_poses_as_another_or_is_none_is_denied() {
    check("https://google.com@evil.example/", Verdict::Deny(Why::User));
    check("https://:secret@example.com/", Verdict::Deny(Why::User));
    check("https://", Verdict::Deny(Why::Unreadable));
    check("", Verdict::Deny(Why::Unreadable));
    check("/relative", Verdict::Deny(Why::Unreadable));
    check("//example.com/", Verdict::Deny(Why::Unreadable));
    check("https://a b/", Verdict::Deny(Why::Unreadable));
    check("https://256.256.256.256/", Verdict::Deny(Why::Unreadable));
    check(&format!("https://example.com/{}", "x".repeat(9000)), Verdict::Deny(Why::TooLong));
    check(&"x".repeat(100_000), Verdict::Deny(Why::TooLong));
}

#[test]
fn other_schemes_lead_nowhere() {
    for url in [
        "file:///etc/passwd",
        "file://host/share",
        "data:text/html,<script>1</script>",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        " javascript:x",
        "vbscript:x",
        "blob:oriel://localhost/7f",
        "blob:https://example.com/7f",
        "about:srcdoc",
        "about:config",
        "about:blank?x",
        "about:blank#x",
        "ftp://example.com/",
        "ws://example.com/",
        "wss://example.com/",
        "ipc://localhost/x",
        "oriel:open?x",
        "tel:1",
        "smb://x/y",
        "view-source:https://example.com/",
        "filesystem:https://example.com/x",
        "chrome://settings",
        "ms-settings:x",
        "x-apple.systempreferences:x",
        "intent://x#Intent;end",
        "urn:x",
    ] {
        denied(url);
        let preview = decide(Surface::Preview, url, How::Navigation, &scheme());
        assert!(matches!(preview, Verdict::Deny(_)), "{url}");
    }
}

#[test]
fn an_empty_frame_is_what_every_frame_begins_as_and_is_nothing_to_go_to() {
    for surface in Surface::ALL {
        for how in HOWS {
            let is_allowed = decide(surface, "about:blank", how, &scheme()).is_allowed();
            assert_eq!(is_allowed, how == How::Navigation, "{surface} {how:?}");
        }
    }
}

#[test]
fn a_mail_is_asked_for_and_takes_no_file_along() {
    check("mailto:ada@example.com?subject=x", Verdict::AskMail);
    check("MAILTO:ada@example.com", Verdict::AskMail);
    check("mailto:a@b.example?attach=/etc/passwd", Verdict::Deny(Why::Attaches));
    check("mailto:a@b.example?Attachment=x&subject=y", Verdict::Deny(Why::Attaches));
    check("mailto:a@b.example?%61ttach=x", Verdict::Deny(Why::Attaches));
}

#[test]
fn what_a_page_made_may_be_saved_and_never_shown() {
    let blob = "blob:oriel://localhost/2f0c";
    let save = |surface, url| decide(surface, url, How::Download, &scheme());
    assert_eq!(save(Surface::Console, blob), Verdict::Allow);
    assert_eq!(save(Surface::Diagnostics, blob), Verdict::Deny(Why::Scheme));
    assert_eq!(save(Surface::Console, "blob:https://example.com/x"), Verdict::Deny(Why::Scheme));
    assert_eq!(save(Surface::Console, "blob:null/x"), Verdict::Deny(Why::Scheme));
    assert_eq!(save(Surface::Preview, blob), Verdict::Deny(Why::Preview));
}

#[test]
fn the_preview_shows_the_web_and_does_nothing_else() {
    let of = |url, how| decide(Surface::Preview, url, how, &scheme());
    assert_eq!(of("https://example.com/", How::Navigation), Verdict::Allow);
    assert_eq!(of("http://example.com/", How::Redirect), Verdict::Allow);
    assert_eq!(of("https://example.com/", How::NewWindow), Verdict::Deny(Why::Preview));
    assert_eq!(of("https://example.com/", How::Download), Verdict::Deny(Why::Preview));
    assert_eq!(of("mailto:a@b.example", How::Navigation), Verdict::Deny(Why::Scheme));
}

fn urls() -> impl Strategy<Value = String> {
    const SCHEMES: [&str; 9] =
        ["http", "https", "oriel", "HTTP", "blob:oriel", "file", "data", "about", "mailto"];
    const HOSTS: [&str; 14] = [
        "localhost",
        "127.0.0.1",
        "0x7f.1",
        "[::1]",
        "example.com",
        "a@b",
        "oriel.localhost",
        "1.1.1.1",
        "localhost:80",
        "localhost@evil.example",
        "10.1",
        "",
        "%6cocalhost",
        "ｅｘ.com",
    ];
    let made = (
        prop::sample::select(&SCHEMES[..]),
        prop::sample::select(&["://", ":", ":/", ":\\\\", ":///"][..]),
        prop::sample::select(&HOSTS[..]),
        "[ -~]{0,12}",
    )
        .prop_map(|(scheme, slashes, host, rest)| format!("{scheme}{slashes}{host}{rest}"));
    prop_oneof![4 => made, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_window_stays_on_what_is_ours_whatever_the_address(
        url in urls(),
        how in prop::sample::select(&HOWS[..]),
        is_http in any::<bool>(),
    ) {
        let origin = if is_http { AppOrigin::Http } else { AppOrigin::Scheme };
        let rules = Rules { origin, ..scheme() };
        for surface in [Surface::Console, Surface::Diagnostics] {
            if !decide(surface, &url, how, &rules).is_allowed() || url.starts_with("blob") {
                continue;
            }
            let read = Url::parse(&url).unwrap();
            let is_ours = read.scheme() == origin.scheme() && read.host_str() == Some(origin.host());
            prop_assert!(is_ours || read.as_str() == "about:blank", "{}", read);
        }
    }

    #[test]
    fn the_plain_form_of_an_address_is_judged_as_it_is(
        url in urls(),
        how in prop::sample::select(&HOWS[..]),
    ) {
        for surface in Surface::ALL {
            if let Some(plain) = plain(&url) {
                let once = decide(surface, &url, how, &scheme());
                prop_assert_eq!(once, decide(surface, &plain, how, &scheme()), "{}", plain);
            }
        }
    }

    #[test]
    fn an_address_in_a_private_network_is_denied_in_every_form(
        (a, rest) in prop_oneof![
            (prop_oneof![Just(127u32), Just(10), Just(0), 224u32..=255], 0u32..1 << 24),
        ],
        form in 0usize..8,
    ) {
        let number = a << 24 | rest;
        let [a, b, c, d] = number.to_be_bytes();
        let (bc, cd) = (u32::from(b) << 16 | u32::from(c) << 8 | u32::from(d), u16::from_be_bytes([c, d]));
        let host = match form {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => number.to_string(),
            2 => format!("0x{number:x}"),
            3 => format!("0{number:o}"),
            4 => format!("0x{a:x}.{bc}"),
            5 => format!("0{a:o}.{b}.{cd}"),
            6 => format!("[::ffff:{a}.{b}.{c}.{d}]"),
            _ => format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
        };
        for surface in [Surface::Console, Surface::Preview] {
            let verdict = decide(surface, &format!("https://{host}/"), How::Navigation, &scheme());
            prop_assert_eq!(verdict, Verdict::Deny(Why::Private), "{}", host);
        }
    }
}

fn scheme() -> Rules {
    Rules { origin: AppOrigin::Scheme, external: External::Preview, compat_origin: None }
}

fn check(url: &str, expected: Verdict) {
    assert_eq!(decide(Surface::Console, url, How::Navigation, &scheme()), expected, "{url}");
}

fn denied(url: &str) {
    for how in HOWS.into_iter().filter(|how| *how != How::Download || !url.starts_with("blob:")) {
        for surface in [Surface::Console, Surface::Diagnostics] {
            let verdict = decide(surface, url, how, &scheme());
            assert!(matches!(verdict, Verdict::Deny(_)), "{url} {how:?}: {verdict:?}");
        }
    }
}
