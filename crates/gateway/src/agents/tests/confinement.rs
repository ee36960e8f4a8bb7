//! A confined agent changes its workspace and its own files, reads nothing of Oriel's, and sees no
//! process beside its own. These tests hold nothing where nothing can confine.

use oriel_wire::gateway::EventBody;

use super::house::{House, nothing};

#[tokio::test]
async fn a_confined_agent_cannot_read_what_opens_the_gateway() {
    let house = House::new();
    let Some(mut talk) = confined(&house).await else { return };
    std::fs::write(house.data_dir.join("gateway/token"), "opens").unwrap();
    let token = house.data_dir.join("gateway/token");
    let tries = format!(
        "cat {token}; cat /proc/*/root{token}; cat /proc/1/environ; ls -A {data}; unshare -Ur umount {data} && cat {token}; true",
        token = token.display(),
        data = house.data_dir.display()
    );
    let output = run(&mut talk, &tries).await;
    assert!(!output.contains("opens"), "{output}");
    let seen = run(&mut talk, "ls -d /proc/[0-9]* | wc -l").await;
    assert!(seen.trim().parse::<u32>().unwrap() < 15, "it sees other processes: {seen}");
}

#[tokio::test]
async fn a_confined_agent_writes_its_workspace_and_nothing_else() {
    let house = House::new();
    let Some(mut talk) = confined(&house).await else { return };
    let outside = house.home.join("outside");
    std::fs::write(house.home.join("kept"), "kept").unwrap();
    let tries = format!(
        "echo x > {outside}; echo x >> {home}/kept; rm -f {home}/kept; echo x > /etc/oriel; mount -o remount,rw / ; echo x > {outside}; echo in > inside; echo t > /tmp/t && cat /tmp/t",
        outside = outside.display(),
        home = house.home.display()
    );
    let output = run(&mut talk, &tries).await;
    assert!(output.ends_with("t\n"), "{output}");
    assert!(!outside.exists() && !std::path::Path::new("/etc/oriel").exists());
    assert_eq!(std::fs::read_to_string(house.home.join("kept")).unwrap(), "kept");
    assert_eq!(std::fs::read_to_string(house.workspace.join("inside")).unwrap(), "in\n");
}

#[tokio::test]
async fn a_workspace_within_oriels_own_folder_is_all_that_is_seen_of_it() {
    let mut house = House::new();
    house.workspace = house.data_dir.join("gateway/workspaces/w1");
    std::fs::create_dir_all(&house.workspace).unwrap();
    let Some(mut talk) = confined(&house).await else { return };
    std::fs::write(house.data_dir.join("gateway/token"), "opens").unwrap();
    let output = run(&mut talk, "cat ../../token; echo in > inside; ls ../..").await;
    assert!(!output.contains("opens") && output.contains("workspaces"), "{output}");
    assert_eq!(std::fs::read_to_string(house.workspace.join("inside")).unwrap(), "in\n");
}

#[tokio::test]
async fn an_agent_writes_its_own_files_which_are_made_for_it() {
    let house = House::new();
    let lines = "echo own > ~/.own/file; echo x > ~/other; echo read-only >&2; exit 1";
    let agents = house.agents(&house.script(lines, "writes = [\"~/.own/\"]"));
    if agents.confinement().await.is_err() {
        return;
    }
    let why = house.start(&agents, "script").await.unwrap_err().to_string();
    assert_eq!(std::fs::read_to_string(house.home.join(".own/file")).unwrap(), "own\n", "{why}");
    assert!(!house.home.join("other").exists());
}

#[tokio::test]
async fn what_confines_an_agent_or_why_nothing_does_is_told() {
    let house = House::new();
    let told = house.agents("").confinement().await;
    let mut talk = house.start(&house.agents(""), "echo").await.unwrap();
    let crate::agent::News::Ready(ready) = talk.next().await else { panic!("it is not ready") };
    match told {
        Ok(_) => assert!(ready.confinement.starts_with("bubblewrap"), "{}", ready.confinement),
        Err(reason) => assert!(ready.confinement.contains(&reason), "{}", ready.confinement),
    }
    let agents = house.agents("[agents.script]\ncommand = \"/bin/false\"\nconfine = \"off\"");
    assert!(!agents.list().iter().find(|row| row.name == "script").unwrap().is_confined);
    let mut bare = House::new();
    bare.set("PATH", "/nowhere");
    let reason = bare.agents("").confinement().await.unwrap_err();
    assert!(reason.contains("not installed"), "{reason}");
}

/// Returns an agent that is confined, where that can be had.
async fn confined(house: &House) -> Option<super::house::Talk> {
    house.agents("").confinement().await.ok()?;
    Some(house.echo().await)
}

async fn run(talk: &mut super::house::Talk, command: &str) -> String {
    let turn = talk.turn(&format!("[[run {command}]]"), nothing).await;
    let output = turn.events.iter().find_map(|it| match it {
        EventBody::TerminalComplete { output, .. } => Some(output.clone()),
        _ => None,
    });
    output.unwrap_or_else(|| panic!("{turn:?}"))
}
