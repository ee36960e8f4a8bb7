//! The criteria that are seen in the window and at the addresses around it.

use oriel_tests::browser::Browser;
use oriel_tests::desktop::{Desktop, Options, Seat};
use oriel_tests::events::event;
use oriel_tests::front::{Front, htmx};
use oriel_tests::{Connection, Console, Home, Launch, Request, wait};

use super::super::bridge::{Scene, routes};
use super::super::invoke;

#[test]
fn criterion_01_the_console_runs_in_the_window_and_is_no_application_of_its_own() {
    let desktop = Desktop::with_console(&Options::new());
    assert_eq!(desktop.eval("location.origin"), "oriel://localhost");
    let scripts =
        desktop.eval("[...document.scripts].map((one) => one.getAttribute('src')).join()");
    let scripts = scripts.as_str().unwrap_or_default();
    assert!(
        scripts.split(',').all(|src| src.starts_with("/static/")),
        "the console's pages bring {scripts}"
    );
    let html = desktop.fetch("/sessions");
    assert!(html.contains("<h1>Sessions</h1>"), "a page comes whole from the service: {html}");

    desktop.eval("window.stays = true");
    desktop.click("#nav a[href='/sessions']");
    desktop.until_at("/sessions");
    assert_eq!(desktop.eval("window.stays"), true, "htmx puts the next page into this one");
    assert_eq!(desktop.text("main h1"), "Sessions");
    desktop.store(&event("news"));
    desktop.until_text("s1");
    let picture = desktop.seat().display().picture();
    assert!(20_000 < picture.len(), "the window is drawn on the display");
}

#[test]
fn criterion_02_no_script_of_a_page_sees_the_token_of_the_daemon() {
    let desktop = Desktop::with_console(&Options::new());
    let token = desktop.home().read("authtok").trim().to_owned();
    assert!(20 < token.len());
    for path in ["/", "/status", "/settings", "/settings/access", "/__oriel/diagnostics"] {
        desktop.go_anywhere(path);
        let seen = desktop.eval(super::super::secrets::EVERYTHING);
        let seen = seen.as_str().unwrap_or_default();
        assert!(seen.contains(path), "the walk sees the page: {} letters", seen.len());
        assert!(!seen.contains(&token), "{path} shows the token");
    }
    desktop.go("/");
    for command in ["desktop_runtime_status", "desktop_health", "preview_url"] {
        let told = invoke(&desktop, command, "{}").map(|told| told.to_string());
        assert!(!told.unwrap_or_default().contains(&token), "{command}");
    }
}

#[test]
fn criterion_03_a_page_of_the_web_never_loads_in_the_consoles_window() {
    let options = Options::new().flag("--preview-resolve", "example.org:443:127.0.0.1:9");
    let desktop = Desktop::with_console(&options);
    desktop.eval("window.stays = true");
    desktop.eval("void (location.href = 'https://example.org/')");
    desktop.files().until_trace("desktop/preview-opened", |trace| trace["host"] == "example.org");
    assert_eq!(desktop.eval("window.stays"), true);
    assert_eq!(desktop.eval("location.origin"), "oriel://localhost");
    for (how, script) in [
        ("a window", "window.open('https://example.org/window')"),
        (
            "a link",
            "(() => { const a = document.createElement('a'); a.href = 'https://example.org/link'; document.body.append(a); a.click(); })()",
        ),
        ("htmx", "htmx.ajax('GET', 'https://example.org/htmx')"),
        (
            "a frame",
            "(() => { const f = document.createElement('iframe'); f.src = 'https://example.org/frame'; document.body.append(f); })()",
        ),
    ] {
        desktop.eval(&format!("void ({script})"));
        assert_eq!(desktop.eval("window.stays"), true, "{how}");
        assert_eq!(desktop.eval("location.origin"), "oriel://localhost", "{how}");
    }
}

