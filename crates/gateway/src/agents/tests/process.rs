//! However a program ends or goes wrong, it is told, and nothing of it is left.

use super::house::{House, is_alive, nothing, until};
use crate::agent::News;

/// Answers the greeting and begins a session, as far as a shell can: it answers by number.
const GREETS: &str = r#"
read -r line
printf '%s\n' '{"jsonrpc":"2.0","id":ID0,"result":{"protocolVersion":1,"agentCapabilities":{}}}' | sed "s/ID0/$(printf '%s' "$line" | sed 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/')/"
read -r line
printf '%s\n' '{"jsonrpc":"2.0","id":ID0,"result":{"sessionId":"native"}}' | sed "s/ID0/$(printf '%s' "$line" | sed 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/')/"
"#;

#[tokio::test]
async fn an_agent_that_dies_at_work_says_how() {
    let house = House::new();
    let mut talk = house.echo().await;
    talk.prompt("some words [[die]]").await;
    let why = talk.ended().await;
    assert!(why.contains("exit code 3") && why.contains("Echo"), "{why}");
}

#[tokio::test]
async fn an_agent_that_never_answers_is_ended_with_what_it_said() {
    let house = House::new();
    let agents = house.agents(&house.script("echo 'please log in' >&2; exit 7", ""));
    let why = house.start(&agents, "script").await.unwrap_err().to_string();
    for said in ["cannot start script", "exit code 7", "please log in"] {
        assert!(why.contains(said), "{why}");
    }
}

#[tokio::test]
async fn an_agent_that_is_silent_is_given_up() {
    let (stdin, _kept) = tokio::io::duplex(64 * 1024);
    let (_silent, stdout) = tokio::io::duplex(64);
    let why = over(stdin, stdout).await.unwrap_err().to_string();
    assert!(why.contains("did not answer within 1 s"), "{why}");
}

#[tokio::test]
async fn what_is_no_message_is_passed_over() {
    let house = House::new();
    let lines = format!(
        "echo 'npm warn deprecated'; echo '[1,2]'; echo '{{\"method\":17}}'; printf '\\377\\376\\n'; {GREETS} \
         echo '{{\"jsonrpc\":\"2.0\",\"method\":\"unknown/thing\",\"params\":{{}}}}'
         echo '{{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{{\"sessionId\":\"native\",\"update\":{{\"sessionUpdate\":\"new_kind\"}}}}}}'
         read -r line
         echo '{{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{{\"sessionId\":\"native\",\"update\":{{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{{\"type\":\"text\",\"text\":\"heard\"}}}}}}}}'
         cat >/dev/null"
    );
    let agents = house.agents(&house.script(&lines, ""));
    let mut talk = house.start(&agents, "script").await.unwrap();
    assert!(matches!(talk.next().await, News::Ready(_)));
    talk.prompt("x").await;
    let News::Happened(event) = talk.next().await else { panic!("it was not heard") };
    assert!(format!("{event:?}").contains("heard"), "{event:?}");
}

#[tokio::test]
async fn a_line_without_an_end_ends_the_agent() {
    let house = House::new();
    let lines =
        format!("{GREETS} read -r line; head -c 17000000 /dev/zero | tr '\\0' x; cat >/dev/null");
    let agents = house.agents(&house.script(&lines, ""));
    let mut talk = house.start(&agents, "script").await.unwrap();
    assert!(matches!(talk.next().await, News::Ready(_)));
    talk.prompt("x").await;
    let why = talk.ended().await;
    assert!(why.contains("more than 16 MiB"), "{why}");
}

