//! The gateway's sessions: what one sees of them, what one does with them, and that nothing an agent says
//! or a gateway does breaks a page.

use std::time::Duration;

use oriel_wire::gateway::{
    Answer, AnswerOption, ClientMessage, CurrentTurn, ErrorCode, EventBody, FileChange, FileDiff,
    OpenQuestion, OpenTool, OptionKind, Outcome, PlanEntry, SessionState, ToolLocation,
    TurnErrorCode, Usage,
};
use serde_json::json;

use self::script::{Gateway, meta};
use super::sessions::{check_harmless, plain};
use super::*;

mod script;

/// What an agent may write anywhere.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"x' \u{202e}\u{1b}[2J ${7*7} {{7*7}} [a](javascript:alert(1))";

#[tokio::test]
async fn sessions_that_wait_come_first_then_those_at_work_then_the_latest() {
    let mut old = meta("old", "an old one", SessionState::Inactive);
    old.updated_at -= 1_000_000;
    let mut asks = meta("asks", "the one that asks", SessionState::Waiting);
    (asks.pending, asks.updated_at) = (2, 5);
    let mut away = meta("away", "put away", SessionState::Inactive);
    away.archived = true;
    let (house, _gateway) = house(&[
        old,
        meta("late", "a late one", SessionState::Ready),
        meta("works", "the one that works", SessionState::Running),
        asks,
        away,
    ])
    .await;
    let page = plain(&house.get("/agents").await.text);
    let says = words(&page);
    let at = |name: &str| says.find(name).unwrap_or_else(|| panic!("{name}: {says}"));
    assert!(at("the one that asks") < at("the one that works"));
    assert!(at("the one that works") < at("a late one") && at("a late one") < at("an old one"));
    for part in ["waits", "2 questions", "$0.25", "/work/place", "4 sessions"] {
        assert!(says.contains(part), "{part}: {says}");
    }
    assert!(!says.contains("put away") && page.contains("href=\"/agents?archived=1\""));
    let archived = words(&house.get("/agents?archived=1").await.text);
    assert!(archived.contains("put away") && !archived.contains("a late one"), "{archived}");
}

#[tokio::test]
async fn without_sessions_a_page_says_how_to_begin_one() {
    let (house, _gateway) = house(&[]).await;
    let page = house.get("/agents").await;
    assert!(words(&page.text).contains("oriel chat"), "{}", words(&page.text));
    assert!(page.text.contains("list=\"new-agents\"") && page.text.contains("value=\"echo\""));
    let stranger = house.request("GET", "/agents").body(Body::empty()).unwrap();
    let stranger = house.send(stranger).await;
    assert!(!stranger.text.contains("method=\"post\""), "who may not is offered nothing");
}

