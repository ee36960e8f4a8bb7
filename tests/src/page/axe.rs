//! What axe-core has to say of a page: whether everyone can use it.

use std::path::PathBuf;

use serde_json::Value;

use super::Page;

/// Names the file of axe-core; `cargo xtask test` fetches it and sets this.
const VARIABLE: &str = "ORIEL_TEST_AXE";

/// Asks for rules of WCAG 2.2 AA and of good practice.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then((found) => \
    found.violations.map((one) => ({ id: one.id, impact: one.impact, help: one.help, \
    nodes: one.nodes.map((node) => node.html.slice(0, 300) + ' — ' + node.failureSummary) })))";

impl Page {
    /// Returns what is seriously or critically wrong with the page as it stands, one text each.
    ///
    /// # Panics
    /// Where axe-core is not there.
    #[must_use]
    pub fn barriers(&self) -> Vec<String> {
        if self.eval("typeof axe === 'undefined'") == true {
            let source = std::fs::read_to_string(path()).expect("the file of axe-core is text");
            self.eval(&format!("(() => {{ {source};\n return 0; }})()"));
        }
        let found = self.eval(RUN);
        let serious = |one: &&Value| matches!(one["impact"].as_str(), Some("serious" | "critical"));
        found
            .as_array()
            .into_iter()
            .flatten()
            .filter(serious)
            .map(|one| format!("{one:#}"))
            .collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the tests are told where it is")]
fn path() -> PathBuf {
    let told = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let path = told.map(PathBuf::from).unwrap_or_default();
    assert!(
        path.is_file(),
        "there is no axe-core; run `cargo xtask test`, which fetches it and sets {VARIABLE}"
    );
    path
}
