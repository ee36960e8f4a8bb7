//! The pages that the frame links to, in their groups.

use serde::Serialize;

/// Pages that belong together.
#[derive(Debug, Serialize)]
pub(crate) struct Group {
    label: &'static str,
    pub(crate) pages: &'static [Entry],
}

/// A page that the frame links to.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
    /// The letter that goes there, after `g`.
    pub(crate) key: &'static str,
    /// The path of its picture, in a square of 16.
    icon: &'static str,
}

const fn entry(
    path: &'static str,
    label: &'static str,
    key: &'static str,
    icon: &'static str,
) -> Entry {
    Entry { path, label, key, icon }
}

/// Every page that the frame links to.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        label: "",
        pages: &[
            entry("/", "Live", "l", "M1.5 8h3l2-5 3 10 2-5h3"),
            entry("/inbox", "Inbox", "i", "M2 9l2-6h8l2 6v4H2zM2 9h4l1 2h2l1-2h4"),
            entry("/sessions", "Sessions", "s", "M2 3h12M2 8h12M2 13h8"),
            entry("/agents", "Agents", "a", "M3 3h10v8H3zM6 14h4M8 11v3M6 6v2M10 6v2M8 1v2"),
            entry("/sync", "Sync", "y", "M3 6h9M9 3l3 3-3 3M13 11H4M7 8l-3 3 3 3"),
            entry("/search", "Search", "f", "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3"),
        ],
    },
    Group {
        label: "Understand",
        pages: &[
            entry("/costs", "Costs", "c", "M2 14V9M6 14V5M10 14V7M14 14V2"),
            entry(
                "/tools",
                "Tools",
                "t",
                "M10 2a4 4 0 0 0-3 6l-5 5 1 1 5-5a4 4 0 0 0 6-3l-2 1-2-2 1-2z",
            ),
            entry("/opinions", "Opinions", "o", "M2 3h12v8H8l-4 3v-3H2z"),
        ],
    },
    Group {
        label: "Manage",
        pages: &[
            entry("/imports", "Imports", "m", "M8 2v8M5 7l3 3 3-3M2 13h12"),
            entry(
                "/modules",
                "Modules",
                "d",
                "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM11.500 9v5M9 11.500h5",
            ),
            entry(
                "/readiness",
                "Readiness",
                "r",
                "M8 1.500l6 2.500v4c0 3.500-2.500 5.500-6 6.500-3.500-1-6-3-6-6.500V4zM5.500 8l2 2 3-4",
            ),
            entry(
                "/settings",
                "Settings",
                "e",
                "M2 4h7M13 4h1M2 8h1M7 8h7M2 12h7M13 12h1M11 4m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 8m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M11 12m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
            ),
            entry("/status", "Status", "u", "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v4l2 1"),
        ],
    },
];