#[tokio::test]
async fn without_a_gateway_a_page_says_what_to_set() {
    let off = House::new().await;
    let page = off.get("/agents").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(words(&page.text).contains("gateway.enabled"), "{}", words(&page.text));
    assert_eq!(off.get("/agents/s").await.status, StatusCode::NOT_FOUND);

    let bound = House::with(|config| config.gateway = GatewayReach::Bind).await;
    for path in ["/agents", "/agents/s"] {
        let page = bound.get(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let says = words(&page.text);
        assert!(says.contains("oriel gateway serve"), "{path}: {says}");
        assert!(page.text.contains("hx-trigger=\"every 2s\""), "{path} tries again");
    }
}

#[tokio::test]
async fn a_gateway_is_looked_up_where_its_file_says_and_on_this_machine_only() {
    let house = House::with(|config| config.gateway = GatewayReach::Bind).await;
    let folder = house.folder.path().join("data/gateway");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("token"), "secret").unwrap();
    std::fs::write(folder.join("bind"), "192.0.2.1:3144\n").unwrap();
    let page = words(&house.get("/agents").await.text);
    assert!(page.contains("names no address of this machine"), "{page}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    std::fs::write(folder.join("bind"), format!("{addr}\n")).unwrap();
    let page = words(&house.get("/agents").await.text);
    assert!(page.contains(&addr.to_string()), "it was looked up anew: {page}");
    assert!(!page.contains("secret"));
}

#[tokio::test]
async fn a_session_is_begun_with_what_the_form_says() {
    let (house, gateway) = house(&[]).await;
    let fields = [("agent", "claude"), ("name", ""), ("workspace", "/home/me/x")];
    let made = house.post("/agents", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER);
    assert_eq!(made.headers["location"], "/agents/new");
    let asked = ClientMessage::CreateSession {
        agent_type: "claude".to_owned(),
        name: None,
        workspace: Some("/home/me/x".to_owned()),
    };
    assert_eq!(gateway.known().asked, [asked]);
    house.until("/settings/audit", |page| page.contains("made session new of claude")).await;

    gateway.known().refuses =
        Some((ErrorCode::InvalidMessage, "there is no agent \"x\"; choose echo".to_owned()));
    let refused = house.post("/agents", &[("agent", "x"), ("workspace", "/kept")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("aria-describedby=\"new-problem\""), "{}", refused.text);
    assert!(plain(&refused.text).contains("value=\"/kept\""), "what was written is still there");
    let nothing = house.post("/agents", &[]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_says_what_was_asked_done_and_said_in_order() {
    let (house, gateway) = house(&[meta("s", "mend the gate", SessionState::Running)]).await;
    a_turn(&gateway);
    let page = plain(&house.get("/agents/s").await.text);
    let says = words(&page);
    for part in [
        "mend the gate",
        "works",
        "You",
        "please mend it",
        "1 of 2 done",
        "oil the hinge , under way",
        "Thought",
        "Edit src/gate.rs",
        "- let x = 1;",
        "+ let x = 2;",
        "exit code 3",
        "changed src/gate.rs",
        "It asked for leave",
        "may I write?",
        "allowed Yes, once",
        "1.20k tokens",
        "The turn is over",
        "process ended",
        "it fell over",
    ] {
        assert!(says.contains(part), "{part}: {says}");
    }
    assert!(page.contains("<strong>mended</strong>"), "what an agent says is Markdown");
    let at = |mark: &str| page.find(mark).unwrap_or_else(|| panic!("{mark}"));
    assert!(at("please mend it") < at("let x = 1;") && at("let x = 2;") < at("<strong>"));
    assert!(at("id=\"e-1\"") < at("id=\"later\"") && at("id=\"later\"") < at("id=\"say-text\""));
    assert!(page.contains("href=\"/sessions/s\""), "the monitor's page is linked");
    assert!(live_of(&page).starts_with("/live/agent?after="), "{}", live_of(&page));
    assert!(page.contains("data-own"), "it asks for its own news");
    let event = house.get("/agents/s/events/1").await;
    assert!(words(&event.text).contains("please mend it"));
    assert_eq!(house.get("/agents/s/events/99999").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/agents/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn parts_of_a_long_conversation_join_without_gap_or_overlap() {
    let (house, gateway) = house(&[meta("s", "long", SessionState::Ready)]).await;
    gateway.known().turn = Some(turn());
    for nth in 0..200 {
        let text = format!("n{nth}");
        gateway.happens(&text, EventBody::TurnStarted { text: text.clone(), client_turn_id: None });
        for _ in 0..nth % 7 {
            gateway.says("x");
        }
        let stop_reason = "end_turn".to_owned();
        gateway.happens(&text, EventBody::TurnComplete { final_text: String::new(), stop_reason });
    }
    gateway.known().turn = None;
    let mut shown = plain(&house.get("/agents/s").await.text);
    let mut seen = prompts(&shown);
    while let Some(earlier) = shown.split("id=\"earlier\"").nth(1) {
        let url = earlier.split("hx-get=\"").nth(1).unwrap().split('"').next().unwrap();
        let url = unescaped(url);
        let whole = plain(&house.get(&url).await.text);
        assert!(whole.contains("To the newest") && !whole.contains("id=\"say-text\""), "{whole}");
        shown = plain(&house.part(&url, "earlier").await.text);
        assert!(!shown.contains("<nav"), "only a part is sent");
        seen.splice(0..0, prompts(&shown));
    }
    assert_eq!(seen, (0..200).map(|nth| format!("n{nth}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_asked_is_answered_with_a_button_or_in_words() {
    let (house, gateway) = house(&[meta("s", "asks", SessionState::Waiting)]).await;
    gateway.known().pending = vec![permission("p 1"), question("q1")];
    let page = plain(&house.get("/agents/s").await.text);
    assert!(page.contains("name=\"option\" value=\"yes\"") && page.contains("class=\"danger\""));
    assert!(page.contains("hx-preserve"), "what is being written stays");
    let answer = [("action", "answer"), ("question", "p 1"), ("option", "yes")];
    let done = house.post("/agents/s", &answer).await;
    assert_eq!(done.headers["location"], "/agents/s#end");
    let answer = [("action", "answer"), ("question", "q1"), ("text", "blue\r\nor green")];
    house.post("/agents/s", &answer).await;
    let given = |question: &str, text: &str| ClientMessage::AnswerQuestion {
        session_id: "s".to_owned(),
        question_id: question.to_owned(),
        answer: Answer::Text(text.to_owned()),
    };
    assert_eq!(gateway.known().asked, [given("p 1", "yes"), given("q1", "blue\nor green")]);
    assert!(words(&house.get("/agents/s").await.text).contains("The agent has your answer"));
    house.until("/settings/audit", |page| page.contains("answered question p 1")).await;

    gateway.known().refuses = Some((ErrorCode::AlreadyResolved, "it has its answer".to_owned()));
    let late = house.post("/agents/s", &[("action", "answer"), ("question", "p"), ("option", "y")]);
    assert_eq!(late.await.status, StatusCode::SEE_OTHER);
    assert!(words(&house.get("/agents/s").await.text).contains("it has its answer"));
}

#[tokio::test]
async fn a_turn_is_begun_told_more_and_stopped_without_scripts() {
    let (house, gateway) = house(&[meta("s", "ready", SessionState::Ready)]).await;
    let page = house.get("/agents/s").await.text;
    assert!(page.contains("value=\"run\"") && !page.contains("value=\"stop\""));
    let name = page.split("name=\"turn\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("action", "run"), ("text", " do\r\nit "), ("turn", name)];
    let begun = house.post("/agents/s", &form).await;
    assert_eq!(begun.headers["location"], "/agents/s#end");
    gateway.changes(|session| session.state = SessionState::Running);
    let page = house.get("/agents/s").await.text;
    assert!(page.contains("value=\"steer\"") && page.contains("value=\"stop\""));
    house.post("/agents/s", &[("action", "steer"), ("text", "faster")]).await;
    house.post("/agents/s", &[("action", "stop"), ("text", "")]).await;
    let session_id = || "s".to_owned();
    assert_eq!(
        gateway.known().asked,
        [
            ClientMessage::RunTurn {
                session_id: session_id(),
                text: "do\nit".to_owned(),
                client_turn_id: Some(name.to_owned()),
            },
            ClientMessage::Steer { session_id: session_id(), text: "faster".to_owned() },
            ClientMessage::StopTurn { session_id: session_id() },
        ]
    );
    let audit = house.until("/settings/audit", |page| page.contains("began turn t1")).await;
    assert!(!audit.contains("faster"), "what is said to an agent is not in the audit");
}

#[tokio::test]
async fn what_was_written_is_kept_where_it_cannot_be_sent() {
    let (house, gateway) = house(&[meta("s", "busy", SessionState::Running)]).await;
    gateway.known().refuses = Some((ErrorCode::TurnInProgress, "a turn runs; steer it".to_owned()));
    let form = [("action", "run"), ("text", "my long <text>"), ("turn", "name1")];
    let refused = house.post("/agents/s", &form).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("my long &lt;text&gt;</textarea>"), "{}", refused.text);
    assert!(refused.text.contains("value=\"name1\"") && refused.text.contains("say-problem"));
    let empty = house.post("/agents/s", &[("action", "run"), ("text", "  ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    gateway.goes();
    let away = house.post("/agents/s", &form).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.text.contains("my long &lt;text&gt;</textarea>"), "{}", away.text);
    assert!(away.text.contains("value=\"name1\""), "the same turn is begun, once");
    let what = house.post("/agents/s", &[("action", "fly")]).await;
    assert_eq!(what.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_session_is_renamed_put_away_and_deleted_only_when_one_is_sure() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    house.post("/agents/s", &[("action", "rename"), ("name", "two")]).await;
    assert!(words(&house.get("/agents/s").await.text).contains("It is called two now"));
    house.post("/agents/s", &[("action", "archive")]).await;
    assert!(house.get("/agents/s").await.text.contains("value=\"unarchive\""));
    house.post("/agents/s", &[("action", "unarchive")]).await;
    assert!(!gateway.known().sessions[0].archived);

    let first = house.post("/agents/s", &[("action", "delete")]).await;
    assert_eq!(first.headers["location"], "/agents/s?sure=delete#manage");
    assert_eq!(gateway.known().sessions.len(), 1, "nothing was deleted");
    let page = house.get("/agents/s?sure=delete").await.text;
    assert!(words(&page).contains("Yes, delete it") && words(&page).contains("Keep it"));
    let sure = house.post("/agents/s", &[("action", "delete"), ("sure", "delete")]).await;
    assert_eq!(sure.headers["location"], "/agents");
    assert!(gateway.known().sessions.is_empty());
    house.until("/settings/audit", |page| page.contains("deleted the session")).await;
}

#[tokio::test]
async fn what_comes_while_somebody_looks_is_added_where_it_belongs() {
    let (house, gateway) = house(&[meta("s", "live", SessionState::Running)]).await;
    gateway.known().turn = Some(turn());
    gateway.happens("t1", asked("go"));
    let page = plain(&house.get("/agents/s").await.text);
    let mut asked = live_of(&page);

    let answer = held(&house, &asked, || gateway.says("Hel **lo")).await;
    assert!(answer.contains("id=\"running\"") && answer.contains("Hel"), "{answer}");
    assert!(!answer.contains("beforeend:#later"), "{answer}");
    asked = live_of(&answer);
    let answer = held(&house, &asked, || gateway.says("** there")).await;
    assert!(answer.contains("Hel <strong>lo</strong> there"), "{answer}");
    assert!(!answer.contains("id=\"standing\""), "only what changed is told: {answer}");

    asked = live_of(&answer);
    let answer = held(&house, &asked, || {
        gateway.known().turn.as_mut().unwrap().open_text.clear();
        gateway.happens("t1", EventBody::TextComplete { text: "Hello there".to_owned() });
        gateway.happens("t1", start("c1", "Edit"));
    });
    let answer = answer.await;
    assert!(answer.contains("beforeend:#later") && answer.contains("Hello there"), "{answer}");
    let key = answer.split("id=\"call-").nth(1).unwrap().split("-detail").next().unwrap();
    let key = key.to_owned();

    asked = live_of(&answer);
    let answer = held(&house, &asked, || {
        gateway.happens("t1", call("c1", "Edit"));
        let (tool_call_id, output) = ("c1".to_owned(), "no such file".to_owned());
        gateway.happens(
            "t1",
            EventBody::ToolError { tool_call_id, output, truncated: false, diff: vec![] },
        );
        gateway.happens("t1", plan());
    });
    let answer = answer.await;
    for place in ["given", "gave", "state"] {
        assert!(answer.contains(&format!("innerHTML:#call-{key}-{place}")), "{place}: {answer}");
    }
    assert!(answer.contains("no such file") && answer.contains("innerHTML:#plan-"), "{answer}");
    assert!(!answer.contains("beforeend:#later"), "the call is on the page: {answer}");

    asked = live_of(&answer);
    let answer = held(&house, &asked, || {
        gateway.known().pending = vec![permission("p1")];
        gateway.changes(|session| session.pending = 1);
    });
    let answer = answer.await;
    assert!(answer.contains("id=\"pending\"") && answer.contains("value=\"yes\""), "{answer}");
    assert!(words(&answer).contains("waits for you"), "{answer}");
    let same = plain(&house.get(&format!("{}&now=1", live_of(&answer))).await.text);
    assert!(!same.contains("hx-swap-oob=\"innerHTML\""), "{same}");
}

#[tokio::test]
async fn a_burst_reaches_a_page_as_few_swaps_and_all_of_it() {
    let (house, gateway) = house(&[meta("s", "burst", SessionState::Running)]).await;
    gateway.known().turn = Some(turn());
    gateway.happens("t1", asked("go"));
    let mut url = live_of(&plain(&house.get("/agents/s").await.text));
    for nth in 0..250 {
        gateway.happens("t1", EventBody::TextComplete { text: format!("said {nth}.") });
        gateway.says("x");
    }
    let (mut seen, mut answers) = (Vec::new(), 0);
    while seen.len() < 250 {
        let answer = plain(&house.get(&url).await.text);
        let said = answer.split("<p>said ").skip(1);
        seen.extend(said.map(|rest| rest.split('.').next().unwrap().parse::<usize>().unwrap()));
        url = live_of(&answer);
        answers += 1;
        assert!(answers < 10, "{seen:?}");
    }
    assert_eq!(seen, (0..250).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_list_is_renewed_when_a_session_changes() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    let url = live_of(&plain(&house.get("/agents").await.text));
    let answer = held(&house, &url, || {
        gateway.changes(|session| session.state = SessionState::Waiting);
    });
    let answer = answer.await;
    assert!(answer.contains("id=\"agents-list\""), "{answer}");
    assert!(words(&answer).contains("waits"), "{answer}");
    let same = plain(&house.get(&format!("{}&now=1", live_of(&answer))).await.text);
    assert!(!same.contains("agents-list\" hx-swap-oob"), "{same}");
}

#[tokio::test]
async fn a_page_that_is_open_says_when_the_gateway_goes_and_goes_on_when_it_is_back() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    for path in ["/agents", "/agents/s"] {
        let url = live_of(&plain(&house.get(path).await.text));
        let answer = held(&house, &url, || gateway.goes()).await;
        assert!(words(&answer).contains("The gateway does not answer"), "{path}: {answer}");
        let url = live_of(&answer);
        let still = plain(&house.get(&format!("{url}&now=1")).await.text);
        assert!(!still.contains("agents-away\" hx-swap-oob"), "it is said once: {still}");
        let answer = held(&house, &url, || gateway.known().is_away = false).await;
        assert!(!words(&answer).contains("does not answer"), "{path}: {answer}");
        assert!(answer.contains("agents-away\" hx-swap-oob"), "{path}: {answer}");
    }
    // The shared connection was lost as well, and is made anew.
    assert_eq!(house.get("/agents/s").await.status, StatusCode::OK);
    gateway.known().sessions.clear();
    assert_eq!(house.get("/live/agent?id=s&after=1&now=1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_gateway_that_is_back_is_found_by_the_next_request() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    assert_eq!(house.get("/agents/s").await.status, StatusCode::OK);
    gateway.goes();
    until(|| gateway.known().connections == 0).await;
    for path in ["/agents", "/agents/s"] {
        assert_eq!(house.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    gateway.known().is_away = false;
    assert_eq!(house.get("/agents/s").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_held_request_that_is_given_up_leaves_no_connection() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    let url = live_of(&plain(&house.get("/agents/s").await.text));
    let waiting = tokio::spawn({
        let router = house.console.router();
        let request = house.own("GET", &url).body(Body::empty()).unwrap();
        router.oneshot(request)
    });
    until(|| gateway.known().connections == 2).await;
    waiting.abort();
    until(|| gateway.known().connections == 1).await;
}

#[tokio::test]
async fn a_stop_answers_pages_of_agents_that_wait() {
    let (house, gateway) = house(&[meta("s", "one", SessionState::Ready)]).await;
    let url = live_of(&plain(&house.get("/agents/s").await.text));
    let request = house.own("GET", &url).body(Body::empty()).unwrap();
    let waiting = tokio::spawn(house.console.router().oneshot(request));
    until(|| gateway.known().connections == 2).await;
    house.console.shutdown().await;
    let answer = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert_eq!(answer.unwrap().unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn nothing_that_an_agent_says_is_more_than_text() {
    let mut session = meta("s", HOSTILE, SessionState::Waiting);
    session.agent_type = HOSTILE.to_owned();
    session.workspace = HOSTILE.to_owned();
    session.problem = Some(HOSTILE.to_owned());
    session.monitor_session = Some(HOSTILE.to_owned());
    session.usage.model = Some(HOSTILE.to_owned());
    let (house, gateway) = house(&[session]).await;
    gateway.known().turn = Some(CurrentTurn {
        open_text: HOSTILE.to_owned(),
        thinking: HOSTILE.to_owned(),
        open_tools: vec![OpenTool {
            tool_call_id: HOSTILE.to_owned(),
            tool_name: HOSTILE.to_owned(),
            title: Some(HOSTILE.to_owned()),
            input: None,
        }],
        ..turn()
    });
    gateway.known().pending = vec![permission(HOSTILE), question(HOSTILE)];
    for body in hostile() {
        gateway.happens(HOSTILE, body);
    }
    let last = gateway.known().sessions[0].last_seq;
    let mut paths = vec![
        "/agents".to_owned(),
        "/live/agents?after=0&now=1".to_owned(),
        "/agents/s".to_owned(),
        "/agents/s?sure=delete".to_owned(),
        format!("/agents/s?before={last}"),
        "/live/agent?id=s&after=0&now=1".to_owned(),
        format!("/live/agent?id=s&after={}&now=1", last / 2),
    ];
    paths.extend((1..=last).map(|seq| format!("/agents/s/events/{seq}")));
    for path in paths {
        let answer = house.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        check_harmless(&answer.text, &path);
    }
    gateway.known().refuses = Some((ErrorCode::Internal, HOSTILE.to_owned()));
    let refused = house.post("/agents/s", &[("action", "run"), ("text", HOSTILE)]).await;
    check_harmless(&refused.text, "a refusal");
}

#[tokio::test]
async fn a_huge_output_is_shown_in_part_with_a_way_to_the_rest() {
    let (house, gateway) = house(&[meta("s", "huge", SessionState::Ready)]).await;
    gateway.happens("t1", asked("go"));
    gateway.happens("t1", start("c1", "Read"));
    let (tool_call_id, output) = ("c1".to_owned(), format!("{}END", "é ".repeat(60_000)));
    let seq = gateway.happens(
        "t1",
        EventBody::ToolResult { tool_call_id, output, truncated: true, diff: vec![] },
    );
    let page = plain(&house.get("/agents/s").await.text);
    assert!(page.len() < 100_000 && !page.contains("END"), "{}", page.len());
    assert!(page.contains(&format!("/agents/s/events/{seq}")));
    assert!(words(&page).contains("which is not kept"), "what the gateway cut is told too");
    assert!(house.get(&format!("/agents/s/events/{seq}")).await.text.contains("END"));
}

#[tokio::test]
async fn a_session_of_the_monitor_leads_to_where_one_can_answer() {
    let mut session = meta("s", "one", SessionState::Waiting);
    session.monitor_session = Some("native/1".to_owned());
    let (house, gateway) = house(&[session]).await;
    for id in ["native/1", "s", "other"] {
        house
            .event(json!({ "session_id": id, "agent_type": "echo", "event_type": "tool_use" }))
            .await;
    }
    for (path, leads) in [("native%2F1", true), ("s", true), ("other", false)] {
        let page = plain(&house.get(&format!("/sessions/{path}")).await.text);
        assert_eq!(page.contains("href=\"/agents/s#end\""), leads, "{path}");
    }
    let page = plain(&house.get("/agents/s").await.text);
    assert!(page.contains("href=\"/sessions/native%2F1\""), "{page}");
    gateway.goes();
    assert_eq!(house.get("/sessions/s").await.status, StatusCode::OK, "it needs no gateway");
}

#[tokio::test]
async fn agents_are_in_the_navigation_and_the_palette() {
    let house = House::new().await;
    assert!(plain(&house.get("/status").await.text).contains("<a href=\"/agents\""));
    let palette = plain(&house.get("/palette?q=chat").await.text);
    assert!(palette.contains("href=\"/agents#new\""), "{palette}");
}

/// A console over a gateway with these sessions.
async fn house(sessions: &[oriel_wire::gateway::SessionMeta]) -> (House, Gateway) {
    let gateway = Gateway::with(sessions);
    let reach = gateway.reach();
    (House::with(|config| config.gateway = reach).await, gateway)
}

/// Asks as a page does, has something happen once the request is held, and returns the answer.
async fn held(house: &House, url: &str, happens: impl FnOnce()) -> String {
    let request = house.own("GET", url).body(Body::empty()).unwrap();
    let waiting = tokio::spawn(house.console.router().oneshot(request));
    // What happens before the request is held is found by its first look.
    tokio::time::timeout(Duration::from_millis(30), std::future::pending::<()>())
        .await
        .unwrap_err();
    happens();
    let answer = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    let response = answer.expect("it is answered").unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    plain(std::str::from_utf8(&body).unwrap())
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it becomes so");
}

fn prompts(html: &str) -> Vec<String> {
    let pieces = html.split("<div class=\"words\">").skip(1);
    pieces.map(|piece| piece[..piece.find('<').unwrap()].to_owned()).collect()
}

fn turn() -> CurrentTurn {
    CurrentTurn {
        turn_id: "t1".to_owned(),
        text: String::new(),
        open_text: String::new(),
        thinking: String::new(),
        open_tools: vec![],
    }
}

fn asked(text: &str) -> EventBody {
    EventBody::TurnStarted { text: text.to_owned(), client_turn_id: None }
}

fn start(id: &str, name: &str) -> EventBody {
    let (tool_call_id, tool_name) = (id.to_owned(), name.to_owned());
    EventBody::ToolCallStart { tool_call_id, tool_name, title: None }
}

fn call(id: &str, name: &str) -> EventBody {
    let input = json!({ "file_path": "src/gate.rs", "x": name });
    let locations = vec![ToolLocation { path: "src/gate.rs".to_owned(), line: None }];
    let (tool_call_id, tool_name) = (id.to_owned(), name.to_owned());
    EventBody::ToolCall { tool_call_id, tool_name, input, locations }
}

fn plan() -> EventBody {
    let step = |text: &str, status: &str| PlanEntry {
        text: text.to_owned(),
        status: status.to_owned(),
        priority: "high".to_owned(),
    };
    EventBody::PlanUpdated {
        entries: vec![step("look", "completed"), step("oil the hinge", "in_progress")],
    }
}

fn options(id: &str) -> Vec<AnswerOption> {
    let option = |id: &str, label: &str, kind| AnswerOption {
        id: id.to_owned(),
        label: label.to_owned(),
        kind,
    };
    vec![option(id, "Yes, once", OptionKind::AllowOnce), option("no", "No", OptionKind::RejectOnce)]
}

fn permission(id: &str) -> OpenQuestion {
    OpenQuestion {
        question_id: id.to_owned(),
        turn_id: "t1".to_owned(),
        ts: 1_790_000_000_000,
        is_permission: true,
        tool_call_id: None,
        prompt: format!("may I do {id}?"),
        options: options("yes"),
    }
}

fn question(id: &str) -> OpenQuestion {
    OpenQuestion { is_permission: false, options: vec![], ..permission(id) }
}

fn a_turn(gateway: &Gateway) {
    let diff = vec![FileDiff {
        path: "src/gate.rs".to_owned(),
        old: Some("let x = 1;".to_owned()),
        new: "let x = 2;".to_owned(),
    }];
    let usage = Usage { input_tokens: 1_200, cost_usd: Some(0.5), ..Usage::default() };
    let text = |text: &str| text.to_owned();
    for body in [
        asked("please mend it"),
        plan(),
        EventBody::ThinkingComplete { text: text("hm") },
        start("c1", "Edit"),
        call("c1", "Edit"),
        EventBody::PermissionRequested {
            question_id: text("p1"),
            tool_call_id: Some(text("c1")),
            title: text("may I write?"),
            options: options("yes"),
        },
        EventBody::ApprovalResolved {
            question_id: text("p1"),
            outcome: Outcome::Selected { option_id: text("yes"), allowed: Some(true) },
        },
        EventBody::ToolResult {
            tool_call_id: text("c1"),
            output: text("ok"),
            truncated: false,
            diff,
        },
        EventBody::TerminalComplete {
            terminal_id: text("x"),
            exit_code: Some(3),
            output: text("two failed"),
            truncated: false,
        },
        EventBody::FileChanged {
            path: text("src/gate.rs"),
            iteration: 2,
            hash: text("h"),
            size: 10,
            kind: FileChange::Modified,
        },
        EventBody::TextComplete { text: text("It is **mended**.") },
        EventBody::TurnUsage { usage },
        EventBody::TurnComplete { final_text: text("It is"), stop_reason: text("end_turn") },
    ] {
        gateway.happens("t1", body);
    }
    gateway.happens("t2", asked("and again"));
    let (code, message) = (TurnErrorCode::AgentExited, "it fell over".to_owned());
    gateway.happens("t2", EventBody::TurnError { code, message, final_text: String::new() });
}

/// Events in which everything that an agent names is hostile.
fn hostile() -> Vec<EventBody> {
    let h = || HOSTILE.to_owned();
    let diff = vec![FileDiff { path: h(), old: Some(h()), new: format!("{HOSTILE}\n{HOSTILE}") }];
    let entries = vec![PlanEntry { text: h(), status: h(), priority: h() }];
    vec![
        asked(HOSTILE),
        EventBody::TurnSteered { text: h() },
        EventBody::PlanUpdated { entries },
        EventBody::TextComplete { text: h() },
        EventBody::ThinkingComplete { text: h() },
        EventBody::ToolCallStart { tool_call_id: h(), tool_name: h(), title: Some(h()) },
        EventBody::ToolCall {
            tool_call_id: h(),
            tool_name: h(),
            input: json!({ HOSTILE: HOSTILE, "command": HOSTILE }),
            locations: vec![ToolLocation { path: h(), line: Some(1) }],
        },
        EventBody::ToolResult {
            tool_call_id: h(),
            output: h(),
            truncated: true,
            diff: diff.clone(),
        },
        EventBody::ToolError {
            tool_call_id: "else".to_owned(),
            output: h(),
            truncated: false,
            diff,
        },
        EventBody::QuestionRequested { question_id: h(), prompt: h(), options: options(HOSTILE) },
        EventBody::ApprovalResolved {
            question_id: h(),
            outcome: Outcome::Selected { option_id: h(), allowed: None },
        },
        EventBody::ApprovalResolved {
            question_id: "else".to_owned(),
            outcome: Outcome::Answered { text: h() },
        },
        EventBody::TerminalComplete {
            terminal_id: h(),
            exit_code: None,
            output: h(),
            truncated: true,
        },
        EventBody::FileChanged {
            path: h(),
            iteration: 1,
            hash: h(),
            size: 1,
            kind: FileChange::Created,
        },
        EventBody::TurnUsage { usage: Usage { model: Some(h()), ..Usage::default() } },
        EventBody::TurnComplete { final_text: h(), stop_reason: h() },
        EventBody::TurnError { code: TurnErrorCode::AgentFailed, message: h(), final_text: h() },
        EventBody::SessionUpdated { session: meta("s", HOSTILE, SessionState::Error) },
    ]
}
