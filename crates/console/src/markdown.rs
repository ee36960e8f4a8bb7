//! What agents write is Markdown, more or less. This reads the plain parts of it: paragraphs,
//! headings, lists, quotes, code, and the strong and stressed words within them. Everything else,
//! HTML, links and pictures among it, stays the text that it is.
//!
//! What comes out is safe by its making: a [`Sink`] is told of marks out of a fixed set, none of which
//! carries anything, and of text, which it escapes.

use minijinja::HtmlEscape;

use crate::templates::plain;

#[cfg(test)]
mod tests;

/// Lists and quotes nest no deeper than this. What is deeper stands at this depth.
const DEPTH_MAX: usize = 6;

/// Everything that a text can be marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Paragraph,
    Heading,
    Bullets,
    Numbers,
    Item,
    Quote,
    Block,
    Code,
    Strong,
    Stress,
}

/// Who writes down what was read.
pub(crate) trait Sink {
    fn open(&mut self, mark: Mark);
    fn close(&mut self, mark: Mark);
    fn text(&mut self, text: &str);
}

/// Returns Markdown as HTML of ten tags without attributes.
pub(crate) fn html(text: &str) -> String {
    let mut sink = Html(String::with_capacity(text.len() + text.len() / 4));
    read(text, &mut sink);
    sink.0
}

/// Reads Markdown.
pub(crate) fn read(text: &str, sink: &mut impl Sink) {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    blocks(&lines, sink, 0);
}

struct Html(String);

impl Html {
    const fn tag(mark: Mark) -> &'static str {
        match mark {
            Mark::Paragraph => "p",
            Mark::Heading => "h5",
            Mark::Bullets => "ul",
            Mark::Numbers => "ol",
            Mark::Item => "li",
            Mark::Quote => "blockquote",
            Mark::Block => "pre",
            Mark::Code => "code",
            Mark::Strong => "strong",
            Mark::Stress => "em",
        }
    }
}

impl Sink for Html {
    fn open(&mut self, mark: Mark) {
        self.0.extend(["<", Self::tag(mark), ">"]);
    }

    fn close(&mut self, mark: Mark) {
        self.0.extend(["</", Self::tag(mark), ">"]);
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&HtmlEscape(&plain(text)).to_string());
    }
}

fn blocks(lines: &[&str], sink: &mut impl Sink, depth: usize) {
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.trim().is_empty() {
            at += 1;
        } else if let Some(fence) = fence(line) {
            let body = at + 1;
            let ends = |line: &&str| line.trim_start().starts_with(fence) && closes(line, fence);
            let length = lines[body..].iter().take_while(|line| !ends(line)).count();
            block(&lines[body..body + length], sink);
            at = body + length + 1;
        } else if let Some(words) = heading(line) {
            sink.open(Mark::Heading);
            spans(words, sink, 0);
            sink.close(Mark::Heading);
            at += 1;
        } else if depth < DEPTH_MAX && line.trim_start().starts_with('>') {
            let quoted = run(&lines[at..], |line| line.trim_start().starts_with('>'));
            let inner: Vec<&str> = quoted.iter().map(|line| unquoted(line)).collect();
            sink.open(Mark::Quote);
            blocks(&inner, sink, depth + 1);
            sink.close(Mark::Quote);
            at += quoted.len();
        } else if line.trim_start().starts_with('|') {
            let table = run(&lines[at..], |line| line.trim_start().starts_with('|'));
            block(table, sink);
            at += table.len();
        } else if depth < DEPTH_MAX
            && let Some(first) = Item::of(line)
        {
            at += list(&lines[at..], first.mark, sink, depth);
        } else {
            at += paragraph(&lines[at..], sink, depth);
        }
    }
}

/// Reads a list, and returns how many lines it has.
fn list(lines: &[&str], mark: Mark, sink: &mut impl Sink, depth: usize) -> usize {
    sink.open(mark);
    let within = indent(lines[0]) + 2;
    let mut at = 0;
    while let Some(item) =
        lines.get(at).and_then(|line| Item::of(line)).filter(|it| it.mark == mark)
    {
        let mut inner = vec![item.words];
        at += 1;
        // What is set in as far as the item's words belongs to it.
        while let Some(line) = lines.get(at) {
            let blank = line.trim().is_empty();
            let next_belongs = lines.get(at + 1).is_some_and(|next| within <= indent(next));
            if (blank && !next_belongs) || (!blank && indent(line) < within) {
                break;
            }
            let cut = indent(line).min(item.width);
            inner.push(&line[cut..]);
            at += 1;
        }
        sink.open(Mark::Item);
        match inner.as_slice() {
            [one] => spans(one, sink, 0),
            more => blocks(more, sink, depth + 1),
        }
        sink.close(Mark::Item);
    }
    sink.close(mark);
    at
}

