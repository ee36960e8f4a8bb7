//! What keys and news do, without a terminal or a gateway.

use std::time::Duration;

use oriel_wire::gateway::{EventBody, MessageRole, SessionEvent};
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::chat::talk::Item;
use crate::chat::testing::{
    control, delta, event, key, message, meta, permission, question, snapshot, started, whole,
};

#[test]
fn who_waits_stands_first_and_is_opened_first() {
    let mut model = new(None);
    let mut asks = meta("asks", SessionState::Running, 1);
    asks.pending = 1;
    let mut away = meta("away", SessionState::Waiting, 99);
    away.archived = true;
    let todo = model.on(
        Msg::Done(Done::Listed(Ok(vec![
            meta("new", SessionState::Ready, 90),
            meta("works", SessionState::Running, 5),
            meta("broken", SessionState::Error, 3),
            asks,
            away,
        ]))),
        0,
    );
    let order: Vec<&str> = model.listed().iter().map(|it| it.id.as_str()).collect();
    assert_eq!(order, ["asks", "broken", "works", "new"]);
    assert_eq!(todo, [Effect::Join { id: "asks".to_owned() }]);
}

#[test]
fn the_session_of_the_command_line_is_opened() {
    let mut model = new(Some("wor"));
    let listed = vec![meta("new", SessionState::Waiting, 9), meta("works", SessionState::Ready, 5)];
    let todo = model.on(Msg::Done(Done::Listed(Ok(listed))), 0);
    assert_eq!(todo, [Effect::Join { id: "works".to_owned() }]);
}

#[test]
fn what_happens_while_a_session_is_opened_comes_after_its_past() {
    let mut model = listed();
    let mut now = snapshot("s", 30);
    now.messages = vec![message(10, MessageRole::User, "do it")];
    let todo = model.on(joined(now), 1);
    assert_eq!(todo, [Effect::Past { id: "s".to_owned(), after: 0 }]);
    tell(&mut model, 31, delta("and on"));
    tell(&mut model, 32, whole("and on and on"));
    tell(&mut model, 33, delta("then "));
    assert!(model.talk.items.is_empty());
    let past =
        vec![event(10, started("do it")), event(30, whole("working")), event(32, whole("and on"))];
    let todo = model.on(past_of(past, false), 1);
    assert_eq!(todo, []);
    assert_eq!(model.talk.items.len(), 4, "{:?}", model.talk.items);
    tell(&mut model, 34, delta("live"));
    let live = Item::Agent { text: "then live".to_owned(), is_open: true };
    assert_eq!(model.talk.items.last(), Some(&live));
}

#[test]
fn a_long_past_is_read_page_by_page() {
    let mut model = listed();
    model.on(joined(snapshot("s", 9_000)), 0);
    let todo = model.on(past_of(vec![event(700, started("x"))], true), 0);
    assert_eq!(todo, [Effect::Past { id: "s".to_owned(), after: 700 }]);
    model.on(past_of(vec![event(800, whole("y"))], false), 0);
    assert!(matches!(model.opening, Opening::Open));
}

#[test]
fn enter_begins_a_turn_and_adds_to_one_that_runs() {
    let mut model = open();
    typed(&mut model, "hello");
    let todo = model.on(key(KeyCode::Enter), 1);
    let [Effect::Run { text, client_turn_id, .. }] = &todo[..] else { panic!("{todo:?}") };
    assert_eq!((text.as_str(), client_turn_id.as_str()), ("hello", "p-1"));
    assert!(model.draft().unwrap().is_empty());
    tell(&mut model, 1, started("hello"));
    typed(&mut model, "more");
    let todo = model.on(key(KeyCode::Enter), 2);
    assert_eq!(todo, [Effect::Steer { id: "s".to_owned(), text: "more".to_owned() }]);
    assert_eq!(model.on(key(KeyCode::Esc), 3), [Effect::Stop { id: "s".to_owned() }]);
    assert_eq!(model.on(key(KeyCode::Enter), 3), [], "nothing is typed");
}

#[test]
fn what_could_not_be_sent_is_typed_again_and_is_the_same_turn() {
    let mut model = open();
    typed(&mut model, "once");
    model.on(key(KeyCode::Enter), 1);
    let (id, text) = ("s".to_owned(), "once".to_owned());
    model.on(Msg::Done(Done::Sent { id, text, result: Err(ClientError::Interrupted) }), 2);
    assert!(model.notice.as_ref().is_some_and(|notice| notice.contains("may or may not")));
    assert_eq!(model.draft().unwrap().text(), "once");
    let todo = model.on(key(KeyCode::Enter), 3);
    let [Effect::Run { client_turn_id, .. }] = &todo[..] else { panic!("{todo:?}") };
    assert_eq!(client_turn_id, "p-1", "the gateway knows it and runs no second turn");
    model.on(
        Msg::Done(Done::Sent { id: "s".to_owned(), text: "once".to_owned(), result: Ok(()) }),
        4,
    );
    typed(&mut model, "once");
    let todo = model.on(key(KeyCode::Enter), 5);
    assert!(matches!(&todo[..], [Effect::Run { client_turn_id, .. }] if client_turn_id == "p-2"));
}

