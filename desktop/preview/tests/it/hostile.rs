//! What a hostile page tries, and that nothing comes of it.

use crate::preview::Preview;
use crate::web::{Site, Witness, answer, page};

const HOSTILE: &str = include_str!("hostile.html");

/// What an attempt may come to: it failed, nothing came back, it cannot be known, or there is no such thing.
const HARMLESS: [&str; 5] = ["failed", "late", "tried", "none", "frame"];

#[test]
fn a_hostile_page_reaches_nothing_of_this_machine() {
    let witness = Witness::start();
    let hostile = HOSTILE.replace("WITNESS", &witness.port.to_string());
    let site = Site::start(move |path| match path.split_once('?') {
        Some(("/redirect", to)) => redirect(to),
        None if path == "/" => answer("200 OK", "content-type: text/html\r\n", &hostile),
        None if path == "/attachment" => {
            answer("200 OK", "content-disposition: attachment; filename=oriel-download\r\n", "x")
        }
        _ => page("Other", ""),
    });
    let mut preview = Preview::start(&[("hostile.example:80", site.address)]);
    preview.open_and_see("http://hostile.example/", "Hostile");
    let report = site.report();

    let got = report["got"].as_object().unwrap();
    assert!(130 < got.len(), "the page tried {} things: {report:#}", got.len());
    let reached: Vec<_> = got
        .iter()
        .filter(|(_, came)| !HARMLESS.contains(&came.as_str().unwrap_or_default()))
        .collect();
    assert!(reached.is_empty(), "{reached:?}");
    assert_eq!(report["present"].as_array().map(Vec::len), Some(0), "{report:#}");
    assert_eq!(witness.seen(), Vec::<String>::new(), "nobody came to the witness");

    let redirects =
        site.asked.lock().unwrap().iter().filter(|path| path.contains("redirect")).count();
    assert!(30 <= redirects, "only {redirects} redirects were asked for");
    assert!(!site.asked.lock().unwrap().contains(&"/plain".to_owned()), "a window was opened");
    preview.write(b"{\"do\":\"close\"}\n");
    assert!(preview.end());
    preview.rest();
    assert_eq!(preview.told.last().unwrap()["is"], "closed");
    assert!(preview.told.iter().all(|told| told["is"] != "use"), "nobody pressed the button");
    assert_nothing_is_kept(&preview);
}

#[test]
fn no_navigation_leads_to_this_machine_or_another_scheme() {
    let witness = Witness::start();
    let port = witness.port;
    let site = Site::start(move |path| {
        let (how, to) = path.split_once('?').unwrap_or((path, ""));
        let to = decoded(to);
        match how {
            "/redirect" => redirect(&to),
            "/refresh" => page("x", &format!("<meta http-equiv=refresh content=\"0;url={to}\">")),
            "/script" => page("x", &format!("<script>location.href = \"{to}\"</script>")),
            "/form" => page(
                "x",
                &format!(
                    "<form method=post action=\"{to}\"></form><script>document.forms[0].submit()</script>"
                ),
            ),
            "/frame" => page("x", &format!("<iframe src=\"{to}\"></iframe>")),
            _ => page("x", ""),
        }
    });
    let mut preview = Preview::start(&[("hostile.example:80", site.address)]);
    for (how, host) in ["redirect", "refresh", "script", "form", "frame"].iter().zip(2..) {
        // Every way has an address of this machine to itself, so it is known which was denied.
        let to = format!("http://127.0.0.{host}:{port}/");
        preview.open(&format!("http://hostile.example/{how}?{to}"));
        let why = preview.wait_for_denial(&to);
        assert!(why.contains("of this machine"), "{how}: {why}");
    }
    for (scheme, to) in [
        ("oriel://localhost", "oriel://localhost/"),
        ("ipc://localhost", "ipc://localhost/x"),
        ("tauri://localhost", "tauri://localhost/"),
        ("mailto:", "mailto:a@b.example"),
        ("view-source:", "view-source:http://hostile.example/"),
    ] {
        preview.open(&format!("http://hostile.example/script?{to}"));
        let why = preview.wait_for_denial(scheme);
        assert!(why.contains("only http and https"), "{scheme}: {why}");
    }
    for to in
        ["file:///etc/passwd", "javascript:1", "oriel://localhost/", "about:blank", "nonsense"]
    {
        preview.open(to);
        preview.wait_for("its denial", |told| told["is"] == "denied");
    }
    assert_eq!(witness.seen(), Vec::<String>::new(), "nobody came to the witness");
}

#[test]
fn a_page_that_floods_does_not_flood_the_host() {
    let flood = "<script>
        for (let step = 0; step < 3000; step += 1) {
            document.title = 'x'.repeat(100000) + step;
            try { history.replaceState(null, '', '/' + step) } catch {}
            if (step % 10 === 0) document.body.append(Object.assign(document.createElement('iframe'), { src: 'odd' + step + ':x' }));
        }
        document.title = 'Done\\u202e\\u0007';
        setTimeout(() => fetch('/report', { method: 'POST', body: '{}' }), 1000);
    </script>";
    let site = Site::start(move |_| page("Flood", flood));
    let mut preview = Preview::start(&[("flood.example:80", site.address)]);
    let started = std::time::Instant::now();
    preview.open("http://flood.example/");
    site.report();
    let mut done = preview.wait_for("the last title", |told| told["title"] == "Done");
    assert_eq!(done["is"].take(), "at");
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let most = seconds * 20;
    assert!(preview.told.len() <= most, "{} lines in {seconds} s", preview.told.len());
    let long = preview.told.iter().filter_map(|told| told["title"].as_str()).map(str::len).max();
    assert!(long <= Some(512), "a title of {long:?} bytes");
}

fn redirect(to: &str) -> String {
    answer("302 Found", &format!("location: {}\r\n", decoded(to)), "")
}

/// An address as the page meant it, whose signs came in hexadecimal.
fn decoded(text: &str) -> String {
    [("%3A", ":"), ("%2F", "/"), ("%5B", "["), ("%5D", "]"), ("%25", "%")]
        .iter()
        .fold(text.to_owned(), |text, (coded, plain)| text.replace(coded, plain))
}

/// Nothing of a page is in any file of the home that the program had.
fn assert_nothing_is_kept(preview: &Preview) {
    let mut folders = vec![preview.home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be read").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("it has a kind");
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let content = std::fs::read(&path).expect("it can be read");
                for word in ["hostile", "oriel-download"] {
                    let name = path.to_string_lossy().contains(word);
                    let inside = content.windows(word.len()).any(|part| part == word.as_bytes());
                    assert!(!name && !inside, "{} holds {word}", path.display());
                }
            }
        }
    }
}