fn paragraph(lines: &[&str], sink: &mut impl Sink, depth: usize) -> usize {
    let goes_on = |line: &&&str| {
        !line.trim().is_empty()
            && fence(line).is_none()
            && heading(line).is_none()
            && (depth == DEPTH_MAX || (Item::of(line).is_none() && !line.starts_with('>')))
    };
    let length = 1 + lines[1..].iter().take_while(goes_on).count();
    sink.open(Mark::Paragraph);
    spans(&lines[..length].join("\n"), sink, 0);
    sink.close(Mark::Paragraph);
    length
}

fn block(lines: &[&str], sink: &mut impl Sink) {
    sink.open(Mark::Block);
    sink.text(&lines.join("\n"));
    sink.close(Mark::Block);
}

/// Reads what is marked within a line or a paragraph.
fn spans(text: &str, sink: &mut impl Sink, depth: usize) {
    const PAIRS: [(&str, Mark); 3] = [("`", Mark::Code), ("**", Mark::Strong), ("*", Mark::Stress)];
    let (mut rest, mut plain_until) = (text, 0);
    while let Some(at) = rest[plain_until..].find(['`', '*']).map(|found| found + plain_until) {
        let pair = PAIRS.iter().find(|(sign, _)| rest[at..].starts_with(sign));
        let Some((sign, mark)) = pair.filter(|_| depth < 3) else { break };
        let inner_at = at + sign.len();
        let inner = rest[inner_at..].find(sign).map(|length| &rest[inner_at..inner_at + length]);
        let is_marked = |inner: &&str| {
            !inner.is_empty()
                && !inner.contains("\n\n")
                && (*mark == Mark::Code || inner.trim().len() == inner.len())
        };
        let Some(inner) = inner.filter(is_marked) else {
            // A sign without its other half is one of the letters.
            plain_until = at + sign.len();
            continue;
        };
        sink.text(&rest[..at]);
        sink.open(*mark);
        if *mark == Mark::Code {
            sink.text(inner);
        } else {
            spans(inner, sink, depth + 1);
        }
        sink.close(*mark);
        rest = &rest[inner_at + inner.len() + sign.len()..];
        plain_until = 0;
    }
    sink.text(rest);
}

/// An item of a list: its words, and how far they are set in.
struct Item<'a> {
    mark: Mark,
    words: &'a str,
    width: usize,
}

impl<'a> Item<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let set_in = indent(line);
        let rest = &line[set_in..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (mark, sign) = match rest.as_bytes().get(digits)? {
            b'-' | b'*' | b'+' if digits == 0 => (Mark::Bullets, 1),
            b'.' | b')' if (1..=9).contains(&digits) => (Mark::Numbers, digits + 1),
            _ => return None,
        };
        let words = rest[sign..].strip_prefix(' ')?;
        Some(Self { mark, words: words.trim_start(), width: set_in + sign + 1 })
    }
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == sign).count();
    let is_fence = 3 <= length && !(sign == '`' && line[length..].contains('`'));
    is_fence.then(|| &line[..length])
}

fn closes(line: &str, fence: &str) -> bool {
    let sign = &fence[..1];
    line.trim().trim_start_matches(sign).is_empty()
}

fn heading(line: &str) -> Option<&str> {
    let words = line.trim_start_matches('#');
    let level = line.len() - words.len();
    if (1..=6).contains(&level) { words.strip_prefix(' ').map(str::trim) } else { None }
}

fn unquoted(line: &str) -> &str {
    let rest = line.trim_start();
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    rest.strip_prefix(' ').unwrap_or(rest)
}

fn run<'a, 'b>(lines: &'b [&'a str], belongs: impl Fn(&str) -> bool) -> &'b [&'a str] {
    &lines[..lines.iter().take_while(|line| belongs(line)).count()]
}