#[test]
fn while_the_link_is_down_what_is_typed_is_kept() {
    let mut model = open();
    let retry_in = Some(Duration::from_millis(2_500));
    model.on(Msg::Incoming(Incoming::Disconnected { reason: "gone".to_owned(), retry_in }), 100);
    assert_eq!(model.line, Line::Down { reason: "gone".to_owned(), at: 2_600 });
    typed(&mut model, "hello");
    assert_eq!(model.on(key(KeyCode::Enter), 200), []);
    assert_eq!(model.draft().unwrap().text(), "hello");
    let todo = model.on(Msg::Incoming(Incoming::Connected { client_id: String::new() }), 300);
    assert_eq!((todo, &model.line), (vec![Effect::List], &Line::Up));
    assert_eq!(model.on(key(KeyCode::Enter), 400).len(), 1);
}

#[test]
fn leave_is_given_with_a_key_but_not_with_one_that_was_on_its_way() {
    for (letter, option) in [('a', "once"), ('s', "always"), ('d', "no"), ('2', "always")] {
        let mut model = open();
        model.on(Msg::Incoming(Incoming::Event(event(1, permission()))), 1_000);
        assert_eq!(model.on(key(KeyCode::Char('a')), 1_200), [], "it was typed before it was read");
        assert_eq!(model.draft().unwrap().text(), "a");
        model.on(key(KeyCode::Backspace), 1_300);
        let todo = model.on(key(KeyCode::Char(letter)), 1_600);
        let [Effect::Answer { answer, question_id, .. }] = &todo[..] else { panic!("{todo:?}") };
        assert_eq!((answer, question_id.as_str()), (&Answer::Text(option.to_owned()), "q"));
    }
}

#[test]
fn letters_in_the_midst_of_words_answer_nothing() {
    let mut model = open();
    model.on(Msg::Incoming(Incoming::Event(event(1, permission()))), 0);
    model.on(key(KeyCode::Char('x')), 5_000);
    assert_eq!(model.on(key(KeyCode::Char('a')), 6_000), []);
    assert_eq!(model.draft().unwrap().text(), "xa");
    let alt = KeyEvent::new(KeyCode::Char('d'), KeyModifiers::ALT);
    assert_eq!(model.on(Msg::Key(alt), 7_000).len(), 1, "with Alt it is meant");
}

#[test]
fn a_question_for_words_is_answered_with_what_is_typed() {
    let mut model = open();
    tell(&mut model, 1, started("go"));
    tell(&mut model, 2, question());
    typed(&mut model, "Ada");
    let todo = model.on(key(KeyCode::Enter), 9_000);
    let answer = Answer::Text("Ada".to_owned());
    let (id, question_id) = ("s".to_owned(), "w".to_owned());
    assert_eq!(todo, [Effect::Answer { id, question_id, answer, is_typed: true }]);
}

#[test]
fn each_session_keeps_its_own_draft_and_the_one_before_is_left() {
    let mut model = open();
    typed(&mut model, "for s");
    assert_eq!(model.on(key(KeyCode::Tab), 1_000), [], "it may be passed by");
    assert_eq!(model.selected.as_deref(), Some("t"));
    assert!(model.has_draft("s"));
    let todo = model.on(Msg::Tick, 1_200);
    let (s, t) = ("s".to_owned(), "t".to_owned());
    assert_eq!(todo, [Effect::Leave { id: s }, Effect::Join { id: t }]);
    typed(&mut model, "for t");
    model.on(key(KeyCode::BackTab), 1_300);
    assert_eq!(model.draft().unwrap().text(), "for s");
    let late = model.on(
        Msg::Done(Done::Joined { id: "t".to_owned(), result: Box::new(Ok(snapshot("t", 0))) }),
        1_310,
    );
    assert_eq!(late, [Effect::Leave { id: "t".to_owned() }], "nobody looks at it any more");
}

#[test]
fn passing_by_a_session_and_coming_back_opens_it_again() {
    let mut model = open();
    model.on(key(KeyCode::Tab), 1_000);
    model.on(key(KeyCode::BackTab), 1_050);
    assert_eq!(model.on(Msg::Tick, 1_400), [Effect::Join { id: "s".to_owned() }]);
}

