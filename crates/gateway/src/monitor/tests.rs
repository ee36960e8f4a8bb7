//! The monitor gets everything at least once and in order, whatever it is doing, and what is taken is
//! remembered only where nothing of it is needed again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use oriel_wire::gateway::{Handover, Outcome, SessionState};
use tokio::sync::Notify;

use super::*;

#[tokio::test]
async fn everything_is_handed_on_in_order_and_news_wakes_it() {
    let house = House::new();
    for seq in 1..=3 {
        house.store("a", seq, said("x"));
    }
    house.store("b", 7, said("y"));
    let monitor = house.start();
    house.until(|house| house.handed("a") == 3 && house.handed("b") == 7).await;
    house.store("a", 9, said("z"));
    house.until(|house| house.handed("a") == 9).await;
    assert_eq!(house.taken("a"), [1, 2, 3, 9]);
    assert_eq!(house.taken("b"), [7]);
    monitor.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_while_the_monitor_is_away() {
    let house = House::new();
    house.is_away.store(true, Ordering::SeqCst);
    let monitor = house.start();
    for seq in 1..=5 {
        house.store("a", seq, said("x"));
    }
    house.until(|house| house.refused() > 2).await;
    assert_eq!(house.handed("a"), 0);
    house.is_away.store(false, Ordering::SeqCst);
    house.until(|house| house.handed("a") == 5).await;
    assert_eq!(house.taken("a"), [1, 2, 3, 4, 5]);
    monitor.stop().await;
}

#[tokio::test]
async fn what_is_open_goes_beside_what_comes_later_and_is_sent_again_by_the_next_process() {
    let house = House::new();
    house.store("a", 1, said("x"));
    house.store("a", 2, call("c1"));
    let monitor = house.start();
    house.until(|house| house.taken("a") == [1, 2]).await;
    house.store("a", 3, asked("q"));
    house.store("a", 4, said("y"));
    house.until(|house| house.taken("a").len() == 4).await;
    assert_eq!(house.handed("a"), 1, "the call runs");
    monitor.stop().await;

    house.forget();
    let monitor = house.start();
    house.until(|house| house.taken("a") == [2, 3, 4]).await;
    house.store("a", 5, ended("c1"));
    house.until(|house| house.handed("a") == 2).await;
    let resolved =
        EventBody::ApprovalResolved { question_id: "q".to_owned(), outcome: Outcome::Cancelled };
    house.store("a", 6, resolved);
    house.until(|house| house.handed("a") == 6).await;
    let requests = house.requests();
    let last = &requests[requests.len() - 1];
    let open: Vec<_> = last.open.iter().map(|event| event.seq).collect();
    assert_eq!((open, last.events[0].seq), (vec![3], 6));
    monitor.stop().await;
}

#[tokio::test]
async fn an_event_that_is_refused_keeps_no_other_back() {
    let house = House::new();
    for seq in 1..=20 {
        house.store("a", seq, said(if seq == 13 { "poison" } else { "x" }));
    }
    let monitor = house.start();
    house.until(|house| house.handed("a") == 20).await;
    let expected: Vec<u64> = (1..=20).filter(|seq| *seq != 13).collect();
    assert_eq!(house.taken("a"), expected);
    monitor.stop().await;
}

#[tokio::test]
async fn a_session_whose_name_is_not_known_yet_waits_for_it() {
    let house = House::new();
    house.name(Some("claude_code"), None);
    let text = "go".to_owned();
    house.store("a", 1, EventBody::TurnStarted { text, client_turn_id: None });
    house.store("b", 1, said("of another session"));
    let monitor = house.start();
    house.until(|house| house.handed("b") == 1).await;
    assert!(house.taken("a").is_empty());
    house.name(Some("claude_code"), Some("native"));
    house.store("a", 2, said("x"));
    house.until(|house| house.handed("a") == 2).await;
    let told = house.requests().into_iter().find(|it| it.session.id == "a").unwrap();
    assert_eq!(told.native_session.as_deref(), Some("native"));
    assert_eq!(told.events.len(), 2);
    monitor.stop().await;
}

#[tokio::test]
async fn what_waits_when_the_gateway_ends_is_handed_on_first() {
    let house = House::new();
    let monitor = house.start_at(Pace { settle: Duration::from_secs(3600), ..Pace::default() });
    house.until(|house| house.news_asked.load(Ordering::SeqCst)).await;
    house.store("a", 1, said("x"));
    monitor.stop().await;
    assert_eq!((house.taken("a"), house.handed("a")), (vec![1], 1));
}

#[tokio::test]
async fn many_and_long_events_go_in_several_requests() {
    let house = House::new();
    for seq in 1..=5 {
        house.store("a", seq, said(&"x".repeat(600 * 1024)));
    }
    for seq in 6..=1_200 {
        house.store("a", seq, said("x"));
    }
    let monitor = house.start();
    house.until(|house| house.handed("a") == 1_200).await;
    assert_eq!(house.taken("a").len(), 1_200);
    assert!(house.requests().iter().all(|told| told.events.len() <= EVENTS_MAX));
    assert_eq!(house.requests()[0].events.len(), 1, "two of these are too long for one request");
    monitor.stop().await;
}

#[test]
fn of_a_call_its_beginning_and_the_latest_that_is_known_are_open() {
    let mut open = Open::default();
    let start = EventBody::ToolCallStart {
        tool_call_id: "c".to_owned(),
        tool_name: "t".to_owned(),
        title: None,
    };
    for (seq, body) in [(1, start), (2, call("c")), (3, call("d")), (4, call("c"))] {
        open.see(&event("a", seq, body));
    }
    let seqs = |open: &Open| open.events().iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!((seqs(&open), open.first_seq()), (vec![1, 3, 4], Some(1)));
    open.see(&event("a", 5, ended("c")));
    assert_eq!(seqs(&open), [3]);
    for seq in 6..2_000 {
        open.see(&event("a", seq, call(&seq.to_string())));
    }
    assert_eq!(open.events().len(), 512);
    open.see(&event(
        "a",
        2_000,
        EventBody::TurnComplete { final_text: String::new(), stop_reason: String::new() },
    ));
    assert_eq!(open.first_seq(), None);
}

/// A journal in memory, and a monitor that takes what it likes.
#[derive(Default)]
struct House {
    sessions: Mutex<Vec<(String, u64, Vec<SessionEvent>)>>,
    names: Mutex<(Option<String>, Option<String>)>,
    woken: Arc<Notify>,
    news_asked: AtomicBool,
    requests: Mutex<Vec<Handover>>,
    is_away: AtomicBool,
    refused: Mutex<usize>,
    answered: Notify,
}

struct Journal(Arc<House>);

impl House {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn start(self: &Arc<Self>) -> Monitor {
        let ms = Duration::from_millis(1);
        self.start_at(Pace { settle: ms, retry: ms, retry_max: ms })
    }

    fn start_at(self: &Arc<Self>, pace: Pace) -> Monitor {
        let router =
            Router::new().route("/api/gateway/events", post(take)).with_state(Arc::clone(self));
        Monitor::start(Link::InProcess(router), Arc::new(Journal(Arc::clone(self))), pace)
    }

    fn store(&self, session: &str, seq: u64, body: EventBody) {
        let mut sessions = self.sessions.lock().unwrap();
        let event = event(session, seq, body);
        match sessions.iter_mut().find(|(id, ..)| id == session) {
            Some((_, _, events)) => events.push(event),
            None => sessions.push((session.to_owned(), 0, vec![event])),
        }
        drop(sessions);
        self.woken.notify_one();
    }

    fn name(&self, agent: Option<&str>, native: Option<&str>) {
        *self.names.lock().unwrap() = (agent.map(str::to_owned), native.map(str::to_owned));
    }

    fn handed(&self, session: &str) -> u64 {
        let sessions = self.sessions.lock().unwrap();
        sessions.iter().find(|(id, ..)| id == session).map_or(0, |(_, handed, _)| *handed)
    }

    fn requests(&self) -> Vec<Handover> {
        self.requests.lock().unwrap().clone()
    }

    fn taken(&self, session: &str) -> Vec<u64> {
        let requests = self.requests();
        let of = requests.iter().filter(|told| told.session.id == session);
        of.flat_map(|told| told.events.iter().map(|event| event.seq)).collect()
    }

    fn refused(&self) -> usize {
        *self.refused.lock().unwrap()
    }

    fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                // Whatever changes is looked at; what changes unseen is at the next look.
                let _ = timeout(Duration::from_millis(5), self.answered.notified()).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.expect("it comes to be so");
    }
}

