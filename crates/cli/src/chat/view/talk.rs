//! The conversation. It is laid out from its end on, and no further than is seen.

use oriel_wire::gateway::{FileChange, FileDiff};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use similar::{ChangeTag, TextDiff};

use super::Drawn;
use crate::chat::markdown;
use crate::chat::model::{Model, Opening};
use crate::chat::talk::{Item, Step, Tool};
use crate::chat::theme::{Look, Theme};
use crate::chat::words::{clean, clean_line, cut, wrap};

/// How many lines of a tool's input, output and changes are shown while they are folded.
const FOLDED_LINES: usize = 6;

/// How many are shown when they are not.
const OPEN_LINES_MAX: usize = 400;

/// Longer texts are not compared line by line.
const DIFF_BYTES_MAX: usize = 256 * 1024;

/// How one item is laid out.
struct Page {
    width: usize,
    theme: Theme,
    thinking: bool,
    details: bool,
}

/// Draws the conversation.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) -> Drawn {
    let page = Page {
        width: usize::from(area.width).saturating_sub(1).max(4),
        theme,
        thinking: model.shows_thinking,
        details: model.shows_details,
    };
    let height = usize::from(area.height);
    let wanted = model.scroll.saturating_add(height);
    // From the last line to the first that is seen.
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut is_whole = true;
    for item in model.talk.items.iter().rev() {
        if wanted <= lines.len() {
            is_whole = false;
            break;
        }
        lines.extend(page.item(item).into_iter().rev());
        lines.push(Line::raw(""));
    }
    if is_whole {
        lines.extend(page.top(model));
    }
    let scroll = model.scroll.min(lines.len().saturating_sub(height));
    let is_at_top = is_whole && lines.len() <= scroll + height;
    let mut shown: Vec<Line<'static>> = lines.into_iter().skip(scroll).take(height).collect();
    shown.reverse();
    if 0 < scroll
        && let Some(last) = shown.last_mut()
    {
        *last = Line::styled("↓ more below, Ctrl+End", theme.style(Look::Faint));
    }
    frame.render_widget(Paragraph::new(shown), area);
    Drawn { page: height.saturating_sub(1).max(1), scroll, is_at_top }
}