#[test]
fn sessions_are_made_renamed_put_away_and_deleted() {
    let mut model = open();
    model.on(control('n'), 0);
    model.on(key(KeyCode::Enter), 0);
    let todo = model.on(key(KeyCode::Enter), 0);
    let workspace = "/home/ada/project".to_owned();
    assert_eq!(todo, [Effect::Create { agent: "echo".to_owned(), workspace }]);

    model.on(control('r'), 0);
    typed(&mut model, "!");
    let name = "Session s!".to_owned();
    assert_eq!(model.on(key(KeyCode::Enter), 0), [Effect::Rename { id: "s".to_owned(), name }]);

    let archive = Effect::Archive { id: "s".to_owned(), archived: true };
    assert_eq!(model.on(control('g'), 0), [archive]);

    model.on(control('d'), 0);
    assert_eq!(model.on(key(KeyCode::Enter), 0), [], "only `y` deletes");
    model.on(control('d'), 0);
    assert_eq!(model.on(key(KeyCode::Char('y')), 0), [Effect::Delete { id: "s".to_owned() }]);
    let todo = model.on(Msg::Done(Done::Deleted { id: "s".to_owned(), result: Ok(()) }), 0);
    assert_eq!(todo, [Effect::Join { id: "t".to_owned() }]);
}

#[test]
fn a_session_that_another_client_deletes_is_closed() {
    let mut model = open();
    let todo = model.on(Msg::Incoming(Incoming::SessionDeleted { session_id: "s".to_owned() }), 0);
    assert_eq!((model.selected.as_deref(), todo.len()), (Some("t"), 1));
}

#[test]
fn a_session_that_could_not_be_opened_is_tried_again_when_the_gateway_is_back() {
    let mut model = listed();
    let result = Box::new(Err(ClientError::Interrupted));
    model.on(Msg::Done(Done::Joined { id: "s".to_owned(), result }), 0);
    let todo = model.on(Msg::Incoming(Incoming::Connected { client_id: String::new() }), 9);
    assert_eq!(todo, [Effect::List, Effect::Join { id: "s".to_owned() }]);
}

#[test]
fn control_c_clears_what_is_typed_and_then_leaves() {
    let mut model = open();
    typed(&mut model, "oops");
    assert_eq!(model.on(control('c'), 0), []);
    assert!(model.draft().unwrap().is_empty());
    assert_eq!(model.on(control('c'), 0), [Effect::Quit]);
    assert_eq!(model.on(control('q'), 0), [Effect::Quit]);
}

#[test]
fn the_top_of_a_conversation_asks_once_for_what_was_before() {
    let mut model = listed();
    let mut now = snapshot("s", 30);
    now.messages = vec![message(10, MessageRole::User, "later")];
    model.on(joined(now), 0);
    model.on(past_of(Vec::new(), false), 0);
    let drawn = Drawn { page: 5, scroll: 0, is_at_top: true };
    let todo = model.was_drawn(drawn);
    assert_eq!(todo, [Effect::Older { id: "s".to_owned(), before: 10 }]);
    assert_eq!(model.was_drawn(drawn), []);
    let messages = vec![message(1, MessageRole::User, "first")];
    let result = Ok(History { messages, has_more: false });
    model.on(Msg::Done(Done::Older { id: "s".to_owned(), result }), 0);
    assert_eq!(model.was_drawn(drawn), [], "there is no more");
}

fn new(wanted: Option<&str>) -> Model {
    Model::new("/work".to_owned(), wanted.map(str::to_owned), "p".to_owned())
}

/// A model that knows the sessions `s` and `t` and opens the first.
fn listed() -> Model {
    let mut model = new(None);
    let sessions = vec![meta("s", SessionState::Ready, 9), meta("t", SessionState::Ready, 5)];
    model.on(Msg::Done(Done::Listed(Ok(sessions))), 0);
    assert_eq!(model.selected.as_deref(), Some("s"));
    model
}

/// A model that shows the session `s`.
fn open() -> Model {
    let mut model = listed();
    let mut now = snapshot("s", 0);
    now.session.updated_at = 9;
    model.on(joined(now), 0);
    model.on(past_of(Vec::new(), false), 0);
    assert!(matches!(model.opening, Opening::Open));
    model
}

fn joined(snapshot: Snapshot) -> Msg {
    Msg::Done(Done::Joined { id: "s".to_owned(), result: Box::new(Ok(snapshot)) })
}

fn past_of(events: Vec<SessionEvent>, has_more: bool) -> Msg {
    let result = Ok(PastEvents { events, has_more, last_seq: 0 });
    Msg::Done(Done::Past { id: "s".to_owned(), result })
}

fn tell(model: &mut Model, seq: u64, body: EventBody) {
    model.on(Msg::Incoming(Incoming::Event(event(seq, body))), model.now);
}

fn typed(model: &mut Model, text: &str) {
    for letter in text.chars() {
        model.on(key(KeyCode::Char(letter)), model.now);
    }
}
