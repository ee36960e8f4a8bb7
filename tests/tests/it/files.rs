//! Files for the workbench's page, whole: the real desktop, its page's own process, and each way that a
//! message goes.

mod asked;
mod bounds;
mod ends;
mod guard;
mod ways;

/// Every way that a message goes, the quickest first.
const WAYS: [&str; 4] = ["extension", "command", "scheme", "text"];

/// Returns a number that whoever runs the tests may set, for a longer look.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how long they look")]
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
