//! Takes pictures of the desktop under its own display: the console in it, the page that says to wait, each
//! page of failure, diagnostics, the preview and the workbench, and writes them to a folder: `cargo xtask screenshots`.
#![expect(clippy::print_stdout, reason = "what was written is the program's output")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oriel_tests::desktop::{Desktop, Options, Seat, WORKBENCH, grant};
use oriel_tests::probe::Probe;
use oriel_tests::{Home, Launch, Request, scripts, wait};
use serde_json::{Value, json};

/// A page of the web, as the preview shows one.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>A page of the web</title>\
    <body style=\"font:18px/1.5 sans-serif;max-width:40rem;margin:3rem auto\"><h1>A page of the web</h1>\
    <p>It is shown by a program of its own, which reaches nothing of this machine.";

/// A script that prints and draws.
const SCRIPT: &str = "% What each round cost, and how that settles.\n\
    t = linspace(0, 8, 400);\n\
    cost = 3 + 2 * exp(-t / 2) .* cos(4 * t);\n\
    fprintf('settles at %.2f\\n', mean(cost(300:400)));\n\
    plot(t, cost);\n\
    title('Cost of a round');\n\
    xlabel('hours');\n\
    ylabel('dollars');\n";

/// Rows of the table that is asked.
const ROWS: u64 = 500_000;

const QUERY: &str = "select agent, count(*) runs, round(sum(cost), 2) dollars, max(tokens) most \
    from 'runs.csv' group by agent order by dollars desc";

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("the folder for the pictures is the first argument");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    console_and_preview(&folder);
    workbench(&folder);
    tray(&folder);
    loading(&folder);
    launcher(&folder);
    control(&folder);
    console_launcher(&folder);
    bind(&folder);
    http(&folder);
    port(&folder);
    gate(&folder);
}

/// The console with work in it, diagnostics, and the preview beside them.
fn console_and_preview(folder: &Path) {
    let page = Probe::showing(PAGE);
    let home = Home::new();
    let pin = format!("example.org:80:{}", page.addr());
    let options = Options::new().flag("--preview-resolve", &pin);
    let desktop = Desktop::at(&Seat::of(&home), &options);
    desktop.until_console();
    home.oriel(&["seed", "--events", "300", "--sessions", "8"]).done();
    desktop.go("/sessions");
    desktop.go("/");
    take(&desktop, folder, "desktop-console");
    desktop.go_anywhere("/__oriel/diagnostics");
    take(&desktop, folder, "desktop-diagnostics");
    // Plain http asks first, so the preview is opened as a link of the web would be.
    desktop.go("/opinions/new?resource/kind=url&resource/id=http://example.org/");
    desktop.click("button[data-native=preview_open]");
    let asks = desktop.seat().display().until_window("Open example.org without encryption?");
    take(&desktop, folder, "desktop-preview-asks");
    desktop.seat().display().press(&asks, &["Return"]);
    _ = page.until_visit("/");
    _ = desktop.seat().display().until_window("Preview");
    take(&desktop, folder, "desktop-preview");
}

/// The workbench after a script, and after a query.
fn workbench(folder: &Path) {
    let home = scripts::home_with(&[("rounds.m", SCRIPT), ("runs.csv", &table())]);
    let work = home.path("work");
    grant(&home, &[("workbench", &work, "read_write")]);
    let engine = scripts::program();
    let engine = engine.to_str().expect("the program's path is text");
    let options = Options::new().place(WORKBENCH).variable("ORIEL_COMPUTE", engine);
    let desktop = Desktop::at(&Seat::of(&home), &options);
    let named = |role: &str, name: &str| {
        format!(
            "[...document.querySelectorAll('{role}')].find((one) => one.textContent.includes('{name}'))"
        )
    };
    let file = named("[role=treeitem]", "rounds.m");
    desktop.until("the script's file", &format!("{file} !== undefined"));
    desktop.eval(&format!("{file}.click()"));
    let run = named(".bar button", "Run rounds.m");
    desktop.until("the script to be open", &format!("{run}?.disabled === false"));
    desktop.eval(&format!("{run}.click()"));
    desktop.until("the figure", "document.querySelector('.figure svg')");
    take(&desktop, folder, "desktop-workbench");
    desktop.eval(&format!("{}.click()", named("[role=tab]", "SQL")));
    desktop.fill(".sql textarea", QUERY);
    desktop.click(".sql .question button[type=submit]");
    let done =
        "/rows in .* read in /.test(document.querySelector('.sql [role=status]')?.textContent)";
    desktop.until("the rows", done);
    take(&desktop, folder, "desktop-workbench-sql");
}

/// A table of what runs of agents came to.
fn table() -> String {
    const AGENTS: [&str; 5] = ["claude-code", "codex", "gemini-cli", "opencode", "qwen-code"];
    let mut text = String::from("run,agent,tokens,cost\n");
    for run in 0..ROWS {
        let tokens = 800 + run * 7919 % 90_000;
        let agent = AGENTS[usize::try_from(run * 31 % 97 % 5).unwrap_or_default()];
        let cents = tokens * (2 + run % 3) / 1_000;
        text.push_str(&format!("{run},{agent},{tokens},{}.{:02}\n", cents / 100, cents % 100));
    }
    text
}

