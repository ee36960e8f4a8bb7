//! What a browser does between a page and a server, the bridge does: htmx cannot tell that there is none.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use oriel_tests::desktop::{Desktop, Options, Seat};
use oriel_tests::front::Front;
use oriel_tests::{Daemon, Home, Launch, wait};
use serde_json::json;

/// As much as is sent each way at once.
const MUCH: usize = 100 * 1024 * 1024;

/// A page of the test's own. Like the console's pages it shows what a refusal says.
const PAGE: &str = r##"<!doctype html><html><head><title>Trial</title>
<meta name="htmx-config" content='{"includeIndicatorStyles":false,"allowEval":false,"historyCacheSize":0,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"[45]..","swap":true,"error":true}]}'>
<script src="/static/HTMX" defer></script></head>
<body><main id="main"><h1>Trial</h1><div id="out"></div>
<button id="get" hx-get="/trial/part?n=1" hx-target="#out">get</button>
<form id="post" hx-post="/trial/echo" hx-target="#out"><input name="word" value="a b&amp;c"><button>post</button></form>
<button id="refused" hx-post="/trial/status?of=422" hx-target="#out">422</button>
<button id="locked" hx-get="/trial/status?of=423" hx-target="#out">423</button>
<button id="broken" hx-get="/trial/status?of=500" hx-target="#out">500</button>
<button id="nothing" hx-get="/trial/status?of=204" hx-target="#out">204</button>
<button id="redirect" hx-get="/trial/says?name=HX-Redirect&amp;value=/trial/two" hx-target="#out">redirect</button>
<button id="location" hx-get="/trial/says?name=HX-Location&amp;value=/trial/two" hx-target="#out">location</button>
<button id="push" hx-get="/trial/says?name=HX-Push-Url&amp;value=/trial/pushed" hx-target="#out">push</button>
<button id="replace" hx-get="/trial/says?name=HX-Replace-Url&amp;value=/trial/replaced" hx-target="#out">replace</button>
<button id="retarget" hx-get="/trial/says?name=HX-Retarget&amp;value=%23other" hx-target="#out">retarget</button>
<button id="reswap" hx-get="/trial/says?name=HX-Reswap&amp;value=beforeend" hx-target="#out">reswap</button>
<button id="trigger" hx-get="/trial/says?name=HX-Trigger&amp;value=heard" hx-target="#out">trigger</button>
<button id="refresh" hx-get="/trial/says?name=HX-Refresh&amp;value=true" hx-target="#out">refresh</button>
<button id="moved" hx-get="/trial/moved" hx-target="#out">moved</button>
<button id="file" hx-get="/trial/file" hx-target="#out">file</button>
<p id="other"></p>
<p hx-boost="true"><a id="boosted" href="/trial/two">boosted</a></p>
<p><a id="plain" href="/trial/two">plain</a> <a id="elsewhere" href="/trial/moved">moved</a>
<a id="save" href="/trial/file">file</a> <a id="empty" href="/trial/status?of=204">204</a></p>
<form id="form" method="post" action="/trial/sent"><input name="word" value="plain"><button>send</button></form>
</main></body></html>"##;

/// A desktop that shows a console with a page of the test's own.
pub(super) struct Scene {
    // In this order they are dropped: who asks goes before who answers.
    pub(super) desktop: Desktop,
    pub(super) front: Front,
    pub(super) daemon: Daemon,
}

impl Scene {
    /// A desktop that shows the page.
    pub(super) fn new() -> Self {
        let home = Home::new();
        let daemon = Launch::new().home(&home).set("import.auto", "false").start();
        let front = Front::before(&daemon, routes(&oriel_tests::front::htmx(&daemon)));
        let options = Options::attach().set("desktop.downloads", "folder").place("/trial");
        let desktop = Desktop::at(&Seat::of(&home), &options);
        desktop.until_at("/trial");
        Self { desktop, front, daemon }
    }

    /// Returns to the page, and marks it so that one can tell whether it stays.
    pub(super) fn fresh(&self) {
        self.desktop.go("/trial");
        self.until_usable();
        self.desktop.eval("window.stays = true");
    }

    /// Waits until a click on the page does what it is for: until htmx has seen it.
    fn until_usable(&self) {
        self.desktop.until(
            "a page that htmx has seen",
            "location.pathname === '/trial' && document.readyState === 'complete' \
             && 'htmx-internal-data' in (document.querySelector('#get') ?? {})",
        );
    }

