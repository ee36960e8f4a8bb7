//! From a bare clone: a session, a tool, a permission, a file, a stop, a stranger.

use oriel_gateway_client::{ClientError, Incoming};
use oriel_tests::Daemon;
use oriel_tests::gateway::{Follower, connect, echo, next};
use oriel_wire::gateway::{Answer, ErrorCode, EventBody, FileChange, SessionEvent, TurnErrorCode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_runs_an_agent_answers_it_and_finds_what_it_wrote() {
    let daemon = Daemon::start();
    let (client, mut events) = connect(daemon.home()).await;
    let session = echo(&client).await;
    client.run_turn(&session.id, "[[write notes/a.txt hello]]", None).await.unwrap();
    let mut follower = Follower::default();
    let mut changed = None;
    while follower.turns() < 1 {
        let incoming = next(&mut events).await;
        if let Incoming::Event(SessionEvent { body, .. }) = &incoming {
            match body {
                EventBody::PermissionRequested { question_id, options, .. } => {
                    assert!(!options.is_empty());
                    let yes = Answer::Leave { allow: true, remember: false };
                    client.answer_question(&session.id, question_id, yes.clone()).await.unwrap();
                    let again = client.answer_question(&session.id, question_id, yes).await;
                    assert_eq!(code(again), ErrorCode::AlreadyResolved);
                }
                EventBody::FileChanged { path, kind, iteration, .. } => {
                    changed = Some((path.clone(), *kind, *iteration));
                }
                _ => {}
            }
        }
        follower.hears(incoming);
    }
    assert_eq!(changed, Some(("notes/a.txt".to_owned(), FileChange::Created, 1)));
    let file = client.read_file(&session.id, "notes/a.txt", None, None).await.unwrap();
    assert_eq!((file.content.trim(), file.eof), ("hello", true));
    let kept = client.file_at_iteration(&session.id, "notes/a.txt", 1).await.unwrap();
    assert_eq!(kept.content, file.content);
    let out = client.read_file(&session.id, "../../token", None, None).await;
    assert_eq!(code(out), ErrorCode::PathRefused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_is_stopped_or_whose_agent_dies_ends_once_and_the_next_one_works() {
    let daemon = Daemon::start();
    let (client, mut events) = connect(daemon.home()).await;
    let session = echo(&client).await;
    let mut follower = Follower::default();
    for (nth, (asked, expected)) in [
        ("[[hang]]", TurnErrorCode::TurnStopped),
        ("[[deaf]]", TurnErrorCode::TurnStopped),
        ("[[die]]", TurnErrorCode::AgentExited),
        ("[[fail]]", TurnErrorCode::AgentFailed),
    ]
    .into_iter()
    .enumerate()
    {
        client.run_turn(&session.id, asked, None).await.unwrap();
        if expected == TurnErrorCode::TurnStopped {
            client.stop_turn(&session.id).await.unwrap();
        }
        follower.until_turns(&mut events, nth + 1).await;
        let end = follower.durable.iter().rfind(|event| event.body.ends_turn()).unwrap();
        let EventBody::TurnError { code, .. } = &end.body else { panic!("{end:?}") };
        assert_eq!(*code, expected, "{asked}");
    }
    client.run_turn(&session.id, "still there", None).await.unwrap();
    follower.until_turns(&mut events, 5).await;
    assert!(follower.text.contains("still there"), "{}", follower.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_is_asked_for_twice_runs_once() {
    let daemon = Daemon::start();
    let (client, mut events) = connect(daemon.home()).await;
    let session = echo(&client).await;
    let ask = || client.run_turn(&session.id, "once", Some("mine".to_owned()));
    let (first, second) = (ask().await.unwrap(), ask().await.unwrap());
    assert_eq!(first, second);
    let mut follower = Follower::default();
    follower.until_turns(&mut events, 1).await;
    assert_eq!(ask().await.unwrap(), first, "also when it is over");
    let events = client.get_events(&session.id, None, None).await.unwrap().events;
    let started = events.iter().filter(|it| matches!(it.body, EventBody::TurnStarted { .. }));
    assert_eq!(started.count(), 1);
}

#[track_caller]
fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> ErrorCode {
    match answer {
        Err(ClientError::Refused { code, .. }) => code,
        other => panic!("it was not refused: {other:?}"),
    }
}
