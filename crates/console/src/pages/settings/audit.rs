//! The audit: who changed what, and what came of it, the newest first.

use axum::extract::{Query, State};
use minijinja::context;
use oriel_wire::audit::{AuditEntry, AuditPage};
use serde::Deserialize;

use crate::app::Shared;
use crate::error::PageError;
use crate::page::{Page, shown};

/// Which page of the audit is looked at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    /// The number before which its entries are.
    #[serde(default)]
    before: Option<u64>,
}

/// Shows a page of the audit.
pub(crate) async fn page(State(app): Shared, Query(ask): Query<Ask>) -> Result<Page, PageError> {
    let before = ask.before.map(|before| format!("&before={before}")).unwrap_or_default();
    let audit: AuditPage = app.runtime.get(&format!("/control/audit?limit=50{before}")).await?;
    let entries = audit.entries.iter().map(|entry| {
        context! { entry => shown(entry), standing => standing(entry) }
    });
    let shows = context! {
        tab => "audit",
        entries => entries.collect::<Vec<_>>(),
        next => audit.next,
        is_first => ask.before.is_none(),
    };
    Ok(Page::new("settings/audit", "Audit", shows))
}

/// Returns how an outcome is marked: of what the console did itself by its own word, else by the status.
fn standing(entry: &AuditEntry) -> &'static str {
    let outcome = entry.outcome.as_str();
    if !entry.refused && (outcome.starts_with("done") || outcome.starts_with(['2', '3'])) {
        "ok"
    } else if outcome.starts_with('5') {
        "bad"
    } else {
        "warn"
    }
}