    pub(super) fn click(&self, selector: &str) {
        self.desktop.click(selector);
    }

    pub(super) fn until_out(&self, text: &str) {
        self.desktop.until(
            &format!("{text:?} in the page"),
            &format!("document.querySelector('#out').innerText.includes({text:?})"),
        );
        assert_eq!(self.desktop.eval("window.stays"), true, "it is still the same page");
    }
}

/// Returns what the page asks for.
pub(super) fn routes(htmx: &str) -> Router {
    let page = PAGE.replace("HTMX", htmx);
    let shown = move || async move { Html(page) };
    Router::new()
        .route("/trial", get(shown.clone()))
        .route("/trial/pushed", get(shown.clone()))
        .route("/trial/replaced", get(shown))
        .route("/trial/two", get(|| async { Html(two("Two")) }))
        .route("/trial/three", get(|| async { Html(two("Three")) }))
        .route("/trial/part", get(|| async { Html("<b>a part</b>") }))
        .route("/trial/echo", any(echo))
        .route("/trial/status", any(status))
        .route("/trial/says", get(says))
        .route("/trial/moved", get(|| async { Redirect::to("/trial/two") }))
        .route("/trial/sent", post(|| async { Redirect::to("/trial/three") }))
        .route("/trial/file", get(file))
        .route("/trial/much", get(|| async { vec![b'x'; MUCH] }).post(count))
}

fn two(title: &str) -> String {
    format!("<!doctype html><title>{title}</title><main><h1>{title}</h1></main>")
}

async fn echo(headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let says = format!("{}|{}", kind.unwrap_or("none"), String::from_utf8_lossy(&body));
    ([("content-type", "text/plain")], says).into_response()
}

async fn count(body: Body) -> String {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.map_or(0, |bytes| bytes.len());
    bytes.to_string()
}

async fn status(Query(asked): Query<Vec<(String, String)>>) -> Response {
    let status: u16 = asked[0].1.parse().unwrap();
    (StatusCode::from_u16(status).unwrap(), Html(format!("<i>status {status}</i>"))).into_response()
}

async fn says(Query(asked): Query<Vec<(String, String)>>) -> Response {
    let name = header::HeaderName::try_from(asked[0].1.as_str()).unwrap();
    ([(name, asked[1].1.clone())], Html("<b>said</b>")).into_response()
}

async fn file() -> Response {
    let headers = [
        ("content-type", "text/csv"),
        ("content-disposition", "attachment; filename=\"report.csv\""),
    ];
    (headers, "a,b\n1,2\n").into_response()
}

#[test]
fn htmx_asks_and_is_answered_as_by_a_server() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#get");
    scene.until_out("a part");
    let asked = scene.front.until_heard("/trial/part");
    assert_eq!(asked.header("hx-request"), Some("true"));
    assert_eq!(asked.header("hx-target"), Some("out"));
    assert_eq!(asked.header("hx-trigger"), Some("get"));
    assert_eq!(asked.header("sec-fetch-site"), Some("same-origin"));
    let at = asked.header("hx-current-url").unwrap_or_default();
    assert!(at.ends_with("/trial"), "{at}");
    assert!(asked.header("host").unwrap().ends_with(&scene.front.addr().port().to_string()));

    scene.click("#post button");
    scene.until_out("application/x-www-form-urlencoded|word=a%20b%26c");
    for (button, says) in
        [("#refused", "status 422"), ("#locked", "status 423"), ("#broken", "status 500")]
    {
        scene.click(button);
        scene.until_out(says);
    }
    scene.click("#nothing");
    _ = scene.front.until_heard("/trial/status");
    scene.click("#get");
    scene.until_out("a part");
}

