//! The sessions: who waits for a person stands first.

use oriel_wire::gateway::{SessionMeta, SessionState};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use crate::chat::model::Model;
use crate::chat::theme::{Look, Theme};
use crate::chat::words::{clean_line, cut};

/// Draws the list.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let block = Block::new().borders(Borders::RIGHT).border_style(theme.style(Look::Faint));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let listed = model.listed();
    if listed.is_empty() {
        let text = if model.has_listed { " no session yet" } else { " asking for sessions" };
        let text = cut(text, inner.width.into());
        frame.render_widget(Paragraph::new(text).style(theme.style(Look::Faint)), inner);
        return;
    }
    let height = usize::from(inner.height);
    let at = listed.iter().position(|it| Some(&it.id) == model.selected.as_ref()).unwrap_or(0);
    let first = (at + 1).saturating_sub(height);
    let lines: Vec<Line<'_>> = listed
        .iter()
        .skip(first)
        .take(height)
        .map(|session| row(session, model, usize::from(inner.width), theme))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn row(session: &SessionMeta, model: &Model, width: usize, theme: Theme) -> Line<'static> {
    let is_selected = Some(&session.id) == model.selected.as_ref();
    let (sign, word, look) = sign(session);
    let name_width = width.saturating_sub(word.width() + 4);
    let name = cut(&clean_line(&session.name), name_width);
    let gap = " ".repeat(name_width.saturating_sub(name.width()));
    let has_draft = model.has_draft(&session.id);
    let line = Line::from(vec![
        Span::styled(format!(" {sign} "), theme.style(look)),
        Span::raw(name),
        Span::raw(gap),
        Span::raw(if has_draft { "✎" } else { " " }),
        Span::styled(word, theme.style(if is_selected { Look::Plain } else { look })),
    ]);
    if is_selected { line.style(theme.style(Look::Bar)) } else { line }
}

/// Returns how a session stands, as a sign, a word and a look.
fn sign(session: &SessionMeta) -> (char, &'static str, Look) {
    match session.state {
        _ if session.archived => ('-', "put away", Look::Faint),
        SessionState::Waiting => ('?', "waits", Look::Doubtful),
        _ if 0 < session.pending => ('?', "waits", Look::Doubtful),
        SessionState::Error => ('!', "problem", Look::Bad),
        SessionState::Running => ('●', "works", Look::Good),
        SessionState::Activating => ('●', "starts", Look::Good),
        SessionState::Deactivating => ('○', "stops", Look::Faint),
        SessionState::Ready => ('○', "ready", Look::Plain),
        SessionState::Inactive => ('·', "", Look::Faint),
    }
}