impl Page {
    /// Returns what stands before the first item.
    fn top(&self, model: &Model) -> Option<Line<'static>> {
        let text = match (&model.opening, &model.selected) {
            (_, None) if model.has_listed => "no session is open; Ctrl+N makes one",
            (Opening::Due { .. } | Opening::Joining { .. } | Opening::Reading { .. }, _) => {
                "reading the session"
            }
            (Opening::Failed, _) => "the session could not be opened",
            _ if model.talk.older.is_some() => "there is more before",
            (Opening::Open, _) if model.talk.items.is_empty() => "nothing was said yet",
            _ => return None,
        };
        Some(Line::styled(cut(text, self.width), self.theme.style(Look::Faint)))
    }

    fn item(&self, item: &Item) -> Vec<Line<'static>> {
        match item {
            Item::User { text } => self.user(text),
            Item::Agent { text, .. } => {
                markdown::lines(clean(text).trim_end(), self.width, self.theme)
            }
            Item::Thinking { text, is_open } => self.thinking(text, *is_open),
            Item::Tool(tool) => self.tool(tool),
            Item::Terminal { output, end, .. } => self.terminal(output, *end),
            Item::Plan(entries) => {
                let lines = entries.iter().flat_map(|entry| {
                    let (sign, look) = match entry.status.as_str() {
                        "completed" => ("[x] ", Look::Faint),
                        "in_progress" => ("[>] ", Look::Strong),
                        _ => ("[ ] ", Look::Plain),
                    };
                    self.lines(sign, &clean_line(&entry.text), look)
                });
                lines.collect()
            }
            Item::Question(question) => {
                let outcome = question.outcome.as_deref().map(clean_line);
                let outcome = outcome.unwrap_or_else(|| "waits for you".to_owned());
                let asked = clean_line(&question.prompt);
                let mut lines = self.lines("? ", &asked, Look::Doubtful);
                lines.extend(self.lines("  → ", &outcome, Look::Faint));
                lines
            }
            Item::File { path, kind } => {
                let word = match kind {
                    FileChange::Created => "created",
                    FileChange::Modified => "changed",
                    FileChange::Deleted => "deleted",
                };
                self.lines("≡ ", &format!("{} {word}", clean_line(path)), Look::Faint)
            }
            Item::Error(message) => self.lines("! ", &clean(message), Look::Bad),
        }
    }

    fn user(&self, text: &str) -> Vec<Line<'static>> {
        self.lines("❯ ", clean(text).trim_end(), Look::Person)
    }

    fn thinking(&self, text: &str, is_open: bool) -> Vec<Line<'static>> {
        let text = clean(text);
        if self.thinking {
            return self.lines("~ ", text.trim_end(), Look::Faint);
        }
        // While it goes on, its last line shows that it does.
        let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
        let said =
            if is_open { format!("thinking … {last}") } else { "thought (Ctrl+T)".to_owned() };
        vec![Line::styled(cut(&format!("~ {said}"), self.width), self.theme.style(Look::Faint))]
    }

    fn tool(&self, tool: &Tool) -> Vec<Line<'static>> {
        let (sign, look) = match tool.step {
            Step::Runs => ("◌ ", Look::Doubtful),
            Step::Done => ("✓ ", Look::Good),
            Step::Failed => ("✗ ", Look::Bad),
        };
        let title = match &tool.title {
            Some(title) if *title != tool.name => format!("{} {title}", tool.name),
            _ => tool.name.clone(),
        };
        let line = vec![
            Span::styled(sign, self.theme.style(look)),
            Span::styled(cut(&clean_line(&title), self.width - 2), self.theme.style(Look::Strong)),
        ];
        let mut lines = vec![Line::from(line)];
        if let Some(input) = &tool.input {
            lines.extend(self.folded(&clean(input), Look::Faint));
        }
        for diff in &tool.diff {
            lines.extend(self.diff(diff));
        }
        if !tool.output.trim().is_empty() {
            lines.extend(self.folded(&clean(&tool.output), Look::Plain));
        }
        lines
    }

    fn terminal(&self, output: &str, end: Option<Option<i32>>) -> Vec<Line<'static>> {
        let (said, look) = match end {
            None => ("$ runs".to_owned(), Look::Doubtful),
            Some(Some(0)) => ("$ done".to_owned(), Look::Good),
            Some(Some(code)) => (format!("$ ended with {code}"), Look::Bad),
            Some(None) => ("$ was stopped".to_owned(), Look::Bad),
        };
        let mut lines = vec![Line::styled(said, self.theme.style(look))];
        lines.extend(self.folded(&clean(output), Look::Plain));
        lines
    }

    fn diff(&self, diff: &FileDiff) -> Vec<Line<'static>> {
        let old = diff.old.as_deref().unwrap_or_default();
        let head = if diff.old.is_none() { "new file " } else { "" };
        let head = format!("  {head}{}", clean_line(&diff.path));
        let mut lines = vec![Line::styled(cut(&head, self.width), self.theme.style(Look::Strong))];
        if DIFF_BYTES_MAX < old.len() + diff.new.len() {
            let said = "  it is too long to be compared here";
            lines.push(Line::styled(cut(said, self.width), self.theme.style(Look::Faint)));
            return lines;
        }
        let (old, new) = (clean(old), clean(&diff.new));
        let compared = TextDiff::from_lines(&old, &new);
        let mut changed = Vec::new();
        for group in compared.grouped_ops(2) {
            if !changed.is_empty() {
                changed.push(("  ⋮ ", String::new(), Look::Faint));
            }
            for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
                let (sign, look) = match change.tag() {
                    ChangeTag::Delete => ("  - ", Look::Bad),
                    ChangeTag::Insert => ("  + ", Look::Good),
                    ChangeTag::Equal => ("    ", Look::Faint),
                };
                changed.push((sign, change.value().trim_end_matches('\n').to_owned(), look));
            }
        }
        let (max, count) = (self.lines_max(), changed.len());
        for (sign, text, look) in changed.into_iter().take(max) {
            let line = cut(&format!("{sign}{text}"), self.width);
            lines.push(Line::styled(line, self.theme.style(look)));
        }
        lines.extend(self.more(count.saturating_sub(max)));
        lines
    }

    /// Returns the end of some text, and how much is before it.
    fn folded(&self, text: &str, look: Look) -> Vec<Line<'static>> {
        let all: Vec<&str> = text.trim_end().split('\n').collect();
        let (max, count) = (self.lines_max(), all.len());
        let hidden = count.saturating_sub(max);
        let style = self.theme.style(look);
        let mut lines: Vec<Line<'static>> = self.more(hidden).into_iter().collect();
        for line in &all[hidden..] {
            if self.details {
                lines.extend(wrap(&[Span::styled(format!("  {line}"), style)], self.width, "  "));
            } else {
                lines.push(Line::styled(cut(&format!("  {line}"), self.width), style));
            }
        }
        lines
    }

    fn lines_max(&self) -> usize {
        if self.details { OPEN_LINES_MAX } else { FOLDED_LINES }
    }

    fn more(&self, hidden: usize) -> Option<Line<'static>> {
        let how = if self.details { "" } else { " (Ctrl+O)" };
        let word = if hidden == 1 { "line" } else { "lines" };
        let said = cut(&format!("  ⋮ {hidden} more {word}{how}"), self.width);
        (0 < hidden).then(|| Line::styled(said, self.theme.style(Look::Faint)))
    }

    /// Returns text with a sign before it.
    fn lines(&self, sign: &'static str, text: &str, look: Look) -> Vec<Line<'static>> {
        let style = self.theme.style(look);
        let indent = " ".repeat(Span::raw(sign).width());
        let mut lines = Vec::new();
        for (nth, line) in text.split('\n').enumerate() {
            let lead = if nth == 0 { sign.to_owned() } else { indent.clone() };
            let spans = [Span::styled(lead, style), Span::styled(line.to_owned(), style)];
            lines.extend(wrap(&spans, self.width, &indent));
        }
        lines
    }
}