async fn take(State(house): State<Arc<House>>, body: String) -> StatusCode {
    let told: Handover = serde_json::from_str(&body).unwrap();
    let is_away = house.is_away.load(Ordering::SeqCst);
    let status = if is_away {
        StatusCode::SERVICE_UNAVAILABLE
    } else if body.contains("poison") {
        StatusCode::BAD_REQUEST
    } else {
        house.requests.lock().unwrap().push(told);
        StatusCode::CREATED
    };
    if status != StatusCode::CREATED {
        *house.refused.lock().unwrap() += 1;
    }
    house.answered.notify_one();
    status
}

impl Feed for Journal {
    fn behind(&self) -> Vec<Behind> {
        let sessions = self.0.sessions.lock().unwrap();
        let all = sessions.iter().map(|(session, handed_seq, events)| Behind {
            session: session.clone(),
            handed_seq: *handed_seq,
            last_seq: events.last().map_or(0, |event| event.seq),
        });
        all.filter(|one| one.handed_seq < one.last_seq).collect()
    }

    fn read(
        &self,
        session: &str,
        after_seq: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<Option<Batch>, String>> {
        let sessions = self.0.sessions.lock().unwrap();
        let found = sessions.iter().find(|(id, ..)| id == session);
        let (agent, native_session) = self.0.names.lock().unwrap().clone();
        let batch = found.map(|(id, _, events)| Batch {
            session: meta(id),
            agent,
            native_session,
            events: events.iter().filter(|it| it.seq > after_seq).take(limit).cloned().collect(),
        });
        Box::pin(async { Ok(batch) })
    }

    fn taken(&self, session: &str, seq: u64) -> BoxFuture<'static, Result<(), String>> {
        let mut sessions = self.0.sessions.lock().unwrap();
        if let Some((_, handed, _)) = sessions.iter_mut().find(|(id, ..)| id == session) {
            assert!(*handed < seq, "it only grows");
            *handed = seq;
        }
        self.0.answered.notify_one();
        Box::pin(async { Ok(()) })
    }

