//! What a prompt makes the echo agent do: words that are said back, and acts in double brackets.

/// The most updates of one stream.
const STREAM_MAX: u64 = 10_000_000;

/// The most bytes of one output.
const BIG_MAX: u64 = 8 * 1024 * 1024;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Say(String),
    Help,
    Think,
    Plan,
    Tool,
    Ask,
    Choose,
    Words,
    Write { name: String, text: String },
    Run(String),
    Fail,
    Die,
    Hang,
    Deaf,
    Stream { count: u64, pause_ms: u64 },
    Stamp { count: u64, pause_ms: u64 },
    Usage,
    Big(usize),
}

/// What `[[help]]` says.
pub(super) const HELP: &str = "\
I say back what you say. Words in double brackets make me act:
[[help]]            this
[[think]]           think first
[[plan]]            make a plan and follow it
[[tool]]            call a tool
[[ask]]             ask for leave, and say what you answered
[[choose]]          ask you to choose
[[words]]           ask you for words
[[write NAME TEXT]] ask for leave and write a file
[[run COMMAND]]     run a command in a terminal
[[usage]]           tell what the turn used
[[fail]]            fail
[[die]]             end my program
[[hang]]            do nothing until I am stopped
[[deaf]]            do nothing, and do not listen when I am stopped
[[stream N MS]]     say N numbers, MS milliseconds apart
[[stamp N MS]]      say the time N times, in Unix nanoseconds
[[big N]]           call a tool that gives back N bytes
";

/// Reads a prompt. What is in brackets and means nothing is said back as it is.
pub(super) fn read(prompt: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut rest = prompt;
    let mut said = String::new();
    while let Some(start) = rest.find("[[") {
        let Some(length) = rest[start..].find("]]") else { break };
        let end = start + length + 2;
        said.push_str(&rest[..start]);
        match act(&rest[start + 2..end - 2]) {
            Some(act) => {
                let before = std::mem::take(&mut said);
                acts.extend((!before.trim().is_empty()).then_some(Act::Say(before)));
                acts.push(act);
            }
            None => said.push_str(&rest[start..end]),
        }
        rest = &rest[end..];
    }
    said.push_str(rest);
    acts.extend((!said.trim().is_empty()).then_some(Act::Say(said)));
    acts
}

fn act(words: &str) -> Option<Act> {
    let (name, rest) = words.trim().split_once(char::is_whitespace).unwrap_or((words.trim(), ""));
    let rest = rest.trim();
    Some(match (name, rest) {
        ("help", "") => Act::Help,
        ("think", "") => Act::Think,
        ("plan", "") => Act::Plan,
        ("tool", "") => Act::Tool,
        ("ask", "") => Act::Ask,
        ("choose", "") => Act::Choose,
        ("words", "") => Act::Words,
        ("fail", "") => Act::Fail,
        ("die", "") => Act::Die,
        ("hang", "") => Act::Hang,
        ("deaf", "") => Act::Deaf,
        ("usage", "") => Act::Usage,
        ("run", command) if !command.is_empty() => Act::Run(command.to_owned()),
        ("write", what) if !what.is_empty() => {
            let (name, text) = what.split_once(char::is_whitespace).unwrap_or((what, ""));
            Act::Write { name: name.to_owned(), text: text.to_owned() }
        }
        ("stream" | "stamp", numbers) => {
            let mut numbers = numbers.split_whitespace().map(str::parse::<u64>);
            let count = numbers.next()?.ok()?.min(STREAM_MAX);
            let pause_ms = numbers.next().unwrap_or(Ok(0)).ok()?;
            match name {
                "stream" => Act::Stream { count, pause_ms },
                _ => Act::Stamp { count, pause_ms },
            }
        }
        ("big", bytes) => Act::Big(usize::try_from(bytes.parse::<u64>().ok()?.min(BIG_MAX)).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_words_and_acts_in_order() {
        let say = |text: &str| Act::Say(text.to_owned());
        let write = Act::Write { name: "a.txt".to_owned(), text: "b c".to_owned() };
        for (prompt, acts) in [
            ("hello you", vec![say("hello you")]),
            ("[[think]] then [[write a.txt b c]]", vec![Act::Think, say(" then "), write]),
            ("[[stream 3]]", vec![Act::Stream { count: 3, pause_ms: 0 }]),
            ("[[stamp 3 5]]", vec![Act::Stamp { count: 3, pause_ms: 5 }]),
            ("[[run ls -l]]", vec![Act::Run("ls -l".to_owned())]),
            ("[[big 99999999999]]", vec![Act::Big(8 * 1024 * 1024)]),
            ("[[what]] [[stream x]] [[", vec![say("[[what]] [[stream x]] [[")]),
            ("a [[what]] [[ask]]", vec![say("a [[what]] "), Act::Ask]),
            ("", vec![]),
        ] {
            assert_eq!(read(prompt), acts, "{prompt:?}");
        }
    }
}
