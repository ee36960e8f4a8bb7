//! Which page gets the object: the host says so when it starts the process, and each page is held against
//! it when it is loaded.

/// What the host allows, as it said when the process was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// A word that only the host and this process know. What is sent to the host has it.
    pub(crate) token: String,
    /// The origin of the pages.
    origin: String,
    /// The path below which the pages are.
    path: String,
}

impl Allowed {
    /// Returns what is allowed; nothing where what was said is none.
    pub(crate) fn new(token: &str, origin: &str, path: &str) -> Option<Self> {
        let is_plain = !token.is_empty() && origin.contains("://") && path.starts_with('/');
        let path = path.trim_end_matches('/');
        let owned = || Self { token: token.into(), origin: origin.into(), path: path.into() };
        (is_plain && !path.is_empty()).then(owned)
    }

    /// Returns whether a page of this address and this origin, as its engine knows them, is one.
    pub(crate) fn is_of(&self, address: &str, origin: &str) -> bool {
        let rest = address
            .strip_prefix(self.origin.as_str())
            .and_then(|rest| rest.strip_prefix(self.path.as_str()));
        origin == self.origin
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "oriel://localhost";

    #[test]
    fn a_page_of_the_workbench_is_one_and_no_other_is() {
        for address in [
            "oriel://localhost/client/workbench",
            "oriel://localhost/client/workbench/",
            "oriel://localhost/client/workbench/x?y#z",
            "oriel://localhost/client/workbench?x",
            "oriel://localhost/client/workbench#x",
        ] {
            check(address, ORIGIN, true);
            check(address, "null", false);
            check(address, "oriel://elsewhere", false);
        }
        for address in [
            "",
            "about:blank",
            "oriel://localhost/",
            "oriel://localhost/client/workbenches/",
            "oriel://localhost/client/",
            "oriel://localhost.example/client/workbench/",
            "oriel://localhost:1/client/workbench/",
            "oriel://me@localhost/client/workbench/",
            "https://localhost/client/workbench/",
            "data:text/html,oriel://localhost/client/workbench/",
        ] {
            check(address, ORIGIN, false);
        }
    }

    #[test]
    fn what_the_host_said_is_all_there_or_nothing_is_allowed() {
        for (token, origin, path) in [
            ("", ORIGIN, "/client/workbench"),
            ("t", "", "/client/workbench"),
            ("t", "localhost", "/client/workbench"),
            ("t", ORIGIN, ""),
            ("t", ORIGIN, "/"),
            ("t", ORIGIN, "client"),
        ] {
            assert_eq!(Allowed::new(token, origin, path), None, "{token} {origin} {path}");
        }
    }

    fn check(address: &str, origin: &str, expected: bool) {
        let allowed = Allowed::new("t", ORIGIN, "/client/workbench/").unwrap();
        assert_eq!(allowed.is_of(address, origin), expected, "{address} of {origin}");
    }
}