    fn news(&self) -> BoxFuture<'static, ()> {
        self.0.news_asked.store(true, Ordering::SeqCst);
        let woken = Arc::clone(&self.0.woken);
        Box::pin(async move { woken.notified().await })
    }
}

fn event(session: &str, seq: u64, body: EventBody) -> SessionEvent {
    let turn_id = Some("t".to_owned());
    SessionEvent { session_id: session.to_owned(), turn_id, seq, ts: 1_770_112_800_000, body }
}

fn said(text: &str) -> EventBody {
    EventBody::TextComplete { text: text.to_owned() }
}

fn call(id: &str) -> EventBody {
    EventBody::ToolCall {
        tool_call_id: id.to_owned(),
        tool_name: "t".to_owned(),
        input: serde_json::Value::Null,
        locations: Vec::new(),
    }
}

fn ended(id: &str) -> EventBody {
    let (tool_call_id, output) = (id.to_owned(), String::new());
    EventBody::ToolResult { tool_call_id, output, truncated: false, diff: Vec::new() }
}

fn asked(id: &str) -> EventBody {
    EventBody::QuestionRequested {
        question_id: id.to_owned(),
        prompt: "?".to_owned(),
        options: Vec::new(),
    }
}

fn meta(id: &str) -> SessionMeta {
    SessionMeta {
        id: id.to_owned(),
        name: "n".to_owned(),
        agent_type: "echo".to_owned(),
        workspace: "/w".to_owned(),
        state: SessionState::Running,
        archived: false,
        created_at: 0,
        updated_at: 0,
        last_seq: 0,
        turns: 1,
        pending: 0,
        usage: Default::default(),
        problem: None,
        monitor_session: None,
    }
}
