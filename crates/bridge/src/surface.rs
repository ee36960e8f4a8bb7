//! The surfaces that there are. What is not in this list is answered nothing.

use std::fmt;

/// A page in a window, by what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// The operator's pages, which a service renders.
    Console,
    /// Scripts and files: pages that the host has in itself, and that may use what a person granted.
    Workbench,
    /// The host's own pages, which work when every service is away.
    Diagnostics,
    /// A page of the web, hostile by default. It is another program and reaches no service.
    Preview,
}

impl Surface {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Console, Self::Workbench, Self::Diagnostics, Self::Preview];

    /// Returns the surface of a window's label. There is none for a label that is not ours.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|surface| surface.label() == label)
    }

    /// The label of its window.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Workbench => "workbench",
            Self::Diagnostics => "diagnostics",
            Self::Preview => "preview",
        }
    }

    /// Returns whether it shows pages that we made, and so has the app origin.
    #[must_use]
    pub const fn is_trusted(self) -> bool {
        match self {
            Self::Console | Self::Workbench | Self::Diagnostics => true,
            Self::Preview => false,
        }
    }

    /// Returns whether a service renders its pages.
    #[must_use]
    pub const fn has_service(self) -> bool {
        match self {
            Self::Console => true,
            Self::Workbench | Self::Diagnostics | Self::Preview => false,
        }
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_surface_exactly_or_none() {
        for surface in Surface::ALL {
            assert_eq!(Surface::from_label(surface.label()), Some(surface));
        }
        // `client` is a surface only once there are pages for it.
        for label in ["", "Console", "console ", "console-2", "main", "client", "workbench-2"] {
            assert_eq!(Surface::from_label(label), None, "{label:?}");
        }
    }

    #[test]
    fn what_is_of_the_web_has_neither_our_origin_nor_a_service() {
        assert!(!Surface::Preview.is_trusted() && !Surface::Preview.has_service());
        assert!(Surface::Diagnostics.is_trusted() && !Surface::Diagnostics.has_service());
        assert!(Surface::Workbench.is_trusted() && !Surface::Workbench.has_service());
    }
}
