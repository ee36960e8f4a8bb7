//! Every turn ends with exactly one end, whatever is said, stopped, steered or dies in between.

use std::time::Duration;

use oriel_wire::gateway::{EventBody, Usage};
use serde_json::{Value, json};

use super::{House, types};
use crate::agent::News;

#[tokio::test]
async fn a_turn_from_its_first_word_to_its_last() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    client.join(&session, None).await;
    let turn = client.run_turn(&session, "look").await;
    let mut played = house.stage.next().await;
    assert_eq!(
        (played.start.resume.as_deref(), played.start.workspace.to_str()),
        (None, Some(&*house.work()))
    );
    assert_eq!(types(&client.until_state("activating").await), ["turn_started", "session_updated"]);
    played.ready().await;
    assert_eq!(played.prompted().await, "look");
    client.until_state("running").await;

    played.think("hm").await;
    played.think("m").await;
    played.say("I ").await;
    played.say("look.").await;
    played.tell(News::Touched("made.txt".into())).await;
    played.use_tool("call-1", "a file").await;
    played.say("Done.").await;
    let usage = Usage { input_tokens: 7, cost_usd: Some(0.5), ..Usage::default() };
    played.tell(News::Happened(EventBody::TurnUsage { usage })).await;
    played.end().await;
    let frames = client.until_state("ready").await;
    // How many pieces a text comes in depends on how fast it is read.
    let mut names = types(&frames);
    names.retain(|name| *name != "thinking.progress");
    names.dedup();
    let wanted = [
        "thinking.start",
        "thinking.complete",
        "text_delta",
        "text.complete",
        "tool_call_start",
        "tool_result",
        "text_delta",
        "text.complete",
        "turn_usage",
        "turn_complete",
        "session_updated",
    ];
    assert_eq!(names, wanted);
    let (last, turns) = frames.split_last().unwrap();
    let end = turns.last().unwrap();
    assert_eq!(
        (&end["finalText"], &end["stopReason"]),
        (&json!("I look.Done."), &json!("end_turn"))
    );
    let seqs: Vec<u64> = frames.iter().map(|frame| frame["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert!(turns.iter().all(|frame| frame["turnId"] == json!(turn)));
    let meta = &last["session"];
    assert_eq!((&meta["usage"]["inputTokens"], &meta["turns"]), (&json!(7), &json!(1)));
    assert_eq!(meta["monitorSession"], "native-1");

    let history = client.ask_of("get_history", &session).await;
    let said: Vec<&Value> =
        history["messages"].as_array().unwrap().iter().map(|it| &it["text"]).collect();
    assert_eq!(said, [&json!("look"), &json!("I look.Done.")]);
    client.run_turn(&session, "again").await;
    assert_eq!(played.prompted().await, "again", "the agent is still there");
    assert!(!house.stage.has_more().await);
}

#[tokio::test]
async fn while_a_turn_runs_no_other_begins_and_the_same_name_is_the_same_turn() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    let run = |text: &str, name: &str| json!({ "type": "run_turn", "sessionId": session, "text": text, "clientTurnId": name });
    let first = client.ask(run("one", "a")).await;
    assert_eq!(client.ask(run("one", "a")).await["turnId"], first["turnId"]);
    assert_eq!(client.ask(run("two", "b")).await["code"], "TurnInProgress");
    let mut played = house.stage.next().await;
    played.ready().await;
    played.prompted().await;
    played.end().await;
    client.until_state("ready").await;
    assert_eq!(client.ask(run("one", "a")).await["turnId"], first["turnId"], "though it is over");

    let house = house.crash().await;
    let mut client = house.client().await;
    assert_eq!(client.ask(run("one", "a")).await["turnId"], first["turnId"], "though it restarted");
    assert!(!house.stage.has_more().await);
    let events = client.events(&session).await;
    assert_eq!(types(&events).iter().filter(|kind| **kind == "turn_started").count(), 1);
    assert_ne!(client.ask(run("two", "b")).await["turnId"], first["turnId"]);
}

#[tokio::test]
async fn a_turn_that_is_stopped_ends_once_the_agent_has_stopped() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    let given = played.ask_leave().await;
    client.until_state("waiting").await;
    assert_eq!(client.ask_of("stop_turn", &session).await["type"], "accepted");
    played.cancelled().await;
    assert!(given.await.is_err(), "its question is cancelled");
    assert_eq!(client.ask_of("stop_turn", &session).await["type"], "accepted", "twice is once");
    played.say("well").await;
    played.tell(News::PromptEnded(Ok("cancelled".to_owned()))).await;
    let frames = client.until_state("ready").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!((&end["code"], &end["finalText"]), (&json!("TurnStopped"), &json!("well")));
    check_ends(&mut client, &session, 1).await;
    assert_eq!(client.ask_of("stop_turn", &session).await["type"], "accepted", "nothing happens");
    client.run_turn(&session, "next").await;
    assert_eq!(played.prompted().await, "next");
}

#[tokio::test]
async fn an_agent_that_does_not_stop_is_ended() {
    let house =
        House::open_with(|config| config.limits.stop_within = Duration::from_millis(30)).await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    client.ask_of("stop_turn", &session).await;
    played.let_go().await;
    let frames = client.until_state("inactive").await;
    assert!(types(&frames).contains(&"turn_error"));
    client.run_turn(&session, "next").await;
    let again = house.stage.next().await;
    assert_eq!(again.start.resume.as_deref(), Some("native-1"), "it goes on where it was");
    check_ends(&mut client, &session, 1).await;
}

