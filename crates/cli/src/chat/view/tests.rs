//! What the screen shows, drawn to a terminal in memory.

use std::time::Duration;

use oriel_gateway_client::{Incoming, PastEvents};
use oriel_wire::gateway::{EventBody, FileDiff, PlanEntry, SessionState};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

use super::*;
use crate::chat::model::{Done, Msg};
use crate::chat::testing::{
    control, delta, ended, event, key, meta, permission, snapshot, started, whole,
};

#[test]
fn a_wide_terminal_shows_the_sessions_and_the_conversation() {
    let mut model = open();
    for (seq, body) in [
        started("make notes"),
        EventBody::ThinkingComplete { text: "hm\nwell".to_owned() },
        EventBody::PlanUpdated { entries: vec![step("completed"), step("pending")] },
        EventBody::ToolResult {
            tool_call_id: "c".to_owned(),
            output: String::new(),
            truncated: false,
            diff: vec![FileDiff {
                path: "notes.txt".to_owned(),
                old: Some("one\ntwo\n".to_owned()),
                new: "one\nthree\n".to_owned(),
            }],
        },
        whole("Done with **notes**."),
        ended(),
    ]
    .into_iter()
    .enumerate()
    {
        tell(&mut model, seq as u64 + 1, body);
    }
    let screen = screen(&mut model, 80, 24);
    let wanted = "\
 ○ Session s           ready│Session s  echo in /home/ada/project
 ● Session t           works│
                            │❯ make notes
                            │
                            │~ thought (Ctrl+T)
                            │
                            │[x] step
                            │[ ] step
                            │
                            │✓
                            │  notes.txt
                            │    one
                            │  - two
                            │  + three
                            │
                            │Done with notes.
                            │";
    for wanted in wanted.lines().map(str::trim_end).filter(|it| it.len() > 32) {
        let right = wanted.split('│').nth(1).unwrap_or_default();
        assert!(screen.contains(right), "{right:?} is not in\n{screen}");
    }
}

#[test]
fn a_narrow_terminal_shows_one_of_both() {
    let mut model = open();
    tell(&mut model, 1, started("hello there, this is longer than a line of forty columns"));
    let screen = screen(&mut model, 40, 12);
    assert!(screen.contains("❯ hello there, this is longer than a"), "{screen}");
    assert!(!screen.contains("works"), "{screen}");
    model.on(control('l'), 0);
    let list = self::screen(&mut model, 40, 12);
    assert!(list.contains("works") && !list.contains("hello"), "{list}");
}

#[test]
fn an_agent_steers_no_terminal_from_any_corner_of_the_screen() {
    let evil = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}evil\x07";
    let mut model = open();
    let mut session = meta("s", SessionState::Waiting, 9);
    (session.name, session.workspace, session.agent_type) =
        (evil.to_owned(), evil.to_owned(), evil.to_owned());
    session.usage.model = Some(evil.to_owned());
    model.on(Msg::Incoming(Incoming::SessionUpdated(session)), 0);
    let text = || evil.to_owned();
    for (seq, body) in [
        started(evil),
        delta(evil),
        whole(evil),
        EventBody::ThinkingProgress { text: text() },
        EventBody::ToolCallStart { tool_call_id: text(), tool_name: text(), title: Some(text()) },
        EventBody::ToolCall {
            tool_call_id: text(),
            tool_name: text(),
            input: serde_json::json!({ "x": evil }),
            locations: Vec::new(),
        },
        EventBody::ToolResult {
            tool_call_id: text(),
            output: text(),
            truncated: false,
            diff: vec![FileDiff { path: text(), old: Some(text()), new: text() }],
        },
        EventBody::TerminalStream { terminal_id: text(), chunk: text() },
        EventBody::PlanUpdated {
            entries: vec![PlanEntry { text: text(), status: text(), priority: text() }],
        },
        EventBody::QuestionRequested { question_id: text(), prompt: text(), options: Vec::new() },
    ]
    .into_iter()
    .enumerate()
    {
        tell(&mut model, seq as u64 + 1, body);
    }
    let reason = evil.to_owned();
    model.on(Msg::Incoming(Incoming::Disconnected { reason, retry_in: None }), 0);
    for width in [40, 100] {
        let screen = screen(&mut model, width, 60);
        let bad = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'));
        assert!(!screen.contains(bad), "{screen:?}");
        assert!(screen.contains("evil"), "{screen}");
    }
}

#[test]
fn a_question_says_with_which_keys_it_is_answered() {
    let mut model = open();
    tell(&mut model, 1, permission());
    let screen = screen(&mut model, 60, 16);
    for wanted in
        ["? may it: write notes.txt", "1 Allow", "3 Deny", "a allow once · s always · d deny"]
    {
        assert!(screen.contains(wanted), "{wanted} is not in\n{screen}");
    }
}

