//! How things look. Without color they are told apart by weight alone, and by the signs that stand there
//! anyway.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    has_color: bool,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Strong,
    Faint,
    Person,
    Good,
    Doubtful,
    Bad,
    Code,
    /// What is chosen, or what stands across the screen.
    Bar,
}

impl Theme {
    pub(super) fn new(has_color: bool) -> Self {
        Self { has_color }
    }

    pub(super) fn style(self, look: Look) -> Style {
        let plain = Style::default();
        let (color, modifier) = match look {
            Look::Plain => return plain,
            Look::Strong => return plain.add_modifier(Modifier::BOLD),
            Look::Faint => return plain.add_modifier(Modifier::DIM),
            Look::Bar => return plain.add_modifier(Modifier::REVERSED),
            Look::Person => (Color::Cyan, Modifier::BOLD),
            Look::Good => (Color::Green, Modifier::empty()),
            Look::Doubtful => (Color::Yellow, Modifier::BOLD),
            Look::Bad => (Color::Red, Modifier::BOLD),
            Look::Code => (Color::Magenta, Modifier::empty()),
        };
        let style = plain.add_modifier(modifier);
        if self.has_color { style.fg(color) } else { style }
    }
}
