//! Every message stands in `golden/gateway` as it looks on the wire, and is read from there and written
//! the same. Whoever changes a type sees the wire form change.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

#[test]
fn every_client_message_looks_as_its_file_says() {
    for message in client_messages() {
        let frame = ClientFrame { request_id: Some("r-1".to_owned()), message };
        let text = check("client", &frame);
        assert_eq!(read_client(&text).unwrap(), frame);
    }
    assert_eq!(names("client").len(), 21, "the protocol has 21 client messages");
}

#[test]
fn every_reply_looks_as_its_file_says() {
    for reply in replies() {
        let frame = ReplyFrame { request_id: Some("r-1".to_owned()), reply };
        let text = check("reply", &frame);
        assert_eq!(ServerFrame::read(&text).unwrap(), ServerFrame::Reply(frame));
    }
}

#[test]
fn every_event_looks_as_its_file_says() {
    for body in events() {
        let event = event(body);
        let text = check("event", &event);
        assert_eq!(ServerFrame::read(&text).unwrap(), ServerFrame::Event(event));
    }
}

#[test]
fn there_is_no_file_of_a_message_that_is_no_more() {
    let kinds = |values: Vec<Value>| -> BTreeSet<String> {
        values.iter().map(|value| format!("{}.json", value["type"].as_str().unwrap())).collect()
    };
    let client = client_messages().iter().map(|it| serde_json::to_value(it).unwrap()).collect();
    let reply = replies().iter().map(|it| serde_json::to_value(it).unwrap()).collect();
    let event = events().iter().map(|it| serde_json::to_value(it).unwrap()).collect();
    assert_eq!(names("client"), kinds(client));
    assert_eq!(names("reply"), kinds(reply));
    assert_eq!(names("event"), kinds(event));
}

#[test]
fn what_is_unknown_is_passed_over_or_kept_as_it_came() {
    let known = r#"{"type":"ping","nonce":"n","later":{"a":1},"requestId":"r"}"#;
    let frame = read_client(known).unwrap();
    assert_eq!(frame.message, ClientMessage::Ping { nonce: Some("n".to_owned()) });

    let event = r#"{"type":"weather","sessionId":"s","seq":7,"ts":1,"wind":"north"}"#;
    let ServerFrame::Other(raw) = ServerFrame::read(event).unwrap() else { panic!("known?") };
    assert_eq!((raw.kind.as_str(), raw.seq), ("weather", Some(7)));
    assert_eq!(raw.fields["wind"], json!("north"));

    let odd = r#"{"type":"text_delta","sessionId":"s","seq":8,"ts":1,"text":5}"#;
    assert!(matches!(ServerFrame::read(odd).unwrap(), ServerFrame::Other(_)));
    let code = r#"{"type":"error","code":"NewCode","message":"m"}"#;
    let ServerFrame::Reply(reply) = ServerFrame::read(code).unwrap() else { panic!("no reply") };
    assert!(matches!(reply.reply, Reply::Error { code: ErrorCode::Other, .. }));
}

