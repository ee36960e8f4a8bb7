//! One turn as it is printed: a function of what comes, which returns what to do.

use oriel_gateway_client::Incoming;
use oriel_wire::gateway::{
    Answer, AnswerOption, EventBody, OptionKind, SessionEvent, TurnErrorCode,
};
use serde_json::Value;

use crate::Exit;
use crate::text;

/// Who decides what the agent may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// It may do everything.
    Allow,
    /// It may do nothing.
    Deny,
    /// A person at the terminal.
    Person,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) enum Do {
    /// Print this.
    Print(String),
    /// Print this as a line of JSON.
    Json(Value),
    /// Say this beside what is printed.
    Note(String),
    /// Answer a question.
    Answer { question_id: String, answer: Answer },
    /// Stop the turn.
    Stop,
    /// It is over.
    End(Exit),
}

/// A turn that runs.
#[derive(Debug)]
pub(super) struct Turn {
    session_id: String,
    turn_id: String,
    asks: Asks,
    is_json: bool,
    /// What was printed of the stretch of text that is not yet told as a whole.
    printed: String,
    /// Something of that stretch was missed, so only the whole can be relied on.
    has_gap: bool,
    /// Something was printed, and its line is not ended.
    in_line: bool,
    /// What a person is asked.
    open: Option<Open>,
    /// How it ends once it is stopped.
    stopped: Option<Exit>,
}

/// A question that waits for a person.
#[derive(Debug)]
struct Open {
    question_id: String,
    options: Vec<AnswerOption>,
}

impl Turn {
    pub(super) fn new(session_id: String, turn_id: String, asks: Asks, is_json: bool) -> Self {
        Self {
            session_id,
            turn_id,
            asks,
            is_json,
            printed: String::new(),
            has_gap: false,
            in_line: false,
            open: None,
            stopped: None,
        }
    }

    pub(super) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Returns how it ends when it does not end by itself.
    pub(super) fn exit(&self) -> Exit {
        self.stopped.unwrap_or(Exit::Failed)
    }

    /// Stops it, and ends so.
    pub(super) fn stop(&mut self, exit: Exit) -> Vec<Do> {
        self.stopped = Some(exit);
        vec![Do::Stop]
    }

    /// Takes what came.
    pub(super) fn on(&mut self, incoming: Option<Incoming>) -> Vec<Do> {
        match incoming {
            Some(Incoming::Event(event)) if event.session_id == self.session_id => {
                self.on_event(event)
            }
            Some(Incoming::Other(raw)) if raw.session_id.as_ref() == Some(&self.session_id) => {
                if self.is_json {
                    vec![Do::Json(Value::Object(raw.fields))]
                } else {
                    Vec::new()
                }
            }
            Some(Incoming::Disconnected { reason, retry_in: Some(wait) }) => {
                // What the agent says meanwhile comes later, and whole.
                self.has_gap = true;
                let seconds = wait.as_secs_f32();
                vec![Do::Note(format!("{reason}; trying again in {seconds:.1} s"))]
            }
            Some(Incoming::Disconnected { reason, retry_in: None }) => {
                vec![Do::Note(reason), Do::End(Exit::NotRunning)]
            }
            Some(Incoming::SessionDeleted { session_id }) if session_id == self.session_id => {
                let note = "somebody deleted the session".to_owned();
                vec![Do::Note(note), Do::End(Exit::Failed)]
            }
            Some(_) => Vec::new(),
            None => vec![Do::End(Exit::Failed)],
        }
    }

    /// Takes a line that a person typed.
    pub(super) fn on_line(&mut self, line: &str) -> Vec<Do> {
        let Some(open) = &self.open else { return Vec::new() };
        let line = line.trim();
        let answer = if open.options.is_empty() {
            (!line.is_empty()).then(|| Answer::Text(line.to_owned()))
        } else {
            let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let option = number.and_then(|index| open.options.get(index));
            option.map(|option| Answer::Text(option.id.clone()))
        };
        let Some(answer) = answer else {
            let wanted = match open.options.len() {
                0 => "answer in words".to_owned(),
                count => format!("answer with a number from 1 to {count}"),
            };
            return vec![Do::Note(wanted)];
        };
        let question_id = open.question_id.clone();
        self.open = None;
        vec![Do::Answer { question_id, answer }]
    }

