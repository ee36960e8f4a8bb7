//! A session as Markdown that says what the session says and nothing else: what an agent wrote can make
//! no heading, link, picture or HTML of this file. What tools were given and gave back stands in fences
//! that nothing in it can close.

use std::fmt::Write as _;

use oriel_wire::{SessionRow, SessionState, UsageSums};

use super::change;
use super::entry::{Entry, Kind, Words};
use super::one::Span;
use crate::markdown::{Mark, Sink, read};
use crate::templates::plain;
use crate::words::{agent, count, usd};

/// Signs that mean something anywhere in a line.
const SIGNS: &str = "\\`*_[]<>&|~#:@$!{}";

/// Returns what stands at the beginning.
pub(super) fn head(
    name: Option<&str>,
    session: &SessionRow,
    state: &SessionState,
    usage: &UsageSums,
    span: &Span,
) -> String {
    let mut text = format!("# {}\n\n", line(name.unwrap_or(&session.id)));
    let cost = match usage.cost_usd {
        Some(dollars) if usage.unpriced_requests == 0 => usd(dollars),
        Some(dollars) => format!("at least {}", usd(dollars)),
        None if usage.unpriced_requests > 0 => "no price is known".to_owned(),
        None => "–".to_owned(),
    };
    let facts = [
        ("Session", Some(session.id.clone())),
        ("Agent", Some(agent(&session.agent_type))),
        ("Model", state.model.clone()),
        ("Project", session.project.clone()),
        ("Branch", session.branch.clone()),
        ("Folder", state.cwd.clone()),
        ("Began (UTC)", span.first.clone()),
        ("Last event (UTC)", span.last.clone()),
        ("Events", Some(count(session.event_count as f64))),
        ("Tokens", Some(count(usage.total_tokens as f64))),
        ("Cost", Some(cost)),
    ];
    for (label, value) in facts {
        if let Some(value) = value {
            _ = writeln!(text, "- {label}: {}", line(&value));
        }
    }
    text.push('\n');
    text
}

/// Returns one entry.
pub(super) fn entry(entry: &Entry) -> String {
    let who = match entry.kind {
        Kind::Prompt => "You".to_owned(),
        Kind::Answer => "Agent".to_owned(),
        Kind::Tool => entry.tool.clone().unwrap_or_else(|| "Tool".to_owned()),
        Kind::Error => "Error".to_owned(),
        Kind::Usage => "Request".to_owned(),
        Kind::Note => entry.event_type.replace('_', " "),
    };
    let mut text = format!("## {} · {}", line(&who), line(&entry.at));
    if entry.failed {
        _ = write!(text, " · {}", line(&entry.status));
    }
    if let Some(sub_agent) = &entry.sub_agent {
        _ = write!(text, " · by {}", line(sub_agent));
    }
    text.push_str("\n\n");
    if let Some(words) = &entry.words {
        let mut sink = Writer::default();
        read(&words.text, &mut sink);
        text.push_str(&sink.text);
    }
    if let Some(detail) = &entry.detail {
        text.push_str(&fenced(detail, ""));
    }
    match &entry.change {
        Some(change) => {
            let mut lines = String::new();
            for line in &change.lines {
                let sign = match line.kind {
                    change::Kind::Added => "+",
                    change::Kind::Removed => "-",
                    change::Kind::Same => " ",
                    change::Kind::Place => "@@ ",
                };
                _ = writeln!(lines, "{sign}{}", line.text);
            }
            text.push_str(&fenced(&lines, "diff"));
        }
        None => said(&mut text, "Given:", entry.input.as_ref()),
    }
    said(&mut text, "Gave back:", entry.output.as_ref());
    for (name, value) in &entry.facts {
        _ = writeln!(text, "- {}: {}", line(name), line(value));
    }
    let tokens = entry.tokens_in + entry.tokens_out + entry.cache_read + entry.cache_write;
    if tokens > 0 {
        let cost = entry.cost_usd.map_or("no price is known".to_owned(), usd);
        let model = entry.model.as_deref().unwrap_or("unknown model");
        _ = writeln!(text, "{} · {} tokens · {cost}", line(model), count(tokens as f64));
    }
    text.push('\n');
    text
}

fn said(text: &mut String, label: &str, words: Option<&Words>) {
    if let Some(words) = words {
        _ = write!(text, "{label}\n\n{}", fenced(&words.text, ""));
    }
}

/// Returns a text in a fence that is longer than any within it.
fn fenced(text: &str, language: &str) -> String {
    let text = plain(text.trim_end_matches('\n'));
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n\n")
}

/// Returns a text in one line that means nothing but its letters.
fn line(text: &str) -> String {
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "), true)
}

