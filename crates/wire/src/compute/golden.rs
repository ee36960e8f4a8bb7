//! Every message stands in `golden/compute` as it looks on the wire, and is read from there and written
//! the same. Whoever changes a type sees the wire form change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

#[test]
fn every_request_looks_as_its_file_says() {
    let kinds = requests().map(|request| {
        check("request", kind(&request), &Asked { id: 7, request });
    });
    assert_eq!(names("request").len(), kinds.len(), "there is a file for each and no other");
}

#[test]
fn every_answer_looks_as_its_file_says() {
    let kinds = answers().map(|answer| {
        check("answer", kind(&answer), &Told::Answer { id: 7, answer });
    });
    assert_eq!(names("answer").len(), kinds.len(), "there is a file for each and no other");
}

#[test]
fn every_event_looks_as_its_file_says() {
    let kinds = events().map(|event| {
        check("event", kind(&event), &Told::Event { event });
    });
    assert_eq!(names("event").len(), kinds.len(), "there is a file for each and no other");
}

#[test]
fn a_frame_has_a_length_and_never_too_great_a_one() {
    let asked = Asked { id: 1, request: Request::Status };
    let bytes = frame(&asked).unwrap();
    let (head, text) = bytes.split_first_chunk().unwrap();
    assert_eq!(frame_length(*head).unwrap(), text.len());
    assert_eq!(read_frame::<Asked>(text).unwrap(), asked);
    assert!(matches!(frame_length([0xff; 4]), Err(FrameError::Long(_))));
    let long = "x".repeat(FRAME_BYTES_MAX);
    assert!(matches!(frame(&long), Err(FrameError::Long(_))));
    for text in [&b"{"[..], b"[]", br#"{"id":1,"request":{"type":"dance"}}"#, b"\xff"] {
        assert!(matches!(read_frame::<Asked>(text), Err(FrameError::Text(_))));
    }
}

#[test]
fn numbers_that_json_cannot_say_are_texts() {
    let said = [1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(cell_of);
    assert_eq!(serde_json::to_value(said).unwrap(), json!([1.5, "NaN", "Inf", "-Inf"]));
}

#[test]
fn the_types_are_told_in_typescript() {
    let text = typescript();
    for name in ["Request", "Answer", "Event", "Variable", "Diagnostic", "Cell", "Source"] {
        assert_eq!(text.matches(&format!("export type {name} =")).count(), 1, "{name} in {text}");
    }
    assert!(!text.contains("bigint") && !text.contains("FrameError"), "{text}");
}

fn requests() -> [Request; 13] {
    [
        Request::Run { source: Source::Text { name: Some("a.m".into()), text: "x = 1".into() } },
        Request::Run { source: Source::File { path: "runs/läufe.m".into() } },
        Request::AnswerInput { question: 1, text: "42".into() },
        Request::Interrupt,
        Request::Reset,
        Request::Variables,
        Request::Value { name: "x".into(), start: vec![0, 2], shape: vec![1, 2] },
        Request::Value { name: "s.field".into(), start: vec![], shape: vec![] },
        Request::Figures,
        Request::Figure { figure: 1 },
        Request::Status,
        Request::History,
        Request::Stop,
    ]
}

fn answers() -> [Answer; 9] {
    [
        Answer::Done,
        Answer::Started { run: 1 },
        Answer::Variables { variables: vec![variable()], more: 0 },
        Answer::Value(Value {
            variable: variable(),
            start: vec![0, 0],
            shape: vec![1, 3],
            cells: vec![cell_of(1.0), cell_of(f64::NAN), Cell::Truth(true)],
            fields: vec![],
            is_cut: false,
        }),
        Answer::Figures { figures: vec![figure()] },
        Answer::Figure { figure: 1, scene: json!({ "schemaVersion": 1, "plots": [] }) },
        Answer::Status(Status {
            state: State::Running,
            run: Some(1),
            running_ms: Some(250),
            question: None,
            memory_bytes: Some(1 << 26),
            limits: limits(),
            is_confined: true,
        }),
        Answer::History {
            runs: vec![HistoryEntry {
                run: 1,
                name: "a.m".into(),
                started_ms: 1_700_000_000_000,
                took_ms: 12,
                outcome: Outcome::Completed,
                text: "x = 1".into(),
            }],
        },
        Answer::Failed(Failed { code: Code::Busy, message: "run 1 goes on".into() }),
    ]
}

fn events() -> [Event; 9] {
    [
        Event::Ready {
            protocol: PROTOCOL_VERSION,
            engine: "RunMat 0.5.6".into(),
            limits: limits(),
            is_confined: true,
            restored: Some(Restored { variables: vec!["x".into()], lost: vec!["f".into()] }),
        },
        Event::RunStarted { run: 1, name: "a.m".into() },
        Event::Output { run: 1, number: 1, stream: Stream::Stdout, text: "x = 1\n".into() },
        Event::InputAsked { run: 1, question: 1, prompt: "n? ".into(), kind: InputKind::Line },
        Event::InputOver { question: 1 },
        Event::RunEnded {
            run: 1,
            outcome: Outcome::Failed,
            took_ms: 12,
            diagnostics: vec![Diagnostic {
                severity: Severity::Error,
                code: "RunMat:UndefinedVariable".into(),
                message: "undefined variable `y`".into(),
                file: Some("a.m".into()),
                span: Some(Span { start_line: 3, start_column: 5, end_line: 3, end_column: 6 }),
                line: Some("x = y;".into()),
                stack: vec!["helper at a.m:3:5".into()],
            }],
        },
        Event::Variables { variables: vec![variable()], more: 0 },
        Event::Figures { figures: vec![figure()], changed: vec![1] },
        Event::Ended {
            reason: EndReason::Killed,
            message: "the script did not stop".into(),
            is_restarting: true,
        },
    ]
}

fn variable() -> Variable {
    Variable {
        name: "x".into(),
        class: "double".into(),
        shape: vec![1, 3],
        bytes: Some(24),
        preview: "1 2 3".into(),
        is_kept: true,
    }
}

fn figure() -> FigureBrief {
    FigureBrief { figure: 1, title: "Läufe".into(), plots: 2 }
}

fn limits() -> Limits {
    Limits { memory_bytes: Some(1 << 31), run_ms: None, output_bytes: Some(1 << 26) }
}

/// The name of a message's file: its type, and what more there is to tell two of one type apart.
fn kind(message: &impl Serialize) -> String {
    let value = serde_json::to_value(message).unwrap();
    let mut name = value["type"].as_str().unwrap().to_owned();
    if let Some(source) = value["source"]["type"].as_str() {
        name = format!("{name}.{source}");
    }
    if value["type"] == "value" && value.get("name").is_some() && value.get("start").is_none() {
        name += ".whole";
    }
    name
}

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/compute").join(of)
}

fn names(of: &str) -> BTreeSet<String> {
    let kept = std::fs::read_dir(folder(of)).unwrap();
    kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
#[expect(clippy::needless_pass_by_value, reason = "each name is made where it is passed")]
fn check<T>(of: &str, name: String, message: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string_pretty(message).unwrap() + "\n";
    let path = folder(of).join(format!("{name}.json"));
    if std::env::var_os("ORIEL_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(folder(of)).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{name} looks otherwise; `ORIEL_GOLDEN=write` writes it anew");
    assert_eq!(&serde_json::from_str::<T>(&kept).unwrap(), message);
}