#[test]
fn what_an_answer_says_to_htmx_is_done() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#push");
    scene.until_out("said");
    assert_eq!(scene.desktop.path(), "/trial/pushed");
    scene.click("#replace");
    scene.desktop.until("the address", "location.pathname === '/trial/replaced'");
    assert_eq!(scene.desktop.eval("window.stays"), true);

    scene.fresh();
    scene.click("#retarget");
    scene.desktop.until("the other place", "document.querySelector('#other').innerText === 'said'");
    assert_eq!(scene.desktop.text("#out"), "");
    scene.click("#reswap");
    scene.until_out("said");
    scene.click("#reswap");
    scene.until_out("saidsaid");
    scene.desktop.eval("document.body.addEventListener('heard', () => { window.heard = true; })");
    scene.click("#trigger");
    scene.desktop.until("the event", "window.heard");

    scene.click("#refresh");
    scene.desktop.until("another page", "!window.stays && document.readyState === 'complete'");
    scene.desktop.until_at("/trial");

    for button in ["#redirect", "#location"] {
        scene.fresh();
        scene.click(button);
        scene.desktop.until(
            "the second page",
            "location.pathname === '/trial/two' && document.body.innerText.includes('Two')",
        );
    }
}

#[test]
fn a_redirect_leads_there_and_the_address_is_right() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#moved");
    scene.until_out("Two");
    scene.fresh();
    scene.click("#elsewhere");
    scene.desktop.until_at("/trial/two");
    scene.desktop.reload();
    scene.desktop.until_at("/trial/two");
    scene.fresh();
    scene.click("#form button");
    scene.desktop.until_at("/trial/three");
    assert_eq!(scene.front.until_heard("/trial/sent").method, "POST");
    scene.desktop.reload();
    scene.desktop.until_at("/trial/three");
    assert_eq!(scene.front.heard("/trial/sent").len(), 1, "nothing is sent twice");
}

#[test]
fn the_way_back_and_forward_leads_through_pages_of_every_kind() {
    let scene = Scene::new();
    scene.fresh();
    scene.click("#boosted");
    scene.desktop.until(
        "the second page",
        "location.pathname === '/trial/two' && document.body.innerText.includes('Two')",
    );
    assert_eq!(scene.desktop.eval("window.stays"), true, "a boosted link keeps the page");
    scene.desktop.back();
    scene.desktop.until(
        "the first page",
        "location.pathname === '/trial' && document.querySelector('#get')",
    );
    scene.desktop.forward();
    scene.desktop.until(
        "the second page",
        "location.pathname === '/trial/two' && document.body.innerText.includes('Two')",
    );

    scene.fresh();
    scene.click("#plain");
    scene.desktop.until_at("/trial/two");
    scene.desktop.back();
    scene.until_usable();
    scene.click("#elsewhere");
    scene.desktop.until_at("/trial/two");
    scene.desktop.back();
    scene.until_usable();
    scene.click("#empty");
    _ = scene.front.until_heard("/trial/status");
    scene.desktop.until(
        "the page to stay",
        "location.pathname === '/trial' && document.querySelector('#get')",
    );
}

#[test]
fn a_file_is_saved_under_a_name_that_is_free_and_the_page_stays() {
    let scene = Scene::new();
    let seat = scene.desktop.seat();
    seat.has_download("report.csv", "mine");
    scene.fresh();
    scene.click("#file");
    let saved = wait::until("a file", || {
        seat.downloads().into_iter().find(|name| name != "report.csv" && !name.starts_with('.'))
    });
    assert!(saved.ends_with(".csv"), "{saved}");
    assert_eq!(seat.download(&saved), b"a,b\n1,2\n");
    assert_eq!(seat.download("report.csv"), b"mine");
    scene.desktop.until("what says so", "document.body.innerText.includes('Saved as')");
    assert_eq!(scene.desktop.eval("window.stays"), true);

    scene.fresh();
    scene.click("#save");
    wait::until("another file", || (seat.downloads().len() == 3).then_some(()));
    let traces = wait::until("the host to have written that down", || {
        let traces = scene.desktop.files().traces_of("desktop/file-saved");
        (traces.len() == 2).then_some(traces)
    });
    assert!(!format!("{traces:?}").contains("report"), "a file's name is the page's");
}

#[test]
fn a_file_of_the_console_is_saved_too() {
    let options = Options::new().set("desktop.downloads", "folder");
    let desktop = Desktop::with_console(&options);
    desktop.go("/costs");
    desktop.click("a[href^='/costs.csv']");
    let name = wait::until("the file", || {
        desktop.seat().downloads().into_iter().find(|name| !name.starts_with('.'))
    });
    assert!(desktop.seat().download(&name).contains(&b','), "{name}");
    assert!(desktop.is_alive());
}

