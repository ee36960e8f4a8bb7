//! What an agent says becomes news, in order, and what it asks is answered.

use oriel_wire::gateway::{EventBody, OptionKind, PlanEntry};

use super::house::{House, nothing};
use crate::agent::{Given, News, Order};

#[tokio::test]
async fn words_come_back_one_by_one_and_the_work_ends() {
    let house = House::new();
    let mut talk = house.start(&house.agents(""), "echo").await.unwrap();
    let News::Ready(ready) = talk.next().await else { panic!("it is not ready first") };
    assert!(ready.native_session.unwrap().starts_with("echo-"));
    assert!(!ready.has_resumed && !ready.confinement.is_empty());

    let turn = talk.turn("say this back", nothing).await;
    assert_eq!(turn.text(), "say this back");
    assert_eq!((turn.events.len(), turn.end), (3, Some(Ok("end_turn".to_owned()))));
}

#[tokio::test]
async fn thoughts_plans_tools_and_usage_are_told() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk.turn("[[think]][[plan]][[tool]][[usage]]", nothing).await;
    let plan =
        |it: &EventBody| matches!(it, EventBody::PlanUpdated { entries } if entries.len() == 2);
    assert_eq!(turn.events.iter().filter(|it| plan(it)).count(), 3);
    let step = PlanEntry {
        text: "Listen".to_owned(),
        status: "in_progress".to_owned(),
        priority: "high".to_owned(),
    };
    assert!(turn.events.iter().any(
        |it| matches!(it, EventBody::PlanUpdated { entries } if entries.first() == Some(&step))
    ));
    let thoughts =
        turn.events.iter().filter(|it| matches!(it, EventBody::ThinkingProgress { .. })).count();
    assert_eq!(thoughts, 4);
    assert!(
        turn.events
            .iter()
            .any(|it| matches!(it, EventBody::ToolResult { output, .. } if output == "ping"))
    );
    let Some(EventBody::TurnUsage { usage }) = turn.events.last() else { panic!("{turn:?}") };
    let tokens = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    );
    assert_eq!(tokens, (100, 50, 1000, 500));
    assert_eq!((usage.cost_usd, usage.context_limit), (Some(0.02), Some(200_000)));
    let again = talk.turn("[[usage]]", nothing).await;
    let Some(EventBody::TurnUsage { usage }) = again.events.last() else { panic!("{again:?}") };
    assert_eq!(usage.cost_usd, Some(0.02), "the cost of this turn, not of all");
}

#[tokio::test]
async fn a_file_is_written_only_with_leave() {
    let house = House::new();
    let mut talk = house.echo().await;
    let path = house.workspace.join("a.txt");
    let refuse = |_: &_| Some(Given::Option("reject".to_owned()));
    let turn = talk.turn("[[write a.txt one]]", refuse).await;
    assert!(turn.events.iter().any(|it| matches!(it, EventBody::ToolError { .. })), "{turn:?}");
    assert!(!path.exists() && turn.touched.is_empty());

    let turn = talk
        .turn("[[write a.txt one]]", |asked| {
            let kinds: Vec<OptionKind> = asked.options.iter().map(|it| it.kind).collect();
            let expected = [OptionKind::AllowOnce, OptionKind::AllowAlways, OptionKind::RejectOnce];
            assert!(asked.is_permission && kinds == expected, "{asked:?}");
            assert_eq!(asked.prompt, "Write a.txt");
            assert!(asked.tool_call_id.is_some());
            Some(Given::Option("allow".to_owned()))
        })
        .await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
    assert_eq!(turn.touched, [path]);
    let diff = turn.events.iter().find_map(|it| match it {
        EventBody::ToolResult { diff, .. } => diff.first(),
        _ => None,
    });
    let diff = diff.expect("it tells the change");
    assert_eq!((diff.path.as_str(), &diff.old, diff.new.as_str()), ("a.txt", &None, "one"));
}