/// Escapes a text. Where it begins a line it might begin a list, an underlined heading or a block of code.
fn escaped(text: &str, begins_line: bool) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    let body = if begins_line { text.trim_start_matches([' ', '\t']) } else { &text };
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in body.char_indices() {
        let begins = begins_line
            && ((at == 0 && matches!(c, '-' | '+' | '='))
                || (at == digits && at > 0 && matches!(c, '.' | ')')));
        let is_address = c == '.' && ends_in_www(&body.as_bytes()[..at]);
        if begins || is_address || SIGNS.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn ends_in_www(bytes: &[u8]) -> bool {
    bytes.len().checked_sub(3).is_some_and(|at| bytes[at..].eq_ignore_ascii_case(b"www"))
}

/// Writes what was read as Markdown again.
#[derive(Default)]
struct Writer {
    text: String,
    /// What every line begins with, a piece for each list and quote that is open.
    within: Vec<String>,
    counts: Vec<usize>,
    is_block: bool,
    is_code: bool,
    /// A block is being written.
    is_begun: bool,
    /// It has words already.
    has_words: bool,
}

impl Writer {
    fn prefix(&self) -> String {
        self.within.concat()
    }

    fn begin_block(&mut self) {
        if !self.is_begun {
            let prefix = self.prefix();
            self.text.push_str(&prefix);
        }
        self.is_begun = true;
        self.has_words = false;
    }

    fn end_block(&mut self) {
        let prefix = self.prefix();
        self.text.push('\n');
        self.text.push_str(prefix.trim_end());
        self.text.push('\n');
        self.is_begun = false;
    }
}

impl Sink for Writer {
    fn open(&mut self, mark: Mark) {
        match mark {
            // A heading of an answer is none of this file.
            Mark::Heading => {
                self.begin_block();
                self.text.push_str("**");
            }
            Mark::Paragraph => self.begin_block(),
            Mark::Block => {
                self.begin_block();
                self.is_block = true;
            }
            Mark::Bullets | Mark::Numbers => {
                if self.is_begun {
                    self.end_block();
                }
                self.counts.push(if mark == Mark::Bullets { 0 } else { 1 });
            }
            Mark::Item => {
                self.begin_block();
                let count = self.counts.last_mut().filter(|count| **count > 0);
                let sign = match count {
                    Some(count) => {
                        *count += 1;
                        format!("{}. ", *count - 1)
                    }
                    None => "- ".to_owned(),
                };
                self.text.push_str(&sign);
                self.within.push(" ".repeat(sign.len()));
            }
            Mark::Quote => {
                self.begin_block();
                self.text.push_str("> ");
                self.within.push("> ".to_owned());
            }
            Mark::Code => {
                self.is_code = true;
            }
            Mark::Strong => self.text.push_str("**"),
            Mark::Stress => self.text.push('*'),
        }
    }

    fn close(&mut self, mark: Mark) {
        match mark {
            Mark::Heading => {
                self.text.push_str("**");
                self.end_block();
            }
            Mark::Paragraph => self.end_block(),
            Mark::Block => {
                self.is_block = false;
                self.end_block();
            }
            Mark::Bullets | Mark::Numbers => {
                self.counts.pop();
            }
            Mark::Item | Mark::Quote => {
                self.within.pop();
                if self.is_begun {
                    self.end_block();
                }
                if mark == Mark::Quote {
                    let prefix = self.prefix();
                    self.text.push_str(prefix.trim_end());
                    self.text.push('\n');
                }
            }
            Mark::Code => self.is_code = false,
            Mark::Strong => self.text.push_str("**"),
            Mark::Stress => self.text.push('*'),
        }
    }

    fn text(&mut self, text: &str) {
        let prefix = self.prefix();
        if self.is_block {
            let block = fenced(text, "");
            let lines: Vec<&str> = block.trim_end().lines().collect();
            self.text.push_str(&lines.join(&format!("\n{prefix}")));
        } else if self.is_code && !text.contains(['`', '\n']) {
            _ = write!(self.text, "`{}`", plain(text));
        } else {
            let lines = text.split('\n').enumerate();
            let lines = lines.map(|(nth, line)| escaped(line, nth > 0 || !self.has_words));
            let lines: Vec<String> = lines.collect();
            self.text.push_str(&lines.join(&format!("\\\n{prefix}")));
        }
        self.has_words |= !text.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_the_same_again() {
        check("one\ntwo", "one\\\ntwo\n\n");
        check("- a\n- b", "- a\n\n- b\n\n");
        check("1. a\n2. b", "1. a\n\n2. b\n\n");
        check("# Big", "**Big**\n\n");
        check("> q", "> q\n>\n\n");
        check("`x` **y**", "`x` **y**\n\n");
    }

    #[test]
    fn nothing_in_it_means_anything() {
        check("<script>", "\\<script\\>\n\n");
        check("[a](javascript:x)", "\\[a\\](javascript\\:x)\n\n");
        check("![](http://x)", "\\!\\[\\](http\\://x)\n\n");
        check("a\n===\n+ b", "a\\\n\\===\n\n- b\n\n");
        check("www.x.example a@b", "www\\.x.example a\\@b\n\n");
        check("12\\. x", "12\\\\. x\n\n");
    }

    #[test]
    fn a_fence_holds_whatever_is_in_it() {
        assert_eq!(fenced("a\n````\nb", ""), "`````\na\n````\nb\n`````\n\n");
        assert_eq!(fenced("plain", "diff"), "```diff\nplain\n```\n\n");
    }

    fn check(text: &str, expected: &str) {
        let mut sink = Writer::default();
        read(text, &mut sink);
        assert_eq!(sink.text, expected, "{text}");
    }
}