#[test]
fn a_frame_that_is_refused_says_why_and_to_which_message() {
    let code = |text: &str| read_client(text).map_err(|error| (error.code, error.request_id));
    let id = Some("r".to_owned());
    assert_eq!(code("{"), Err((ErrorCode::InvalidJson, None)));
    assert_eq!(code("[]"), Err((ErrorCode::InvalidJson, None)));
    assert_eq!(code(r#"{"requestId":"r"}"#), Err((ErrorCode::InvalidMessage, id.clone())));
    let unknown = r#"{"type":"dance","requestId":"r"}"#;
    assert_eq!(code(unknown), Err((ErrorCode::InvalidMessage, id)));
    let long = format!(r#"{{"type":"ping","requestId":"{}"}}"#, "r".repeat(65));
    assert_eq!(code(&long), Err((ErrorCode::InvalidMessage, None)));
    let large = " ".repeat(CLIENT_FRAME_BYTES_MAX + 1);
    assert_eq!(code(&large), Err((ErrorCode::MessageTooLarge, None)));
    let deep = "[".repeat(200_000);
    assert_eq!(code(&deep), Err((ErrorCode::InvalidJson, None)));
}

/// Holds a value against its file, and returns what the file says. With `ORIEL_GOLDEN=write` it writes
/// the file, for whoever means the change.
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says whether to write")]
fn check<T: serde::Serialize>(folder: &str, value: &T) -> String {
    let value = serde_json::to_value(value).unwrap();
    let name = format!("{}.json", value["type"].as_str().unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/gateway").join(folder).join(name);
    let wanted = serde_json::to_string_pretty(&value).unwrap() + "\n";
    if std::env::var_os("ORIEL_GOLDEN").is_some_and(|word| word == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, wanted, "{} is not what the type makes", path.display());
    text
}

fn names(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/gateway").join(folder);
    let entries = std::fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn client_messages() -> Vec<ClientMessage> {
    let session_id = || "s-1".to_owned();
    let path = || "src/main.rs".to_owned();
    vec![
        ClientMessage::Authenticate { token: "secret".to_owned() },
        ClientMessage::ListSessions { include_archived: true },
        ClientMessage::CreateSession {
            agent_type: "echo".to_owned(),
            name: Some("A try".to_owned()),
            workspace: Some("/home/ada/project".to_owned()),
        },
        ClientMessage::RenameSession { session_id: session_id(), name: "Better".to_owned() },
        ClientMessage::ArchiveSession { session_id: session_id() },
        ClientMessage::UnarchiveSession { session_id: session_id() },
        ClientMessage::DeleteSession { session_id: session_id() },
        ClientMessage::JoinSession { session_id: session_id(), after_seq: Some(41) },
        ClientMessage::LeaveSession { session_id: session_id() },
        ClientMessage::RunTurn {
            session_id: session_id(),
            text: "Add a test.".to_owned(),
            client_turn_id: Some("mine-1".to_owned()),
        },
        ClientMessage::StopTurn { session_id: session_id() },
        ClientMessage::Steer { session_id: session_id(), text: "In Rust.".to_owned() },
        ClientMessage::AnswerQuestion {
            session_id: session_id(),
            question_id: "q-1".to_owned(),
            answer: Answer::Leave { allow: true, remember: false },
        },
        ClientMessage::GetHistory { session_id: session_id(), before: Some(40), limit: Some(100) },
        ClientMessage::GetEvents {
            session_id: session_id(),
            after_seq: Some(40),
            limit: Some(1_000),
        },
        ClientMessage::Ping { nonce: Some("n-1".to_owned()) },
        ClientMessage::ListFiles {
            session_id: session_id(),
            path: "src".to_owned(),
            depth: Some(2),
        },
        ClientMessage::ReadFile {
            session_id: session_id(),
            path: path(),
            offset: Some(0),
            length: Some(4_096),
        },
        ClientMessage::FileHistory { session_id: session_id(), path: path() },
        ClientMessage::FileAtIteration { session_id: session_id(), path: path(), iteration: 2 },
        ClientMessage::ManageMembers {
            session_id: session_id(),
            action: MemberAction::Add,
            user_id: Some("grace".to_owned()),
        },
    ]
}

fn replies() -> Vec<Reply> {
    let session_id = || "s-1".to_owned();
    vec![
        Reply::Welcome { protocol_version: 1, requires_auth: true, versions: vec![1] },
        Reply::Connected {
            client_id: "c-1".to_owned(),
            heartbeat_interval_ms: HEARTBEAT_MS,
            ts: NOW,
        },
        Reply::Authenticated {
            identity: Identity {
                user_id: "ada".to_owned(),
                email: "ada@localhost".to_owned(),
                tenant_id: "local".to_owned(),
            },
        },
        Reply::Heartbeat { ts: NOW },
        Reply::SessionList { sessions: vec![session()] },
        Reply::SessionCreated { session: session() },
        Reply::SessionUpdated { session: session() },
        Reply::SessionDeleted { session_id: session_id() },
        Reply::StateSnapshot(Box::new(snapshot())),
        Reply::Left { session_id: session_id() },
        Reply::Accepted { session_id: session_id(), turn_id: Some("t-1".to_owned()) },
        Reply::History { session_id: session_id(), messages: vec![message()], has_more: false },
        Reply::Events {
            session_id: session_id(),
            events: vec![event(EventBody::TextComplete { text: "Done.".to_owned() })],
            has_more: true,
            last_seq: 99,
        },
        Reply::Pong { nonce: Some("n-1".to_owned()), ts: NOW },
        Reply::FileList {
            session_id: session_id(),
            entries: vec![FileEntry {
                path: "src/main.rs".to_owned(),
                kind: FileKind::File,
                size: 42,
                modified_at: NOW,
            }],
            truncated: false,
        },
        Reply::FileContent(FileContent {
            session_id: session_id(),
            path: "src/main.rs".to_owned(),
            size: 12,
            hash: Some("af13".to_owned()),
            encoding: Encoding::Utf8,
            content: "fn main() {}".to_owned(),
            eof: true,
            iteration: Some(2),
        }),
        Reply::FileHistory {
            session_id: session_id(),
            path: "src/main.rs".to_owned(),
            iterations: vec![FileIteration {
                iteration: 1,
                ts: NOW,
                size: 12,
                hash: "af13".to_owned(),
                author: Author::Agent,
                is_kept: true,
            }],
        },
        Reply::Members {
            session_id: session_id(),
            members: vec![Member { user_id: "ada".to_owned(), role: "owner".to_owned() }],
        },
        Reply::Error {
            code: ErrorCode::RateLimited,
            message: "too many messages; wait a moment".to_owned(),
            retry_after_ms: Some(1_500),
        },
    ]
}

fn events() -> Vec<EventBody> {
    let call = || "call-1".to_owned();
    let text = || "Some words.".to_owned();
    let diff = || FileDiff {
        path: "src/main.rs".to_owned(),
        old: Some("fn main() {}".to_owned()),
        new: "fn main() { run() }".to_owned(),
    };
    vec![
        EventBody::SessionUpdated { session: session() },
        EventBody::TurnStarted { text: text(), client_turn_id: Some("mine-1".to_owned()) },
        EventBody::TurnSteered { text: text() },
        EventBody::TextDelta { text: text() },
        EventBody::TextComplete { text: text() },
        EventBody::ThinkingStart { text: text() },
        EventBody::ThinkingProgress { text: text() },
        EventBody::ThinkingComplete { text: text() },
        EventBody::ToolCallStart {
            tool_call_id: call(),
            tool_name: "edit".to_owned(),
            title: Some("Edit main.rs".to_owned()),
        },
        EventBody::ToolCallDelta { tool_call_id: call(), delta: text() },
        EventBody::ToolCall {
            tool_call_id: call(),
            tool_name: "edit".to_owned(),
            input: json!({ "path": "src/main.rs" }),
            locations: vec![ToolLocation { path: "src/main.rs".to_owned(), line: Some(3) }],
        },
        EventBody::ToolResult {
            tool_call_id: call(),
            output: text(),
            truncated: false,
            diff: vec![diff()],
        },
        EventBody::ToolError {
            tool_call_id: call(),
            output: text(),
            truncated: true,
            diff: vec![],
        },
        EventBody::QuestionRequested {
            question_id: "q-1".to_owned(),
            prompt: "Which colour?".to_owned(),
            options: vec![AnswerOption {
                id: "red".to_owned(),
                label: "Red".to_owned(),
                kind: OptionKind::Choice,
            }],
        },
        EventBody::PermissionRequested {
            question_id: "q-2".to_owned(),
            tool_call_id: Some(call()),
            title: "Edit main.rs".to_owned(),
            options: vec![allow()],
        },
        EventBody::ApprovalResolved {
            question_id: "q-2".to_owned(),
            outcome: Outcome::Selected { option_id: "allow".to_owned(), allowed: Some(true) },
        },
        EventBody::TerminalStream { terminal_id: "x-1".to_owned(), chunk: text() },
        EventBody::TerminalComplete {
            terminal_id: "x-1".to_owned(),
            exit_code: Some(0),
            output: text(),
            truncated: false,
        },
        EventBody::PlanUpdated {
            entries: vec![PlanEntry {
                text: "Write it".to_owned(),
                status: "in_progress".to_owned(),
                priority: "high".to_owned(),
            }],
        },
        EventBody::FileChanged {
            path: "src/main.rs".to_owned(),
            iteration: 2,
            hash: "af13".to_owned(),
            size: 19,
            kind: FileChange::Modified,
        },
        EventBody::TurnUsage { usage: usage() },
        EventBody::TurnComplete { final_text: text(), stop_reason: "end_turn".to_owned() },
        EventBody::TurnError {
            code: TurnErrorCode::AgentExited,
            message: "the agent ended".to_owned(),
            final_text: text(),
        },
    ]
}

const NOW: i64 = 1_767_225_600_000;

fn event(body: EventBody) -> SessionEvent {
    SessionEvent {
        session_id: "s-1".to_owned(),
        turn_id: Some("t-1".to_owned()),
        seq: 42,
        ts: NOW,
        body,
    }
}

fn allow() -> AnswerOption {
    AnswerOption { id: "allow".to_owned(), label: "Allow".to_owned(), kind: OptionKind::AllowOnce }
}

fn usage() -> Usage {
    Usage {
        model: Some("a-model".to_owned()),
        input_tokens: 1_200,
        output_tokens: 80,
        cache_read_tokens: 900,
        cache_write_tokens: 10,
        cost_usd: Some(0.25),
        context_tokens: Some(2_190),
        context_limit: Some(200_000),
    }
}

fn message() -> Message {
    Message {
        seq: 40,
        ts: NOW,
        turn_id: "t-1".to_owned(),
        role: MessageRole::Agent,
        text: "Done.".to_owned(),
        error: None,
    }
}

fn session() -> SessionMeta {
    SessionMeta {
        id: "s-1".to_owned(),
        name: "A try".to_owned(),
        agent_type: "echo".to_owned(),
        workspace: "/home/ada/project".to_owned(),
        state: SessionState::Running,
        archived: false,
        created_at: NOW,
        updated_at: NOW,
        last_seq: 42,
        turns: 3,
        pending: 1,
        usage: usage(),
        problem: None,
        monitor_session: Some("native-1".to_owned()),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        session: session(),
        last_seq: 47,
        current_turn: Some(CurrentTurn {
            turn_id: "t-1".to_owned(),
            text: "First. Then".to_owned(),
            open_text: " Then".to_owned(),
            thinking: "Hm".to_owned(),
            open_tools: vec![OpenTool {
                tool_call_id: "call-1".to_owned(),
                tool_name: "edit".to_owned(),
                title: None,
                input: Some(json!({ "path": "src/main.rs" })),
            }],
        }),
        pending: vec![OpenQuestion {
            question_id: "q-1".to_owned(),
            turn_id: "t-1".to_owned(),
            ts: NOW,
            is_permission: true,
            tool_call_id: Some("call-1".to_owned()),
            prompt: "Edit main.rs".to_owned(),
            options: vec![allow()],
        }],
        messages: vec![message()],
    }
}
