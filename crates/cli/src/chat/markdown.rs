//! The little of Markdown that makes an agent's words easier to read: headings, lists, code, emphasis.
//! Everything else stays as it is written, and nothing that was written is left out but the signs.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::{Look, Theme};
use super::words::wrap;

/// Returns clean text as lines of at most this width.
pub(super) fn lines(text: &str, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut in_code = false;
    for line in text.split('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            in_code = !in_code;
            let language = trimmed.trim_matches('`');
            if in_code && !language.is_empty() {
                lines.push(Line::styled(format!("  {language}"), theme.style(Look::Faint)));
            }
        } else if in_code {
            let code = Span::styled(format!("  {line}"), theme.style(Look::Code));
            lines.extend(wrap(&[code], width, "  "));
        } else {
            lines.extend(text_line(line, trimmed, width, theme));
        }
    }
    lines
}

fn text_line(line: &str, trimmed: &str, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let heading = trimmed.trim_start_matches('#');
    let marks = trimmed.len() - heading.len();
    if (1..=6).contains(&marks) && heading.starts_with(' ') {
        let heading = heading.trim().to_owned();
        return wrap(&[Span::styled(heading, theme.style(Look::Strong))], width, "");
    }
    let lead = line.len() - trimmed.len();
    let bullet = ["- ", "* ", "+ "].iter().find_map(|mark| trimmed.strip_prefix(mark));
    if let Some(rest) = bullet {
        let mut spans = vec![Span::raw(format!("{}• ", " ".repeat(lead)))];
        spans.extend(inline(rest, theme));
        return wrap(&spans, width, &" ".repeat(lead + 2));
    }
    if let Some(rest) = trimmed.strip_prefix("> ") {
        let mut spans = vec![Span::styled("│ ", theme.style(Look::Faint))];
        spans.extend(inline(rest, theme));
        return wrap(&spans, width, "│ ");
    }
    let digits = trimmed.chars().take_while(char::is_ascii_digit).count();
    let is_numbered = (1..4).contains(&digits) && trimmed[digits..].starts_with(". ");
    let indent = if is_numbered { lead + digits + 2 } else { lead };
    wrap(&inline(line, theme), width, &" ".repeat(indent))
}

/// Reads `code` and **strong** words. A sign without its partner is a sign.
fn inline(text: &str, theme: Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let (mark, look) =
            if from.starts_with('`') { ("`", Look::Code) } else { ("**", Look::Strong) };
        let inner = from.strip_prefix(mark).and_then(|inner| inner.split_once(mark));
        match inner {
            Some((inner, after)) if !inner.trim().is_empty() => {
                push(&mut spans, &mut plain, Style::default());
                spans.push(Span::styled(inner.to_owned(), theme.style(look)));
                rest = after;
            }
            _ => {
                plain.push_str(&from[..1]);
                rest = &from[1..];
            }
        }
    }
    plain.push_str(rest);
    push(&mut spans, &mut plain, Style::default());
    spans
}

fn push(spans: &mut Vec<Span<'static>>, text: &mut String, style: Style) {
    if !text.is_empty() {
        spans.push(Span::styled(std::mem::take(text), style));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_laid_out_within_its_width(text in "[#`*> 0-9.a-z你\n-]{0,120}", width in 2..40_usize) {
            for line in lines(&text, width, Theme::new(true)) {
                prop_assert!(line.width() <= width + 2, "{:?}", line);
            }
        }
    }

    #[test]
    fn signs_become_shapes_and_words_stay() {
        check("# Title", &["Title"]);
        check("#no title", &["#no title"]);
        check("- one\n  * two", &["• one", "  • two"]);
        check("use `x*y` and **this**, 2 * 3", &["use x*y and this, 2 * 3"]);
        check("an open ` sign and a ** too", &["an open ` sign and a ** too"]);
        check("```rust\nfn x() {}\n```\nafter", &["  rust", "  fn x() {}", "after"]);
        check("- a long item that is broken", &["• a long item that ", "  is broken"]);
        check("> said", &["│ said"]);

        fn check(text: &str, expected: &[&str]) {
            let lines =
                lines(text, if text.contains("long item") { 20 } else { 40 }, Theme::new(false));
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            assert_eq!(lines, expected, "{text}");
        }
    }
}