#[test]
fn bodies_of_every_kind_arrive_whole_and_leave_the_host_alive() {
    let scene = Scene::new();
    scene.fresh();
    let sent = |body: &str| {
        let script = format!(
            "fetch('/trial/echo', {{ method: 'POST', body: {body} }}).then((answer) => answer.text())"
        );
        scene.desktop.eval(&script).as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(sent("new Blob(['a blob'], { type: 'text/x-blob' })"), "text/x-blob|a blob");
    assert_eq!(sent("new TextEncoder().encode('bytes')"), "none|bytes");
    assert_eq!(sent("'text'"), "text/plain;charset=UTF-8|text");
    assert_eq!(
        sent("new URLSearchParams({ a: 'b' })"),
        "application/x-www-form-urlencoded;charset=UTF-8|a=b"
    );
    let form = "(() => { const form = new FormData(); form.append('word', 'said'); \
        form.append('file', new File(['of a file'], 'a.txt')); return form; })()";
    let said = sent(form);
    assert!(said.starts_with("multipart/form-data; boundary="), "{said}");
    for part in ["said", "of a file", "filename=\"a.txt\""] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let by_xhr = "new Promise((done) => { const xhr = new XMLHttpRequest(); \
        xhr.open('POST', '/trial/echo'); xhr.onloadend = () => done(xhr.responseText); \
        xhr.send(new Blob(['by xhr'])); })";
    let said = scene.desktop.eval(by_xhr);
    assert!(said.as_str().unwrap_or_default().ends_with("|by xhr"), "{said}");
    let by_beacon = "navigator.sendBeacon('/trial/echo?beacon', new Blob(['x']))";
    assert_eq!(scene.desktop.eval(by_beacon), true);
    wait::until("the beacon", || {
        scene
            .front
            .heard("/trial/echo")
            .iter()
            .any(|one| one.target.ends_with("?beacon"))
            .then_some(())
    });
    assert!(scene.desktop.is_alive());
}

#[test]
fn a_hundred_megabytes_go_each_way() {
    let scene = Scene::new();
    scene.fresh();
    let down =
        "fetch('/trial/much').then((answer) => answer.arrayBuffer()).then((all) => all.byteLength)";
    assert_eq!(scene.desktop.eval(down), json!(MUCH));
    let up = format!(
        "fetch('/trial/much', {{ method: 'POST', body: new Uint8Array({MUCH}) }}).then((answer) => answer.text())"
    );
    assert_eq!(scene.desktop.eval(&up), json!(MUCH.to_string()));
    assert!(scene.desktop.is_alive());
    assert_eq!(scene.desktop.text("h1"), "Trial");
}

#[test]
fn a_page_says_nothing_of_who_it_is() {
    let scene = Scene::new();
    scene.fresh();
    let asked = "fetch('/trial/echo', { headers: { Authorization: 'Bearer x', 'X-Oriel-Authtok': 'x', \
        'X-Oriel-Actor': 'x', 'X-Forwarded-For': '10.0.0.1', 'X-HTTP-Method-Override': 'DELETE', 'X-Kept': 'yes' } })\
        .then((answer) => answer.status)";
    assert_eq!(scene.desktop.eval(asked), 200);
    let heard = scene.front.until_heard("/trial/echo");
    assert_eq!(heard.header("x-kept"), Some("yes"));
    for name in [
        "authorization",
        "x-oriel-authtok",
        "x-oriel-actor",
        "x-forwarded-for",
        "x-http-method-override",
    ] {
        assert_eq!(heard.header(name), None, "{name}");
    }
    let host = scene.front.addr().to_string();
    assert_eq!(heard.header("host"), Some(host.as_str()));
    assert_eq!(heard.header("origin"), Some(format!("http://{host}").as_str()));
    let cookie = heard.header("cookie").unwrap_or_default();
    assert!(cookie.starts_with("oriel_session="), "the session goes along natively");
    assert_eq!(scene.desktop.eval("document.cookie"), "");
    let seen = "fetch('/trial/echo').then((answer) => [...answer.headers.keys()].join())";
    let seen = scene.desktop.eval(seen).as_str().unwrap_or_default().to_owned();
    assert!(!seen.contains("set-cookie"), "{seen}");
    let policy = "fetch('/trial').then((answer) => answer.headers.get('content-security-policy'))";
    let policy = scene.desktop.eval(policy).as_str().unwrap_or_default().to_owned();
    for part in
        ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(part), "{part} is not in {policy}");
    }
}
