//! A module runs once the operator signed it, for the console alone, and never without its daemon.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use oriel_tests::{Answer, Connection, Daemon, Home, Launch, Request, Signal, kill, wait};
use serde_json::{Value, json};

#[test]
fn a_module_runs_once_it_is_signed_and_answers_the_console_alone() {
    let mut daemon = installed();
    assert_eq!(listed(daemon.home())["standing"], "unsigned");
    assert!(daemon.oriel(&["modules", "sign", "hello"]).failed(1).contains("--create-key"));
    let said = daemon.oriel(&["modules", "sign", "hello", "--create-key"]);
    assert!(said.done().contains("`oriel modules restart hello`"), "{said:?}");
    assert_eq!(listed(daemon.home())["pid"], Value::Null, "the daemon has not looked again");
    daemon.restart();
    let module = Running::wait_for(daemon.home());

    let page = module.get("/", &module.token).expect(200);
    assert!(page.text().contains("<form method=\"post\" action=\"/modules/hello/greet\">"));
    assert!(page.header("set-cookie").is_some(), "the console is to drop it");
    let moved = module.get("/about", &module.token).expect(302);
    assert_eq!(moved.header("location"), Some("/about.html"));
    assert!(module.get("/static/hello.css", &module.token).expect(200).text().contains("main"));
    for token in ["", "guess"] {
        assert_eq!(module.get("/", token).status, 403, "{token:?}");
    }

    let stopped = daemon.terminate();
    assert!(stopped.status.success(), "{}", daemon.log());
    assert_eq!(gone(module.pid), (), "it ends with its daemon");
    let logs = daemon.oriel(&["modules", "logs", "hello"]);
    assert!(logs.done().contains("listening on "), "{logs:?}");
    assert!(!logs.stdout.contains(&module.token));
}

#[test]
fn a_module_does_not_outlive_a_daemon_that_was_killed() {
    let mut daemon = signed();
    let module = Running::wait_for(daemon.home());
    daemon.kill();
    gone(module.pid);
}

#[test]
fn a_module_that_clings_to_life_is_ended_by_the_next_daemon() {
    let home = Home::new();
    let source = home.path("clinging");
    std::fs::create_dir(&source).unwrap();
    let manifest = "id = \"clinging\"\nversion = \"1\"\nlabel = \"It stays\"\n[start]\n\
        program = \"/bin/sh\"\narguments = [\"-c\", \"trap '' TERM; echo listening on 1; while :; do sleep 1; done\"]\n";
    std::fs::write(source.join("module.toml"), manifest).unwrap();
    home.oriel(&["modules", "install", "clinging"]).done();
    home.oriel(&["modules", "sign", "clinging", "--create-key"]).done();
    let mut daemon = Launch::new().home(&home).start();
    let first = pid_of(&home, |_| true);
    daemon.kill();
    assert!(Path::new(&format!("/proc/{first}")).exists(), "it is to outlive its daemon here");
    daemon.restart();
    gone(first);
    let second = pid_of(&home, |pid| pid != first);
    assert!(daemon.terminate().status.success(), "{}", daemon.log());
    gone(second);
}

#[test]
fn a_module_that_dies_is_started_again_unless_it_changed() {
    let daemon = signed();
    let first = Running::wait_for(daemon.home());
    kill(first.pid, Signal::KILL);
    let second = pid_of(daemon.home(), |pid| pid != first.pid);
    let page = daemon.home().data_dir().join("modules/hello/static/hello.css");
    std::fs::write(page, "changed").unwrap();
    assert_eq!(listed(daemon.home())["standing"], "stale");
    kill(second, Signal::KILL);
    wait::until("the daemon to refuse it", || {
        daemon.log().contains("not what was signed").then_some(())
    });
    assert_eq!(listed(daemon.home())["pid"], Value::Null);
}

#[test]
fn modules_are_denied_removed_and_never_replaced_unseen() {
    let home = Home::new();
    home.oriel(&["modules", "install", &sample()]).done();
    assert!(home.oriel(&["modules", "install", &sample()]).failed(1).contains("is installed"));
    home.oriel(&["modules", "sign", "hello", "--create-key"]).done();
    assert_eq!(listed(&home)["standing"], "signed");
    home.oriel(&["modules", "deny", "hello"]).done();
    assert_eq!(listed(&home)["standing"], "denied");
    home.oriel(&["modules", "remove", "hello"]).done();
    assert_eq!(home.oriel(&["modules", "list", "--json"]).json(), json!({ "modules": [] }));
    for command in ["remove", "sign", "deny", "restart", "logs"] {
        let refused = home.oriel(&["modules", command, "../hello"]);
        assert!(refused.failed(1).contains("no module"), "{refused:?}");
    }
}

fn sample() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/modules/hello");
    folder.display().to_string()
}

fn installed() -> Daemon {
    let home = Home::new();
    home.oriel(&["modules", "install", &sample()]).done();
    Launch::new().home(&home).variable("PATH", "/usr/local/bin:/usr/bin:/bin").start()
}

fn signed() -> Daemon {
    let home = Home::new();
    home.oriel(&["modules", "install", &sample()]).done();
    home.oriel(&["modules", "sign", "hello", "--create-key"]).done();
    Launch::new().home(&home).variable("PATH", "/usr/local/bin:/usr/bin:/bin").start()
}

fn listed(home: &Home) -> Value {
    home.oriel(&["modules", "list", "--json"]).json()["modules"][0].clone()
}

fn pid_of(home: &Home, fits: impl Fn(u32) -> bool) -> u32 {
    wait::until("the module to run", || {
        let pid = u32::try_from(listed(home)["pid"].as_u64()?).ok()?;
        fits(pid).then_some(pid)
    })
}

fn gone(pid: u32) {
    let path = PathBuf::from(format!("/proc/{pid}"));
    wait::until("the module to be gone", || (!path.exists()).then_some(()));
}

/// A module that runs, with what only the console knows of it.
struct Running {
    pid: u32,
    addr: SocketAddr,
    token: String,
}

impl Running {
    fn wait_for(home: &Home) -> Self {
        let pid = pid_of(home, |_| true);
        let port = wait::until("the module to listen", || {
            let said = home.oriel(&["modules", "logs", "hello"]).stdout;
            said.lines()
                .filter_map(|line| line.strip_prefix("listening on ")?.parse().ok())
                .next_back()
        });
        let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
        let token = environment
            .split('\0')
            .find_map(|variable| variable.strip_prefix("ORIEL_MODULE_TOKEN="))
            .expect("a module is told its token");
        Self { pid, addr: SocketAddr::from(([127, 0, 0, 1], port)), token: token.to_owned() }
    }

    fn get(&self, target: &str, token: &str) -> Answer {
        let request = Request::get(target).header("x-oriel-module-token", token);
        let mut connection = Connection::tcp(self.addr).expect("the module listens");
        connection.send(&request).expect("the module answers")
    }
}