/// The tray's menu, in a panel that shows trays.
fn tray(folder: &Path) {
    let seat = Seat::of(&Home::new());
    let display = seat.display();
    let mut panel = Command::new("trayer")
        .args(["--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "24"])
        .args(["--SetDockType", "false", "--padding", "4"])
        .env("DISPLAY", display.name())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`trayer` is installed by `cargo xtask screenshots`");
    let desktop = Desktop::at(&seat, &Options::new());
    desktop.until_console();
    for session in ["one", "two"] {
        tell(&desktop, session, "UserPromptSubmit", &json!({ "prompt": "clear rust" }));
        let command = json!({ "tool_name": "Bash", "tool_use_id": "t1", "tool_input": { "command": "rm -r rust" } });
        tell(&desktop, session, "PermissionRequest", &command);
    }
    tell(&desktop, "three", "UserPromptSubmit", &json!({ "prompt": "build the quay" }));
    desktop.until_text("waits for you");
    // Empty it is as wide as its border.
    let place = wait::until("an icon in the panel", || {
        let window = display.until_window("^panel$");
        let said = display.xdotool(&["getwindowgeometry", "--shell", &window]);
        let number = |name: &str| -> Option<i32> {
            said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        let (x, y) = (number("X")?, number("Y")?);
        let (width, height) = (number("WIDTH")?, number("HEIGHT")?);
        (16 < width).then(|| (x + width / 2, y + height / 2))
    });
    let shown =
        || display.xdotool(&["search", "--onlyvisible", "--class", "oriel"]).lines().count();
    let before = shown();
    display.xdotool(&["mousemove", &place.0.to_string(), &place.1.to_string(), "click", "1"]);
    wait::until("the menu", || (before < shown()).then_some(()));
    take(&desktop, folder, "desktop-tray");
    display.xdotool(&["key", "Escape"]);
    drop(desktop);
    // It ends with its display at the latest.
    _ = panel.kill();
    _ = panel.wait();
}

/// Tells of something as a hook of an agent does.
fn tell(desktop: &Desktop, session: &str, event: &str, more: &Value) {
    let mut said = json!({
        "hook_event_name": event, "session_id": session, "cwd": format!("/srv/{session}"),
        "transcript_path": "/srv/history",
    });
    if let (Some(said), Some(more)) = (said.as_object_mut(), more.as_object()) {
        said.extend(more.clone());
    }
    let answer = desktop.ask(&Request::post("/api/hooks/claude-code", &said));
    assert!(answer.status < 300, "a hook is answered: {}", answer.status);
}

fn loading(folder: &Path) {
    let home = Home::new();
    // A daemon without a console: for some seconds it may only be late.
    let _daemon = quiet(&home).set("console.enabled", "false").start();
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    desktop.until(
        "the page that says to wait",
        "document.querySelector('#step')?.innerText === 'Looking for the console'",
    );
    take(&desktop, folder, "desktop-loading");
}

fn launcher(folder: &Path) {
    let home = Home::new();
    private(&home.data_dir());
    std::fs::write(home.data_dir().join("logs"), "no folder").expect("the home is ours");
    failure(folder, &home, &Options::supervise(), "daemon-launcher-unreachable");
}

fn control(folder: &Path) {
    failure(folder, &Home::new(), &Options::attach(), "daemon-control-unreachable");
}

fn console_launcher(folder: &Path) {
    let home = Home::new();
    private(&home.data_dir());
    private(&home.data_dir().join("console"));
    private(&home.data_dir().join("console/sessions.json"));
    failure(folder, &home, &Options::new(), "console-launcher-unreachable");
}

fn bind(folder: &Path) {
    let home = Home::new();
    let _daemon = quiet(&home).set("console.enabled", "false").start();
    failure(folder, &home, &Options::attach(), "console-bind-missing");
}

fn http(folder: &Path) {
    let home = Home::new();
    let _daemon = quiet(&home).start();
    home.write("console/bind", "127.0.0.1:9\n");
    failure(folder, &home, &Options::attach(), "console-http-unreachable");
}

fn port(folder: &Path) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it listens").port().to_string();
    failure(folder, &Home::new(), &Options::new().flag("--port", &port), "port-in-use");
}

fn gate(folder: &Path) {
    let home = Home::new();
    private(&home.data_dir());
    home.write("config.toml", "nonsense");
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    desktop.until_console();
    desktop.go("/readiness");
    take(&desktop, folder, "desktop-failure-local-readiness-gate");
}

fn quiet(home: &Home) -> Launch {
    Launch::new().home(home).set("import.auto", "false")
}

fn private(folder: &Path) {
    std::fs::create_dir_all(folder).expect("the home is ours");
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder, mode).expect("the home is ours");
}

fn failure(folder: &Path, home: &Home, options: &Options, word: &str) {
    let desktop = Desktop::at(&Seat::of(home), options);
    let there = format!("document.querySelector('.word')?.innerText === '{word}'");
    desktop.until(&format!("the page of {word}"), &there);
    take(&desktop, folder, &format!("desktop-failure-{word}"));
}

fn take(desktop: &Desktop, folder: &Path, name: &str) {
    // What was changed last is on the screen after the second frame from now.
    desktop.eval(
        "new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(() => on(1))))",
    );
    let path = folder.join(format!("{name}.png"));
    std::fs::write(&path, desktop.seat().display().picture()).expect("the folder is ours");
    println!("{}", path.display());
}