    fn on_event(&mut self, event: SessionEvent) -> Vec<Do> {
        if event.turn_id.as_ref() != Some(&self.turn_id) {
            return Vec::new();
        }
        let mut todo = Vec::new();
        if self.is_json
            && let Ok(value) = serde_json::to_value(&event)
        {
            todo.push(Do::Json(value));
        }
        match event.body {
            EventBody::TextDelta { text } if !self.has_gap => {
                self.printed.push_str(&text);
                self.print(&text, &mut todo);
            }
            EventBody::TextComplete { text } => {
                // What was printed of it is its beginning, unless something got lost between.
                let printed = std::mem::take(&mut self.printed);
                let rest = text.strip_prefix(&printed).unwrap_or(&text);
                self.print(rest, &mut todo);
                self.has_gap = false;
            }
            EventBody::PermissionRequested { question_id, title, options, .. } => {
                todo.extend(self.on_permission(question_id, &title, options));
            }
            EventBody::QuestionRequested { question_id, prompt, options } => {
                todo.extend(self.on_question(question_id, &prompt, options));
            }
            EventBody::ApprovalResolved { question_id, .. }
                if self.open.as_ref().is_some_and(|open| open.question_id == question_id) =>
            {
                self.open = None;
                todo.push(Do::Note("somebody else answered".to_owned()));
            }
            EventBody::TurnComplete { .. } => {
                self.end_line(&mut todo);
                todo.push(Do::End(self.stopped.unwrap_or(Exit::Done)));
            }
            EventBody::TurnError { code, message, .. } => {
                self.end_line(&mut todo);
                if self.stopped.is_none() || code != TurnErrorCode::TurnStopped {
                    todo.push(Do::Note(format!("the turn failed: {message}")));
                }
                todo.push(Do::End(self.exit()));
            }
            _ => {}
        }
        todo
    }

    fn on_permission(
        &mut self,
        question_id: String,
        title: &str,
        options: Vec<AnswerOption>,
    ) -> Vec<Do> {
        let allow = match self.asks {
            Asks::Person => return self.ask(question_id, title, options),
            Asks::Allow => true,
            Asks::Deny => false,
        };
        let word = if allow { "allowed" } else { "denied" };
        let note = Do::Note(format!("{word}: {title}"));
        vec![note, Do::Answer { question_id, answer: leave(&options, allow) }]
    }

    fn on_question(
        &mut self,
        question_id: String,
        prompt: &str,
        options: Vec<AnswerOption>,
    ) -> Vec<Do> {
        if self.asks == Asks::Person {
            return self.ask(question_id, prompt, options);
        }
        // Nobody would ever answer, and a script would wait for ever.
        self.stopped = Some(Exit::Failed);
        let note = format!(
            "the agent asks {prompt:?}, and nobody is here to answer; the turn is stopped, ask \
             again in `oriel chat {}`",
            self.session_id
        );
        vec![Do::Note(note), Do::Stop]
    }

    fn ask(&mut self, question_id: String, prompt: &str, options: Vec<AnswerOption>) -> Vec<Do> {
        let mut todo = Vec::new();
        self.end_line(&mut todo);
        todo.push(Do::Note(prompt.to_owned()));
        for (index, option) in options.iter().enumerate() {
            todo.push(Do::Note(format!("  {} {}", index + 1, option.label)));
        }
        self.open = Some(Open { question_id, options });
        todo
    }

    fn print(&mut self, words: &str, todo: &mut Vec<Do>) {
        if self.is_json || words.is_empty() {
            return;
        }
        let words = text::plain(words);
        self.in_line = !words.ends_with('\n');
        todo.push(Do::Print(words));
    }

    fn end_line(&mut self, todo: &mut Vec<Do>) {
        if self.in_line {
            self.in_line = false;
            todo.push(Do::Print("\n".to_owned()));
        }
    }
}

