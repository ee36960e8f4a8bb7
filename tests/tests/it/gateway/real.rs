//! A real agent works through the gateway: it asks a model, calls a tool, asks for leave and changes a
//! file. Only the model is a script.

use std::path::PathBuf;

use oriel_gateway_client::Incoming;
use oriel_tests::gateway::{Follower, connect, next};
use oriel_tests::model::{LAST_WORDS, Model, TOKENS, WORDS, WRITES};
use oriel_tests::{Home, Launch, wait};
use oriel_wire::gateway::{Answer, EventBody, SessionEvent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_agent_asks_for_leave_and_changes_a_file() {
    let agent = program();
    let model = Model::start().await;
    let home = Home::new();
    let work = home.path("work");
    std::fs::create_dir_all(&work).unwrap();
    let list = format!(
        "[agents.qwen]\ncommand = \"node\"\nargs = [{agent:?}, \"--acp\"]\nenv_pass = [\"OPENAI_*\"]\n\
         writes = [\"~/.qwen/\"]\n"
    );
    home.write("gateway/agents.toml", &list);
    let path = "/usr/local/bin:/usr/bin:/bin";
    let daemon = Launch::new()
        .home(&home)
        .variable("PATH", path)
        .variable("OPENAI_API_KEY", "dummy")
        .variable("OPENAI_BASE_URL", &model.url())
        .variable("OPENAI_MODEL", "scripted")
        .start();
    let (client, mut events) = connect(&home).await;
    let workspace = Some(work.display().to_string());
    let session = client.create_session("qwen", None, workspace).await.unwrap();
    client.join_session(&session.id, None).await.unwrap();
    let file = work.join("made.txt");
    let asked = format!("Please {WRITES}{} now", file.display());
    client.run_turn(&session.id, asked, None).await.unwrap();

    let mut follower = Follower::default();
    let mut leave = 0;
    while follower.turns() < 1 {
        let incoming = next(&mut events).await;
        if let Incoming::Event(SessionEvent { body, .. }) = &incoming
            && let EventBody::PermissionRequested { question_id, .. } = body
        {
            let yes = Answer::Leave { allow: true, remember: false };
            client.answer_question(&session.id, question_id, yes).await.unwrap();
            leave += 1;
        }
        follower.hears(incoming);
    }
    let told = || format!("{:#?}\nasked {} times", follower.durable, model.times_asked());
    assert_eq!(leave, 1, "{}", told());
    assert!(follower.text.contains(LAST_WORDS), "{}", told());
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), WORDS.trim());
    let has = |wanted: fn(&EventBody) -> bool| follower.durable.iter().any(|it| wanted(&it.body));
    assert!(has(|it| matches!(it, EventBody::ToolResult { .. })), "{}", told());
    assert!(has(|it| matches!(it, EventBody::FileChanged { path, .. } if path == "made.txt")));
    let usage = follower.durable.iter().find_map(|it| match &it.body {
        EventBody::TurnUsage { usage } => Some(usage.clone()),
        _ => None,
    });
    let usage = usage.unwrap_or_else(|| panic!("{}", told()));
    assert_eq!(usage.output_tokens, 2 * TOKENS.2, "one answer calls, one says that it is done");
    // The gateway and the agent's own history tell of the same tokens, and they count once.
    wait::until("the agent's tokens in the monitor", || {
        let sessions = daemon.get("/api/sessions").json();
        let found =
            sessions["sessions"].as_array()?.iter().find(|it| it["agent_type"] == "qwen_code")?;
        (found["tokens_out"] == 2 * TOKENS.2).then_some(())
    });
    daemon.verify();
}

#[expect(clippy::disallowed_methods, reason = "the test runner says where the program is")]
fn program() -> PathBuf {
    let path = std::env::var_os("ORIEL_TEST_QWEN");
    PathBuf::from(path.expect("`cargo xtask test` fetches the agent and says where it is"))
}