#[tokio::test]
async fn nothing_of_an_agent_outlives_it() {
    for confine in ["off", "workspace"] {
        let house = House::new();
        let note = house.workspace.join("pid");
        // It does not listen to signals, and what it starts holds its pipes open.
        let lines = format!(
            "trap '' TERM; sleep 300 & echo $! > {}; {GREETS} while :; do sleep 300; done",
            note.display()
        );
        let agents = house.agents(&house.script(&lines, &format!("confine = {confine:?}")));
        let mut talk = house.start(&agents, "script").await.unwrap();
        let pids = sleeping();
        assert!(!pids.is_empty(), "it sleeps");
        let (orders, _) = tokio::sync::mpsc::channel(1);
        drop(std::mem::replace(&mut talk.agent.orders, orders));
        let why = talk.ended().await;
        assert!(why.contains("stopped"), "{why}");
        if confine == "off" {
            let pid = std::fs::read_to_string(&note).unwrap();
            until("what it started is left", || !is_alive(&pid)).await;
        }
        until("something sleeps on", || pids.iter().all(|pid| !is_alive(pid))).await;
    }
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_leaves_nothing() {
    let house = House::new();
    let agents = house.agents(&house.script("echo $$ > pid; exec sleep 301", "confine = \"off\""));
    let note = house.workspace.join("pid");
    {
        let start = house.start(&agents, "script");
        tokio::select! {
            _ = start => panic!("it cannot be there"),
            () = until("it never began", || std::fs::read_to_string(&note).is_ok_and(|it| it.ends_with('\n'))) => {}
        }
    }
    let pid = std::fs::read_to_string(&note).unwrap();
    until("it is left", || !is_alive(&pid)).await;
}

#[tokio::test]
async fn an_agent_sees_the_variables_that_are_meant_for_it() {
    let mut house = House::new();
    house.set("ORIEL_GATEWAY_TOKEN", "secret");
    house.set("AWS_SECRET_ACCESS_KEY", "secret");
    house.set("MY_KEY", "mine");
    let more = "env_pass = [\"MY_*\"]\nenv = { SET = \"set\" }";
    let agents = house.agents(&house.script("env >&2; exit 1", more));
    let seen = house.start(&agents, "script").await.unwrap_err().to_string();
    assert!(seen.contains("MY_KEY=mine") && seen.contains("SET=set"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}

#[tokio::test]
async fn a_limit_of_memory_holds_for_an_agent_and_what_it_starts() {
    let house = House::new();
    let lines = "sh -c 'ulimit -d' >&2; exit 1";
    let agents = house.agents(&house.script(lines, "memory_mib = 512"));
    let why = house.start(&agents, "script").await.unwrap_err().to_string();
    assert!(why.contains("524288"), "{why}");
}

#[tokio::test]
async fn what_is_not_installed_says_how_to_get_it() {
    let house = House::new();
    let agents = house.agents("[agents.missing]\ncommand = \"no-such-program\"\nhint = \"get it\"");
    let why = house.start(&agents, "missing").await.unwrap_err().to_string();
    assert!(why.contains("`no-such-program` is not installed; get it"), "{why}");
    let why = house.start(&agents, "nobody").await.unwrap_err().to_string();
    assert!(why.contains("echo"), "it names those that there are: {why}");
    let rows = agents.list();
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    assert!(row("missing").found.is_none() && row("echo").found.is_some());
}

#[tokio::test]
async fn two_agents_at_once_do_not_hear_each_other() {
    let house = House::new();
    let (mut one, mut two) = (house.echo().await, house.echo().await);
    let (one, two) =
        tokio::join!(one.turn("[[stream 500]]", nothing), two.turn("only this", nothing));
    assert_eq!((one.events.len(), two.text().as_str()), (500, "only this"));
}

/// Drives whoever speaks through these pipes.
async fn over(
    stdin: tokio::io::DuplexStream,
    stdout: tokio::io::DuplexStream,
) -> Result<crate::agent::Agent, crate::agent::AgentError> {
    use super::super::confine::{Ability, Cage, Plan};
    use super::super::driver::{self, Pipes, Role};
    use super::super::process::Spawner;
    use super::super::tail::Tail;

    let house = House::new();
    let catalog = super::super::catalog::Catalog::load(&house.data_dir.join("none"));
    let cage = Cage::new(Plan {
        known: &catalog.agents["echo"],
        program: std::path::Path::new("/bin/sh"),
        ability: &Ability::Nothing("it is not tried".to_owned()),
        environment: std::collections::BTreeMap::new(),
        data_dir: &house.data_dir,
        workspace: &house.workspace,
    });
    let role = Role {
        label: "Silent".to_owned(),
        hint: String::new(),
        resume: None,
        greeted_within: std::time::Duration::from_secs(1),
    };
    let pipes = Pipes { stdin, stdout, tail: Tail::default() };
    let end = Box::pin(std::future::ready("it ended".to_owned()));
    driver::run(pipes, role, cage.unwrap(), Spawner::new().unwrap(), end).await
}

/// Returns the processes of this test that sleep for as long as no other does.
fn sleeping() -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut found = Vec::new();
    for process in all {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if command == b"sleep\x00300\x00" {
            found.push(process.file_name().to_string_lossy().into_owned());
        }
    }
    found
}