/// Returns the answer that gives leave this time, or none. Where the agent knows only "always", leave is
/// given so.
fn leave(options: &[AnswerOption], allow: bool) -> Answer {
    let kinds = if allow {
        [OptionKind::AllowOnce, OptionKind::AllowAlways]
    } else {
        [OptionKind::RejectOnce, OptionKind::RejectAlways]
    };
    let option = kinds.iter().find_map(|kind| options.iter().find(|it| it.kind == *kind));
    match option {
        Some(option) => Answer::Text(option.id.clone()),
        None => Answer::Leave { allow, remember: false },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn words_are_printed_as_they_come_and_nothing_twice() {
        let mut turn = turn(Asks::Deny);
        assert_eq!(turn.on(delta("Hel")), [Do::Print("Hel".to_owned())]);
        assert_eq!(turn.on(delta("lo")), [Do::Print("lo".to_owned())]);
        assert_eq!(turn.on(whole("Hello, you")), [Do::Print(", you".to_owned())]);
        assert_eq!(turn.on(delta("!\n")), [Do::Print("!\n".to_owned())]);
        assert_eq!(turn.on(complete()), [Do::End(Exit::Done)]);
    }

    #[test]
    fn the_last_line_is_ended() {
        let mut turn = turn(Asks::Deny);
        turn.on(delta("Hello"));
        assert_eq!(turn.on(complete()), [Do::Print("\n".to_owned()), Do::End(Exit::Done)]);
    }

    #[test]
    fn what_was_missed_while_the_link_was_down_is_printed_once_it_is_told_whole() {
        let mut turn = turn(Asks::Deny);
        turn.on(delta("one "));
        let retry_in = Some(Duration::from_secs(1));
        let lost = turn.on(Some(Incoming::Disconnected { reason: "gone".to_owned(), retry_in }));
        assert!(matches!(&lost[..], [Do::Note(_)]), "{lost:?}");
        assert_eq!(turn.on(delta("three ")), []);
        assert_eq!(turn.on(whole("one two three ")), [Do::Print("two three ".to_owned())]);
        assert_eq!(turn.on(delta("four")), [Do::Print("four".to_owned())]);
    }

    #[test]
    fn an_agent_steers_no_terminal() {
        let mut turn = turn(Asks::Deny);
        let printed = turn.on(delta("\x1b]0;title\x07red\u{202e}\r\nnext\tword"));
        assert_eq!(printed, [Do::Print("]0;titlered\nnext\tword".to_owned())]);
    }

    #[test]
    fn leave_is_given_or_not_as_the_command_says() {
        for (asks, kinds, wanted) in [
            (Asks::Allow, vec![OptionKind::AllowAlways, OptionKind::AllowOnce], "1"),
            (Asks::Allow, vec![OptionKind::RejectOnce, OptionKind::AllowAlways], "1"),
            (Asks::Deny, vec![OptionKind::AllowOnce, OptionKind::RejectAlways], "1"),
        ] {
            let todo = turn(asks).on(permission(&kinds));
            let [Do::Note(_), Do::Answer { answer, .. }] = &todo[..] else { panic!("{todo:?}") };
            assert_eq!(*answer, Answer::Text(wanted.to_owned()), "{asks:?}");
        }
        let todo = turn(Asks::Deny).on(permission(&[]));
        let none = Answer::Leave { allow: false, remember: false };
        assert!(matches!(&todo[1], Do::Answer { answer, .. } if *answer == none));
    }

    #[test]
    fn a_person_answers_with_a_number() {
        let mut turn = turn(Asks::Person);
        assert_eq!(turn.on_line("1"), [], "nothing was asked");
        let todo = turn.on(permission(&[OptionKind::AllowOnce, OptionKind::RejectOnce]));
        assert_eq!(todo.len(), 3, "{todo:?}");
        for wrong in ["", "0", "3", "yes"] {
            assert!(matches!(&turn.on_line(wrong)[..], [Do::Note(_)]), "{wrong}");
        }
        let answer = Answer::Text("1".to_owned());
        let question_id = "q".to_owned();
        assert_eq!(turn.on_line(" 2 "), [Do::Answer { question_id, answer }]);
        assert_eq!(turn.on_line("2"), [], "it has its answer");
    }

    #[test]
    fn a_question_that_nobody_can_answer_ends_the_turn() {
        let mut turn = turn(Asks::Allow);
        let body = EventBody::QuestionRequested {
            question_id: "q".to_owned(),
            prompt: "Which?".to_owned(),
            options: Vec::new(),
        };
        let todo = turn.on(event("t", body));
        assert!(matches!(&todo[..], [Do::Note(_), Do::Stop]), "{todo:?}");
        assert_eq!(turn.on(error(TurnErrorCode::TurnStopped)), [Do::End(Exit::Failed)]);
    }

    #[test]
    fn how_a_turn_ends_is_how_the_command_ends() {
        let mut failed = turn(Asks::Deny);
        let todo = failed.on(error(TurnErrorCode::AgentFailed));
        assert!(matches!(&todo[..], [Do::Note(_), Do::End(Exit::Failed)]), "{todo:?}");
        let mut stopped = turn(Asks::Deny);
        assert_eq!(stopped.stop(Exit::Interrupted), [Do::Stop]);
        let todo = stopped.on(error(TurnErrorCode::TurnStopped));
        assert_eq!(todo, [Do::End(Exit::Interrupted)]);
        let gone = Incoming::Disconnected { reason: "wrong token".to_owned(), retry_in: None };
        let todo = turn(Asks::Deny).on(Some(gone));
        assert!(matches!(&todo[..], [Do::Note(_), Do::End(Exit::NotRunning)]), "{todo:?}");
        assert_eq!(turn(Asks::Deny).on(None), [Do::End(Exit::Failed)]);
    }

    #[test]
    fn other_turns_and_sessions_are_not_ours() {
        let mut turn = turn(Asks::Allow);
        let body = EventBody::TextComplete { text: "theirs".to_owned() };
        assert_eq!(turn.on(event("other", body)), []);
        let session_id = "other".to_owned();
        assert_eq!(turn.on(Some(Incoming::SessionDeleted { session_id })), []);
    }

    #[test]
    fn as_json_each_event_is_a_line_as_on_the_wire() {
        let mut turn = Turn::new("s".to_owned(), "t".to_owned(), Asks::Deny, true);
        let todo = turn.on(delta("Hello"));
        let [Do::Json(value)] = &todo[..] else { panic!("{todo:?}") };
        assert_eq!((&value["type"], &value["text"]), (&"text_delta".into(), &"Hello".into()));
        let todo = turn.on(complete());
        assert!(matches!(&todo[..], [Do::Json(_), Do::End(Exit::Done)]), "{todo:?}");
    }

    fn turn(asks: Asks) -> Turn {
        Turn::new("s".to_owned(), "t".to_owned(), asks, false)
    }

    fn event(turn_id: &str, body: EventBody) -> Option<Incoming> {
        let (session_id, turn_id) = ("s".to_owned(), Some(turn_id.to_owned()));
        Some(Incoming::Event(SessionEvent { session_id, turn_id, seq: 1, ts: 1, body }))
    }

    fn delta(text: &str) -> Option<Incoming> {
        event("t", EventBody::TextDelta { text: text.to_owned() })
    }

    fn whole(text: &str) -> Option<Incoming> {
        event("t", EventBody::TextComplete { text: text.to_owned() })
    }

    fn complete() -> Option<Incoming> {
        let (final_text, stop_reason) = (String::new(), "end_turn".to_owned());
        event("t", EventBody::TurnComplete { final_text, stop_reason })
    }

    fn error(code: TurnErrorCode) -> Option<Incoming> {
        let (message, final_text) = ("it broke".to_owned(), String::new());
        event("t", EventBody::TurnError { code, message, final_text })
    }

    fn permission(kinds: &[OptionKind]) -> Option<Incoming> {
        let option = |(index, kind): (usize, &OptionKind)| AnswerOption {
            id: index.to_string(),
            label: format!("option {index}"),
            kind: *kind,
        };
        let options = kinds.iter().enumerate().map(option).collect();
        let (question_id, title) = ("q".to_owned(), "Write a file".to_owned());
        event(
            "t",
            EventBody::PermissionRequested { question_id, tool_call_id: None, title, options },
        )
    }
}