#[test]
fn criterion_05_a_change_needs_the_session_and_a_form_of_it() {
    let desktop = Desktop::with_console(&Options::new().flag("--console-port", "0"));
    let console = desktop.home().read("console/bind").trim().parse().unwrap();
    let post = |headers: &[(&str, &str)]| {
        let mut request = Request::new("POST", "/theme")
            .typed("application/x-www-form-urlencoded", "theme=dark&back=/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Connection::tcp(console).unwrap().send(&request).unwrap().status
    };
    let own = format!("http://{console}");
    for headers in [
        &[][..],
        &[("origin", "http://evil.example")],
        &[("origin", "oriel://localhost")],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("origin", own.as_str()), ("cookie", "oriel_session=guess")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(post(headers), 403, "{headers:?}");
    }
    let control = Request::new("POST", "/control/restart").header("origin", "oriel://localhost");
    assert!([401, 403].contains(&desktop.ask(&control).status));

    // In the window too: a form without what the session's pages carry changes nothing.
    let send = |body: &str| {
        let script = format!(
            "fetch('/theme', {{ method: 'POST', headers: {{ 'Content-Type': 'application/x-www-form-urlencoded' }}, body: '{body}' }}).then((answer) => answer.status)"
        );
        desktop.eval(&script)
    };
    assert_eq!(send("theme=dark&back=/"), 403);
    assert_eq!(send("theme=dark&back=/&_csrf=guess"), 403);
    assert_eq!(desktop.eval("document.documentElement.dataset.theme"), "auto");
    desktop.click("form[action='/theme'] button");
    desktop.until("the form of the session", "document.documentElement.dataset.theme === 'dark'");
}

#[test]
fn criterion_07_what_blocks_the_daemon_is_shown_and_acted_on_in_the_window() {
    let home = Home::new();
    home.write("config.toml", "listen.prot = 1\n");
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    desktop.until_console();
    assert_eq!(desktop.text("#state").trim(), "Blocked");
    desktop.go("/readiness");
    for part in ["config-invalid", "listen.port?"] {
        desktop.until_text(part);
    }
    home.write("config.toml", "");
    desktop.click("form[action='/restart'] button");
    desktop.until(
        "the daemon to take events",
        "document.querySelector('#state')?.innerText.trim() === 'Recording'",
    );
    desktop.store(&event("after"));
}

#[test]
fn criterion_08_a_browser_still_reaches_the_console_for_who_wants_it() {
    let options = Options::new().flag("--console-port", "0");
    let desktop = Desktop::with_console(&options);
    let link = desktop.home().oriel(&["open", "--print"]).done().trim().to_owned();
    let browser = Browser::start();
    browser.goto(&link);
    browser.until("the welcome to go on", "location.pathname === '/'");
    assert_eq!(browser.text("main h1"), desktop.text("main h1"));
    assert!(browser.has("form[action='/theme']"), "the link started a session");

    let closed = Desktop::with_console(&Options::new());
    assert!(!closed.home().data_dir().join("console/bind").exists(), "nobody asked for a port");
}

#[test]
fn criterion_09_the_console_is_found_by_the_file_that_says_where_it_listens() {
    let home = Home::new();
    let daemon = Launch::new().home(&home).start();
    let front = Front::before(&daemon, routes(&htmx(&daemon)));
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    desktop.until_console();
    let place = front.addr().to_string();
    desktop
        .files()
        .until_trace("desktop/console-bind-observed", |trace| trace["place"] == place.as_str());
    assert!(!front.heard("/").is_empty(), "the window's page came from there");
}

#[test]
fn criterion_11_the_bridge_keeps_statuses_and_what_htmx_says_and_is_told() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#refused");
    scene.until_out("status 422");
    let asked = scene.front.until_heard("/trial/status");
    for (name, value) in [("hx-request", "true"), ("hx-target", "out"), ("hx-trigger", "refused")] {
        assert_eq!(asked.header(name), Some(value));
    }
    let answers = "Promise.all([['HX-Redirect','/a'],['HX-Location','/a'],['HX-Push-Url','/a'],\
        ['HX-Replace-Url','/a'],['HX-Trigger','a'],['HX-Trigger-After-Swap','a'],['HX-Trigger-After-Settle','a'],\
        ['HX-Retarget','main'],['HX-Reswap','none'],['HX-Refresh','false']].map(([name, value]) => \
        fetch(`/trial/says?name=${name}&value=${value}`).then((answer) => `${name}=${answer.headers.get(name)}`)))\
        .then((all) => all.join())";
    assert_eq!(
        scene.desktop.eval(answers),
        "HX-Redirect=/a,HX-Location=/a,HX-Push-Url=/a,HX-Replace-Url=/a,HX-Trigger=a,\
         HX-Trigger-After-Swap=a,HX-Trigger-After-Settle=a,HX-Retarget=main,HX-Reswap=none,HX-Refresh=false"
    );
    let statuses = "Promise.all([200,201,400,403,404,409,422,423,429,500,502,503].map((of) => \
        fetch(`/trial/status?of=${of}`).then((answer) => answer.status === of))).then((all) => all.every(Boolean))";
    assert_eq!(scene.desktop.eval(statuses), true);
    scene.click("#boosted");
    scene.desktop.until(
        "the second page",
        "location.pathname === '/trial/two' && document.body.innerText.includes('Two')",
    );
    let boosted = scene.front.until_heard("/trial/two");
    assert_eq!(boosted.header("hx-boosted"), Some("true"));
}

