//! A question of an agent waits for one answer, and for no second one.

use serde_json::json;

use super::{House, types};
use crate::agent::Given;

#[tokio::test]
async fn of_two_answers_at_once_one_wins() {
    let house = House::open().await;
    let mut client = house.client().await;
    let mut other = house.client().await;
    let (session, played) = house.working(&mut client).await;
    let given = played.ask_leave().await;
    let question = client.until("permission_requested").await["questionId"].clone();
    client.until_state("waiting").await;
    let snapshot = other.join(&session, None).await;
    assert_eq!(snapshot["pending"][0]["questionId"], question);
    assert_eq!(snapshot["session"]["pending"], 1);

    let answer = |allow: bool| {
        json!({ "type": "answer_question", "sessionId": session, "questionId": question,
                "answer": { "allow": allow } })
    };
    let (one, two) = tokio::join!(client.ask(answer(true)), other.ask(answer(false)));
    let mut outcomes = [one["type"].as_str().unwrap(), two["type"].as_str().unwrap()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["accepted", "error"]);
    let refused = if one["type"] == "error" { &one } else { &two };
    assert_eq!(refused["code"], "AlreadyResolved");
    let wanted = if one["type"] == "accepted" { "yes" } else { "no" };
    assert_eq!(given.await.unwrap(), Given::Option(wanted.to_owned()));
    let resolved = client.until("approval_resolved").await;
    assert_eq!(resolved["outcome"]["optionId"], wanted);
    client.until_state("running").await;
    assert_eq!(client.ask(answer(true)).await["code"], "AlreadyResolved", "and so it stays");
}

#[tokio::test]
async fn an_answer_that_is_none_leaves_the_question_open() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    let given = played.ask_leave().await;
    let question = client.until("permission_requested").await["questionId"].clone();
    let answer = |answer: serde_json::Value| {
        json!({ "type": "answer_question", "sessionId": session, "questionId": question,
                "answer": answer })
    };
    let refused = client.ask(answer(json!("maybe"))).await;
    assert_eq!(refused["code"], "INVALID_MESSAGE");
    assert!(refused["message"].as_str().unwrap().contains("yes"), "{refused}");
    assert_eq!(client.ask(answer(json!("no"))).await["type"], "accepted");
    assert_eq!(given.await.unwrap(), Given::Option("no".to_owned()));
}

#[tokio::test]
async fn a_turn_that_ends_leaves_no_question() {
    let house = House::open().await;
    let mut client = house.client().await;
    let (session, played) = house.working(&mut client).await;
    let first = played.ask_leave().await;
    let second = played.ask_leave().await;
    client.until_state("waiting").await;
    played.end().await;
    let frames = client.until_state("ready").await;
    let names = types(&frames);
    assert_eq!(names.iter().filter(|name| **name == "approval_resolved").count(), 2, "{names:?}");
    let last = names.iter().rposition(|name| *name == "approval_resolved").unwrap();
    let end = names.iter().position(|name| *name == "turn_complete").unwrap();
    assert!(last < end, "{names:?}");
    assert!(first.await.is_err() && second.await.is_err(), "they are cancelled");
    assert_eq!(client.join(&session, None).await["pending"], json!([]));
}