#[test]
fn a_lost_connection_is_told_with_what_is_left_to_wait() {
    let mut model = open();
    let retry_in = Some(Duration::from_secs(3));
    model.on(Msg::Incoming(Incoming::Disconnected { reason: "gone".to_owned(), retry_in }), 0);
    let first = screen(&mut model, 80, 10);
    let wanted = "connection lost, trying again in 3 s; what you type is kept";
    assert!(first.contains(wanted), "{first}");
    model.on(Msg::Tick, 2_100);
    let later = screen(&mut model, 80, 10);
    assert!(later.contains("trying again in 1 s"), "{later}");
}

#[test]
fn usage_and_cost_stand_in_the_status_line() {
    let mut model = open();
    let mut session = meta("s", SessionState::Ready, 9);
    session.usage.input_tokens = 12_000;
    session.usage.output_tokens = 345;
    session.usage.cost_usd = Some(0.5);
    (session.usage.context_tokens, session.usage.context_limit) = (Some(50), Some(200));
    model.on(Msg::Incoming(Incoming::SessionUpdated(session)), 0);
    let screen = screen(&mut model, 80, 10);
    let wanted = "echo · 12,000 in, 345 out · $0.50 · context 25 %";
    assert!(screen.contains(wanted), "{screen}");
}

#[test]
fn wide_characters_keep_their_places_in_what_is_typed() {
    let mut model = open();
    model.on(Msg::Paste("你好\n👩‍💻 x".to_owned()), 0);
    let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
    terminal
        .draw(|frame| {
            draw(frame, &model, Theme::new(true));
        })
        .unwrap();
    let place = terminal.get_cursor_position().unwrap();
    assert_eq!(place.x, 6, "the sign, a wide character, a space and a letter");
    let long = "x".repeat(100);
    model.on(Msg::Paste(long), 0);
    screen(&mut model, 40, 10);
}

#[test]
fn nothing_breaks_on_any_size_of_terminal() {
    let mut model = open();
    tell(&mut model, 1, started("你好 hello"));
    tell(&mut model, 2, permission());
    model.on(Msg::Paste("你好\n".repeat(30)), 0);
    for width in [1, 2, 3, 5, 10, 28, 30, 40, 71, 72, 73, 200] {
        for height in [1, 2, 3, 5, 8, 50] {
            screen(&mut model, width, height);
            for overlay in ['n', 'r', 'd'] {
                model.on(control(overlay), 0);
                screen(&mut model, width, height);
                model.on(key(KeyCode::Esc), 0);
            }
            model.on(key(KeyCode::F(1)), 0);
            screen(&mut model, width, height);
            model.on(key(KeyCode::Esc), 0);
        }
    }
}

#[test]
fn without_color_nothing_is_colored() {
    let mut model = open();
    tell(&mut model, 1, permission());
    let mut terminal = Terminal::new(TestBackend::new(80, 20)).unwrap();
    terminal
        .draw(|frame| {
            draw(frame, &model, Theme::new(false));
        })
        .unwrap();
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn scrolling_stops_at_the_first_line_and_says_that_there_is_more() {
    let mut model = open();
    for seq in 1..=50 {
        tell(&mut model, seq, whole(&format!("line {seq}")));
    }
    let end = screen(&mut model, 60, 14);
    assert!(end.contains("line 50") && !end.contains("line 1\n"), "{end}");
    for _ in 0..100 {
        model.on(key(KeyCode::PageUp), 0);
        screen(&mut model, 60, 14);
    }
    let top = screen(&mut model, 60, 14);
    assert!(top.contains("line 1 ") && top.contains("more below"), "{top}");
    assert!(model.scroll < 100, "{}", model.scroll);
    model.on(control('x'), 0);
}

/// Draws, tells the model what was drawn, and returns the screen as text.
fn screen(model: &mut Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut drawn = None;
    terminal.draw(|frame| drawn = Some(draw(frame, model, Theme::new(true)))).unwrap();
    model.was_drawn(drawn.unwrap());
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(width));
    let text =
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n");
    text.collect()
}

fn open() -> Model {
    let mut model = Model::new("/work".to_owned(), None, "p".to_owned());
    let sessions = vec![meta("s", SessionState::Waiting, 9), meta("t", SessionState::Running, 5)];
    model.on(Msg::Done(Done::Listed(Ok(sessions))), 0);
    let result = Box::new(Ok(snapshot("s", 0)));
    model.on(Msg::Done(Done::Joined { id: "s".to_owned(), result }), 0);
    let result = Ok(PastEvents { events: Vec::new(), has_more: false, last_seq: 0 });
    model.on(Msg::Done(Done::Past { id: "s".to_owned(), result }), 0);
    model
}

fn tell(model: &mut Model, seq: u64, body: EventBody) {
    model.on(Msg::Incoming(Incoming::Event(event(seq, body))), 0);
}

fn step(status: &str) -> PlanEntry {
    let (text, priority) = ("step".to_owned(), "high".to_owned());
    PlanEntry { text, status: status.to_owned(), priority }
}