#[test]
fn criterion_12_a_modules_pages_stand_in_the_console_in_the_window() {
    let home = Home::new();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/modules/hello");
    home.oriel(&["modules", "install", sample]).done();
    home.oriel(&["modules", "sign", "hello", "--create-key"]).done();
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    desktop.until_console();
    wait::until("the module to run", || {
        let listed = home.oriel(&["modules", "list", "--json"]).json();
        listed["modules"][0]["pid"].as_u64()
    });
    desktop.go("/modules");
    desktop.click("main dd a[href='/modules/hello/']");
    desktop.until("the module's page", "document.body.innerText.includes('Hello, you')");
    assert_eq!(desktop.path(), "/modules/hello/");
    desktop.fill("input[name=name]", "Ada");
    desktop.click("form[action='/modules/hello/greet'] button");
    desktop.until("its answer to a form", "document.body.innerText.includes('Hello, Ada')");
    let styled = "[...document.styleSheets].some((one) => one.href?.includes('/modules/hello/static/hello.css'))";
    desktop.until("its style", styled);
}

#[test]
fn criterion_15_the_address_of_the_app_serves_all_that_htmx_needs_on_this_engine() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#get");
    scene.until_out("a part");
    scene.click("#post button");
    scene.until_out("word=a%20b%26c");
    scene.click("#push");
    scene.until_out("said");
    assert_eq!(scene.desktop.path(), "/trial/pushed");
    scene.desktop.back();
    scene.desktop.until(
        "the page before",
        "location.pathname === '/trial' && document.querySelector('#get')",
    );
    for button in ["#redirect", "#location", "#boosted"] {
        scene.fresh();
        scene.click(button);
        scene.desktop.until(
            "the second page",
            "location.pathname === '/trial/two' && document.body.innerText.includes('Two')",
        );
    }
    let statics = "fetch(document.querySelector('script').src).then((answer) => answer.headers.get('content-type'))";
    scene.fresh();
    let kind = scene.desktop.eval(statics);
    assert!(kind.as_str().unwrap_or_default().contains("javascript"), "{kind}");
    scene.click("#file");
    wait::until("the file", || {
        scene.desktop.seat().downloads().contains(&"report.csv".to_owned()).then_some(())
    });

    // The other engines say the same origin in another way, and pages hold neither.
    let console = Console::of(&scene.daemon);
    for path in console.pages() {
        let page = console.get(&path);
        let text = page.text();
        assert!(
            !text.contains("oriel://") && !text.contains("oriel.localhost"),
            "{path} names its origin"
        );
    }
}