#[tokio::test]
async fn nothing_outside_of_the_workspace_is_written_for_an_agent() {
    let house = House::new();
    let mut talk = house.echo().await;
    let allow = |_: &_| Some(Given::Option("allow".to_owned()));
    for name in ["../outside", "/outside-of-everything"] {
        let turn = talk.turn(&format!("[[write {name} x]]"), allow).await;
        assert!(turn.events.iter().any(|it| matches!(it, EventBody::ToolError { .. })), "{turn:?}");
        assert!(turn.touched.is_empty());
    }
    assert!(!house.workspace.join("../outside").exists());
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_cancelled() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk.turn("[[ask]] after", |_| None).await;
    assert!(
        turn.events
            .iter()
            .any(|it| matches!(it, EventBody::ToolError { output, .. } if output == "cancelled"))
    );
    assert_eq!(turn.text(), " after");
}

#[tokio::test]
async fn a_choice_and_words_are_asked_for() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk
        .turn("[[choose]][[words]]", |asked| {
            assert!(!asked.is_permission);
            Some(match asked.options.first() {
                Some(option) => Given::Option(option.id.clone()),
                None => Given::Words("Ada".to_owned()),
            })
        })
        .await;
    assert_eq!(turn.text(), "You said red.You said Ada.");
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_is_heard() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk.turn("[[run pwd; echo err >&2; exit 3]]", nothing).await;
    let streamed: String = turn
        .events
        .iter()
        .filter_map(|it| match it {
            EventBody::TerminalStream { chunk, .. } => Some(chunk.as_str()),
            _ => None,
        })
        .collect();
    assert!(streamed.contains(house.workspace.to_str().unwrap()), "{turn:?}");
    let Some((code, output)) = turn.events.iter().find_map(|it| match it {
        EventBody::TerminalComplete { exit_code, output, .. } => Some((*exit_code, output.clone())),
        _ => None,
    }) else {
        panic!("{turn:?}")
    };
    assert_eq!((code, output.len()), (Some(3), streamed.len()));
    assert!(output.contains("err"));
    let failed =
        |it: &EventBody| matches!(it, EventBody::ToolError { output: told, .. } if *told == output);
    assert!(turn.events.iter().any(failed), "{turn:?}");
}

#[tokio::test]
async fn work_is_cancelled_at_once_also_while_a_question_waits() {
    let house = House::new();
    let mut talk = house.echo().await;
    for text in ["[[hang]]", "[[stream 1000 1000]]", "[[ask]]"] {
        talk.prompt(&format!("begin {text}")).await;
        let mut kept = Vec::new();
        let end = loop {
            match talk.next().await {
                News::Happened(EventBody::TextDelta { text: said })
                    if said.starts_with("begin") && text != "[[ask]]" =>
                {
                    talk.order(Order::Cancel).await;
                }
                News::Asked(asked) => {
                    // The answer is still to come when the work is cancelled.
                    kept.push(asked);
                    talk.order(Order::Cancel).await;
                }
                News::PromptEnded(end) => break end,
                _ => {}
            }
        };
        assert_eq!(end, Ok("cancelled".to_owned()), "{text}");
    }
    let turn = talk.turn("still there", nothing).await;
    assert_eq!(turn.text(), "still there");
}

#[tokio::test]
async fn a_failure_of_the_agent_ends_the_work_and_not_the_agent() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk.turn("[[fail]]", nothing).await;
    assert!(turn.end.unwrap().unwrap_err().contains("told to fail"));
    assert_eq!(talk.turn("on", nothing).await.text(), "on");
}

#[tokio::test]
async fn a_session_goes_on_without_being_told_again() {
    let house = House::new();
    let agents = house.agents("");
    let mut talk = house.resume(&agents, "echo", Some("echo-old")).await.unwrap();
    let News::Ready(ready) = talk.next().await else { panic!("it is not ready first") };
    assert_eq!((ready.native_session.as_deref(), ready.has_resumed), (Some("echo-old"), true));
    assert_eq!(talk.turn("more", nothing).await.text(), "more", "and not what was before");
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_keeps_the_order() {
    let house = House::new();
    let mut talk = house.echo().await;
    let turn = talk.turn("[[stream 20000]][[big 300000]]", nothing).await;
    let expected: String = (1..=20_000).map(|number| format!("{number} ")).collect();
    assert_eq!(turn.text(), expected);
    assert!(turn.events.iter().any(
        |it| matches!(it, EventBody::ToolResult { output, truncated: true, .. } if output.len() == 256 * 1024)
    ));
}
