//! How tool calls went: what tools gave back, and what the records beside it say.

use oriel_model::Role;

use crate::draft::{Draft, clip};
use crate::loose::{Fields, Loose};

/// How a call went, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ended {
    pub has_failed: bool,
    pub ms: Option<u64>,
}

/// What a tool gave back.
pub(crate) struct Output {
    text: String,
    pub ended: Ended,
}

impl Output {
    pub(crate) fn read(item: &Fields<'_>) -> Self {
        let Some(output) = item.first(&["output", "tools"]) else {
            return Self { text: String::new(), ended: Ended::default() };
        };
        // Some versions wrap it.
        let wrapped = output.fields();
        let has_failed = wrapped.get("success").and_then(Loose::flag) == Some(false);
        let content = wrapped.get("content").unwrap_or(output);
        let parts = content.items();
        let text = match parts.is_empty() {
            true => content.text().unwrap_or(content.raw().into()).into_owned(),
            false => parts
                .iter()
                .filter_map(|part| part.fields().text("text"))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        let inner = Fields::read(&text).filter(|inner| inner.get("output").is_some());
        if let Some(inner) = inner {
            let facts = inner.fields("metadata");
            let seconds = facts.get("duration_seconds").and_then(Loose::float);
            let ended = Ended {
                has_failed: has_failed || facts.whole("exit_code").is_some_and(|code| code != 0),
                ms: seconds.map(milliseconds),
            };
            return Self { text: inner.text("output").unwrap_or_default().into_owned(), ended };
        }
        let (body, mut ended) = headed(&text);
        ended.has_failed |= has_failed;
        Self { text: body.to_owned(), ended }
    }

    pub(crate) fn tell(&self, draft: Draft) -> Draft {
        let preview = clip(&self.text, 500);
        let draft = draft.text(Role::Output, &self.text).fact("content_preview", preview);
        if self.ended.has_failed { draft.fact("error", preview) } else { draft }
    }
}

/// Returns what follows the lines that Codex puts before a command's output, and what these say.
fn headed(text: &str) -> (&str, Ended) {
    const OTHERS: [&str; 6] = [
        "Chunk ID:",
        "Output:",
        "Original token count:",
        "Total output lines:",
        "Process running with session ID",
        "Warning: truncated",
    ];
    const REFUSALS: [&str; 5] = [
        "unsupported call:",
        "aborted",
        "failed to parse",
        "execution error",
        "apply_patch verification failed",
    ];
    let mut ended = Ended::default();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n').or(Some((rest, "")))
        && !line.is_empty()
    {
        let after_words = |words: &str| line.strip_prefix(words).map(str::trim);
        if let Some(code) =
            after_words("Process exited with code").or_else(|| after_words("Exit code:"))
        {
            ended.has_failed |= code != "0";
        } else if let Some(time) = after_words("Wall time:") {
            let seconds = time.split(' ').next().and_then(|number| number.parse::<f64>().ok());
            ended.ms = ended.ms.max(seconds.map(milliseconds));
        } else if !OTHERS.iter().any(|words| line.starts_with(words)) {
            break;
        }
        rest = after;
    }
    ended.has_failed |= REFUSALS.iter().any(|words| rest.starts_with(words));
    (rest, ended)
}

impl Ended {
    pub(crate) fn of_item(item: &Fields<'_>, times: &Fields<'_>) -> Self {
        let status = item.text("status").unwrap_or_default();
        let exit = item.get("exit_code").and_then(Loose::float);
        let has_failed = matches!(status.as_ref(), "failed" | "declined" | "error")
            || exit.is_some_and(|code| code != 0.0)
            || item.get("success").and_then(Loose::flag) == Some(false)
            || item.fields("result").get("Err").is_some()
            || item.text("error").is_some();
        let duration = item.fields("duration");
        let stated = duration.whole("secs").map(|seconds| {
            let nanos = duration.whole("nanos").unwrap_or(0);
            seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
        });
        let begun = times.whole("started_at_ms");
        let spanned =
            times.whole("completed_at_ms").zip(begun).map(|(end, begun)| end.saturating_sub(begun));
        Self { has_failed, ms: stated.or(spanned) }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { has_failed: self.has_failed || other.has_failed, ms: self.ms.max(other.ms) }
    }
}

fn milliseconds(seconds: f64) -> u64 {
    // `as` makes 0 of what is negative and cuts what is too large.
    (seconds * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_an_output_is_read_and_left_out() {
        check(
            "Chunk ID: a\nWall time: 0.0513 seconds\nProcess exited with code 0\nOutput:\nhi\n",
            "hi\n",
            false,
            Some(51),
        );
        check(
            "Wall time: 1 seconds\nOutput:\nExit code: 2\nWall time: 0 seconds\nOutput:\nno",
            "no",
            true,
            Some(1000),
        );
        check("Wall time: 4.8 seconds\naborted by user", "aborted by user", true, Some(4800));
        check("unsupported call: x", "unsupported call: x", true, None);
        check(
            "plain\nProcess exited with code 1",
            "plain\nProcess exited with code 1",
            false,
            None,
        );
        check("", "", false, None);
        check("Wall time: 1e400 seconds", "", false, Some(u64::MAX));
    }

    fn check(text: &str, body: &str, has_failed: bool, ms: Option<u64>) {
        assert_eq!(headed(text), (body, Ended { has_failed, ms }), "{text:?}");
    }
}
