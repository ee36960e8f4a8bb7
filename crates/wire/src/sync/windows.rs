//! Names that Windows cannot have. They are synced between systems that can; who runs on Windows
//! reports them and leaves them alone.

use std::fmt;

/// Why Windows cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameProblem {
    /// It stands for a device.
    Device,
    /// It has a character that no name has there.
    Character(char),
    /// It ends with a dot or a space, which fall away there.
    End,
}

impl fmt::Display for NameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device => f.write_str("it is the name of a device on Windows"),
            Self::Character(c) => write!(f, "no name has {c:?} on Windows"),
            Self::End => f.write_str("no name ends with a dot or a space on Windows"),
        }
    }
}

/// Returns why Windows cannot have this part of a path, if so.
#[must_use]
pub(super) fn problem(part: &str) -> Option<NameProblem> {
    let refused = |c: char| c.is_ascii_control() || r#"<>:"|?*\"#.contains(c);
    if let Some(c) = part.chars().find(|c| refused(*c)) {
        return Some(NameProblem::Character(c));
    }
    // `CON.txt` and `con .txt` are the device as well.
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ');
    if is_device(&stem.to_ascii_uppercase()) {
        return Some(NameProblem::Device);
    }
    part.ends_with(['.', ' ']).then_some(NameProblem::End)
}

fn is_device(stem: &str) -> bool {
    if matches!(stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    // The small figures above the line count as figures there.
    number.is_some_and(|number| {
        matches!(
            number,
            "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_cannot_have_is_told_and_nothing_else() {
        for device in ["con", "AUX.c", "nul .txt", "com1", "LPT9.log.gz", "COM²", "CONIN$"] {
            assert_eq!(problem(device), Some(NameProblem::Device), "{device}");
        }
        for (name, c) in
            [("12:30", ':'), ("a?b", '?'), ("x\ny", '\n'), ("a|b", '|'), ("\u{7f}", '\u{7f}')]
        {
            assert_eq!(problem(name), Some(NameProblem::Character(c)), "{name:?}");
        }
        for name in ["a.", "b ", "..."] {
            assert_eq!(problem(name), Some(NameProblem::End), "{name:?}");
        }
        for name in ["cone", "auxiliary", "a.con", "com10", "comx", ".git", "ä", " a"] {
            assert_eq!(problem(name), None, "{name:?}");
        }
    }
}