#[tokio::test]
async fn a_turn_that_is_stopped_before_its_agent_is_there_never_reaches_it() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    client.join(&session, None).await;
    client.run_turn(&session, "one").await;
    let mut played = house.stage.next().await;
    client.ask_of("stop_turn", &session).await;
    assert!(played.order().await.is_none());
    let frames = client.until_state("inactive").await;
    assert!(types(&frames).contains(&"turn_error"));
    check_ends(&mut client, &session, 1).await;
}

#[tokio::test]
async fn a_turn_that_is_steered_goes_on() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    played.say("one").await;
    client.until("text_delta").await;
    let steer = |text: &str| json!({ "type": "steer", "sessionId": session, "text": text });
    let accepted = client.ask(steer("left")).await;
    assert_eq!(accepted["type"], "accepted");
    played.cancelled().await;
    assert_eq!(client.ask(steer("no, right")).await["turnId"], accepted["turnId"]);
    played.tell(News::PromptEnded(Ok("cancelled".to_owned()))).await;
    assert_eq!(played.prompted().await, "left\n\nno, right");
    played.say("two").await;
    played.end().await;
    let frames = client.until_state("ready").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_complete").unwrap();
    assert_eq!((&end["turnId"], &end["finalText"]), (&accepted["turnId"], &json!("onetwo")));
    check_ends(&mut client, &session, 1).await;
    assert_eq!(client.ask(steer("late")).await["code"], "NoActiveTurn");
}

#[tokio::test]
async fn a_turn_that_is_steered_and_stopped_at_once_ends_once() {
    let house = House::open().await;
    for is_stop_first in [false, true] {
        let mut client = house.client().await;
        let mut other = house.client().await;
        let (session, mut played) = house.working(&mut client).await;
        let steer = json!({ "type": "steer", "sessionId": session, "text": "left" });
        if is_stop_first {
            let (_, steered) = tokio::join!(client.ask_of("stop_turn", &session), other.ask(steer));
            assert!(["accepted", "error"].contains(&steered["type"].as_str().unwrap()));
        } else {
            tokio::join!(other.ask(steer), client.ask_of("stop_turn", &session));
        }
        played.cancelled().await;
        played.end().await;
        client.until_state("ready").await;
        check_ends(&mut client, &session, 1).await;
    }
}

#[tokio::test]
async fn an_agent_that_goes_away_ends_its_turn() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    played.say("half").await;
    played.tell(News::Ended("it was killed".to_owned())).await;
    let frames = client.until_state("error").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!((&end["code"], &end["message"]), (&json!("AgentExited"), &json!("it was killed")));
    assert_eq!(end["finalText"], "half");
    assert_eq!(frames.last().unwrap()["session"]["problem"], "it was killed");
    // One that goes away without a word is missed all the same, and the next turn begins anew.
    let played = house.run(&mut client, &session, "again").await;
    drop(played);
    let frames = client.until_state("error").await;
    assert!(types(&frames).contains(&"turn_error"));
    check_ends(&mut client, &session, 2).await;
}

#[tokio::test]
async fn an_agent_that_fails_is_still_there() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    played.tell(News::PromptEnded(Err("no credit".to_owned()))).await;
    let frames = client.until_state("ready").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!((&end["code"], &end["message"]), (&json!("AgentFailed"), &json!("no credit")));
    check_ends(&mut client, &session, 1).await;
}

#[tokio::test]
async fn an_agent_that_cannot_be_started_says_why() {
    let house = House::open().await;
    let mut client = house.client().await;
    let session = house.session(&mut client).await;
    client.join(&session, None).await;
    *house.stage.problem.lock().unwrap() = Some("install it first".to_owned());
    client.run_turn(&session, "one").await;
    let frames = client.until_state("error").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!(end["message"], "install it first");
    assert_eq!(frames.last().unwrap()["session"]["problem"], "install it first");
    *house.stage.problem.lock().unwrap() = None;
    house.run(&mut client, &session, "two").await;
    let frames = client.until_state("running").await;
    assert_eq!(frames.last().unwrap()["session"].get("problem"), None);
}

#[tokio::test]
async fn a_turn_that_takes_too_long_is_ended() {
    let house =
        House::open_with(|config| config.limits.turn_max = Duration::from_millis(200)).await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    played.cancelled().await;
    played.end().await;
    let frames = client.until_state("ready").await;
    let end = frames.iter().find(|frame| frame["type"] == "turn_error").unwrap();
    assert_eq!(end["code"], "TurnTimedOut");
    check_ends(&mut client, &session, 1).await;
}

#[tokio::test]
async fn an_agent_with_nothing_to_do_is_ended() {
    let house =
        House::open_with(|config| config.limits.idle_agent = Duration::from_millis(30)).await;
    let mut client = house.client().await;
    let (session, mut played) = house.working(&mut client).await;
    played.end().await;
    client.until_state("ready").await;
    played.let_go().await;
    client.until_state("deactivating").await;
    client.run_turn(&session, "at the wrong moment").await;
    played.tell(News::Ended("told to".to_owned())).await;
    let mut again = house.stage.next().await;
    again.ready().await;
    assert_eq!(again.prompted().await, "at the wrong moment");
}

#[tokio::test]
async fn what_a_tool_says_is_cut_and_says_so() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (_, played) = house.working(&mut client).await;
    played.use_tool("call-1", &"é".repeat(200_000)).await;
    let result = client.until("tool_result").await;
    assert_eq!(result["truncated"], true);
    assert_eq!(result["output"].as_str().unwrap().len(), 256 * 1024);
}

/// Checks that a session had so many turns, and that each has one end.
async fn check_ends(client: &mut super::Client, session: &str, turns: usize) {
    let events = client.events(session).await;
    let names = types(&events);
    let count = |wanted: &[&str]| names.iter().filter(|name| wanted.contains(name)).count();
    assert_eq!(count(&["turn_complete", "turn_error"]), turns, "{names:?}");
}
