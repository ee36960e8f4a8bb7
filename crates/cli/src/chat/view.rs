//! The screen, drawn from the model. On a narrow terminal the list and the conversation take turns.

mod list;
mod over;
mod talk;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Borders, Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::model::{Line as Link, Model};
use super::talk::Question;
use super::theme::{Look, Theme};
use super::words::{clean, clean_line, cut, wrap};
use crate::text;

/// A terminal that is narrower shows the list or the conversation.
const BOTH_FROM: u16 = 72;

/// The width of the list beside a conversation.
const LIST_WIDTH: u16 = 28;

/// The most lines that the input takes.
const INPUT_LINES_MAX: usize = 8;

/// The most lines that a question takes.
const QUESTION_LINES_MAX: usize = 10;

/// What the model has to know of what was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    /// The lines of the conversation that fit.
    pub(super) page: usize,
    /// How far it is scrolled, once it is not beyond the first line.
    pub(super) scroll: usize,
    /// Whether the first line there is was drawn.
    pub(super) is_at_top: bool,
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme) -> Drawn {
    let area = frame.area();
    let [banner, middle, status] = Layout::vertical([
        Constraint::Length(u16::from(model.line != Link::Up)),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_banner(frame, banner, model, theme);
    draw_status(frame, status, model, theme);
    let mut drawn = Drawn { page: model.page, scroll: model.scroll, is_at_top: false };
    if BOTH_FROM <= area.width {
        let [left, right] =
            Layout::horizontal([Constraint::Length(LIST_WIDTH), Constraint::Min(1)]).areas(middle);
        list::draw(frame, left, model, theme);
        drawn = draw_conversation(frame, right, model, theme);
    } else if model.shows_list {
        list::draw(frame, middle, model, theme);
    } else {
        drawn = draw_conversation(frame, middle, model, theme);
    }
    over::draw(frame, area, model, theme);
    drawn
}

fn draw_banner(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let text = match &model.line {
        Link::Up => return,
        Link::Down { at, .. } => {
            let seconds = at.saturating_sub(model.now).div_ceil(1000);
            format!(" connection lost, trying again in {seconds} s; what you type is kept")
        }
        Link::Dead { reason } => format!(" {}; leave with Ctrl+Q", clean_line(reason)),
    };
    let text = cut(&text, area.width.into());
    let style = theme.style(Look::Bar).patch(theme.style(Look::Bad));
    frame.render_widget(Paragraph::new(text).style(style), area);
}

fn draw_status(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let width = usize::from(area.width);
    if let Some(notice) = &model.notice {
        let text = cut(&format!(" {}", clean_line(notice)), width);
        frame.render_widget(Paragraph::new(text).style(theme.style(Look::Doubtful)), area);
        return;
    }
    let help = " ? help ";
    let mut said = String::from(" ");
    if let Some(session) = model.session() {
        let usage = &session.usage;
        let tokens = usage.input_tokens.saturating_add(usage.cache_read_tokens);
        let tokens = tokens.saturating_add(usage.cache_write_tokens);
        let count = |number: u64| text::count(i64::try_from(number).unwrap_or(i64::MAX));
        said.push_str(&clean_line(usage.model.as_deref().unwrap_or(&session.agent_type)));
        said.push_str(&format!(" · {} in, {} out", count(tokens), count(usage.output_tokens)));
        if let Some(cost) = usage.cost_usd {
            said.push_str(&format!(" · {}", text::dollars(cost)));
        }
        if let (Some(used), Some(limit @ 1..)) = (usage.context_tokens, usage.context_limit) {
            let percent = used.saturating_mul(100) / limit;
            said.push_str(&format!(" · context {percent} %"));
        }
    }
    let said = cut(&said, width.saturating_sub(help.len()));
    let gap = " ".repeat(width.saturating_sub(said.width() + help.len()));
    let line = Line::from(vec![Span::raw(said), Span::raw(gap), Span::raw(help)]);
    frame.render_widget(Paragraph::new(line).style(theme.style(Look::Faint)), area);
}

fn draw_conversation(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) -> Drawn {
    let width = usize::from(area.width);
    let question = model.talk.open_question().map(|it| question_lines(it, width, theme));
    let question = question.unwrap_or_default();
    let (lines, place) = model.draft().map(super::editor::Editor::shown).unwrap_or_default();
    let (lines, place) = input_lines(&lines, place, width.saturating_sub(3));
    let shown = lines.len().clamp(1, INPUT_LINES_MAX);
    let length = |lines: usize| Constraint::Length(u16::try_from(lines).unwrap_or(u16::MAX));
    let [title, body, asked, input] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        length(question.len()),
        length(shown + 2),
    ])
    .areas(area);
    draw_title(frame, title, model, theme);
    frame.render_widget(Paragraph::new(question), asked);
    draw_input(frame, input, model, theme, (&lines, place));
    talk::draw(frame, body, model, theme)
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let Some(session) = model.session() else { return };
    let name = clean_line(&session.name);
    let place = format!("  {} in {}", session.agent_type, session.workspace);
    let width = usize::from(area.width);
    let name = cut(&name, width);
    let place = cut(&clean_line(&place), width.saturating_sub(name.width()));
    let line = Line::from(vec![
        Span::styled(name, theme.style(Look::Strong)),
        Span::styled(place, theme.style(Look::Faint)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn question_lines(question: &Question, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mark = if question.is_permission { "? may it: " } else { "? " };
    let mut lines = Vec::new();
    for (nth, line) in clean(&question.prompt).split('\n').enumerate() {
        let mark = if nth == 0 { mark } else { "  " };
        let spans = [Span::raw(mark), Span::raw(line.to_owned())];
        lines.extend(wrap(&spans, width, "  "));
    }
    let keys = 1 + question.options.len();
    if QUESTION_LINES_MAX < lines.len() + keys {
        lines.truncate(QUESTION_LINES_MAX.saturating_sub(keys).max(1));
    }
    for line in &mut lines {
        *line = std::mem::take(line).style(theme.style(Look::Doubtful));
    }
    for (index, option) in question.options.iter().enumerate().take(QUESTION_LINES_MAX) {
        let label = cut(&format!("  {} {}", index + 1, clean_line(&option.label)), width);
        lines.push(Line::raw(label));
    }
    let hint = match (question.is_permission, question.options.is_empty()) {
        (true, _) => "  a allow once · s always · d deny",
        (false, false) => "  press a number",
        (false, true) => "  type the answer, Enter sends it",
    };
    lines.push(Line::styled(cut(hint, width), theme.style(Look::Faint)));
    lines
}

/// Breaks what is typed into lines that fit, and returns the place in them.
fn input_lines(
    lines: &[String],
    (row, column): (usize, usize),
    width: usize,
) -> (Vec<String>, (usize, usize)) {
    let width = width.max(2);
    let mut shown = Vec::new();
    let mut place = (0, 0);
    for (nth, line) in lines.iter().enumerate() {
        let first = shown.len();
        let broken = chop(line, width);
        if nth == row {
            let mut left = column;
            let mut at = 0;
            while let Some(piece) = broken.get(at) {
                if left < piece.width() || at + 1 == broken.len() {
                    break;
                }
                left -= piece.width();
                at += 1;
            }
            place = (first + at, left);
        }
        shown.extend(broken);
    }
    if place.1 >= width {
        // The place after a full line is the start of the next.
        shown.insert(place.0 + 1, String::new());
        place = (place.0 + 1, 0);
    }
    (shown, place)
}

/// Breaks a line wherever it is full, so that a place in it is easily found.
fn chop(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for grapheme in Span::raw(line).styled_graphemes(ratatui::style::Style::default()) {
        let more = grapheme.symbol.width();
        if width < used + more {
            pieces.push(String::new());
            used = 0;
        }
        used += more;
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(grapheme.symbol);
        }
    }
    pieces
}

fn draw_input(
    frame: &mut Frame<'_>,
    area: Rect,
    model: &Model,
    theme: Theme,
    (lines, (row, column)): (&[String], (usize, usize)),
) {
    let hint = match (model.session().is_some(), model.talk.has_turn) {
        (false, _) => " Ctrl+N begins a session ",
        (true, true) => " Enter adds to the running turn · Esc stops it ",
        (true, false) => " Enter sends · Alt+Enter new line ",
    };
    let hint = cut(hint, usize::from(area.width).saturating_sub(4));
    let block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .border_type(BorderType::Plain)
        .border_style(theme.style(Look::Faint))
        .title_bottom(Line::styled(hint, theme.style(Look::Faint)));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height).max(1);
    let first = (row + 1).saturating_sub(height);
    let shown: Vec<Line<'_>> = lines
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(nth, line)| Line::raw(format!("{} {line}", if nth == 0 { '>' } else { ' ' })))
        .collect();
    let shown = if shown.is_empty() { vec![Line::raw("> ")] } else { shown };
    frame.render_widget(Paragraph::new(shown), inner);
    if model.overlay.is_none() && 0 < inner.height {
        let x = inner.x.saturating_add(u16::try_from(column + 2).unwrap_or(u16::MAX));
        let y = inner.y + u16::try_from(row - first).unwrap_or_default();
        frame.set_cursor_position(Position::new(x.min(inner.right().saturating_sub(1)), y));
    }
}
