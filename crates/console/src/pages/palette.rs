//! Going to anything by its name: pages, sessions, and things to do. The dialog of every page asks here
//! as one types; without scripts it is a page with a form.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use minijinja::context;
use oriel_wire::{SessionTable, SessionTableRow};
use serde::Serialize;

use super::nav;
use crate::app::{App, Shared};
use crate::form::Form;
use crate::guard::Visitor;
use crate::page::{Page, shown};
use crate::words;

/// So many sessions are shown.
const SESSIONS_SHOWN_MAX: usize = 8;

/// Longer questions are cut; nothing has a name that long.
const QUESTION_CHARS_MAX: usize = 200;

/// What one can go to or do.
#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    /// What it is, in a word or two.
    note: String,
    does: Does,
}

/// What choosing it does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    /// It goes to an address.
    Goes(String),
    /// It sends a form with one field.
    Sends { path: &'static str, name: &'static str, value: &'static str },
}

/// Things to do: what they are called, other words for them, and what they do.
const GO: [(&str, &str, &str); 6] = [
    ("New agent session", "begin start talk chat gateway", "/agents#new"),
    ("Import histories now", "read history import", "/imports"),
    ("Write an opinion", "new opinion review sign", "/opinions/new"),
    ("Install hooks", "setup set up hooks agents", "/settings/hooks"),
    ("Folders that pages may use", "files grant revoke workspace", "/settings/folders"),
    ("What is this daemon?", "version about health uptime", "/status"),
];

/// The colours that may be asked for.
const COLOURS: [(&str, &str); 3] =
    [("Dark colours", "dark"), ("Light colours", "light"), ("Colours of the system", "auto")];

/// Shows what there is of a name.
pub(crate) async fn page(
    State(app): Shared,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Page {
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let q: String = query.get("q").unwrap_or_default().chars().take(QUESTION_CHARS_MAX).collect();
    let wanted = Wanted::of(&q);
    let mut choices = pages(&wanted);
    if !q.is_empty() {
        choices.extend(sessions(&app, &q).await);
    }
    choices.extend(things_to_do(&wanted, visitor.session.is_some()));
    if !q.is_empty() {
        choices.push(Choice {
            label: format!("Search everything for “{q}”"),
            note: "search".to_owned(),
            does: Does::Goes(format!("/search?q={}", words::query(&q))),
        });
    }
    Page::new("palette", "Go to anything", context! { q, choices => shown(&choices) })
}

/// The words that are looked for, in small letters. All have to be there.
struct Wanted(Vec<String>);

impl Wanted {
    fn of(q: &str) -> Self {
        Self(q.split_whitespace().map(str::to_lowercase).collect())
    }

    fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().all(|word| text.contains(word.as_str()))
    }
}

fn pages(wanted: &Wanted) -> Vec<Choice> {
    let pages = nav::GROUPS.iter().flat_map(|group| group.pages);
    let found = pages.filter(|page| wanted.is_in(page.label) || wanted.is_in(page.path));
    let choice = |page: &nav::Entry| Choice {
        label: page.label.to_owned(),
        note: "page".to_owned(),
        does: Does::Goes(page.path.to_owned()),
    };
    found.map(choice).collect()
}

fn things_to_do(wanted: &Wanted, may_act: bool) -> Vec<Choice> {
    let go = GO.iter().filter(|(label, words, _)| wanted.is_in(&format!("{label} {words}")));
    let mut choices: Vec<Choice> = go
        .map(|(label, _, path)| Choice {
            label: (*label).to_owned(),
            note: "do".to_owned(),
            does: Does::Goes((*path).to_owned()),
        })
        .collect();
    if may_act {
        let colours = COLOURS.iter().filter(|(label, _)| wanted.is_in(&format!("{label} theme")));
        choices.extend(colours.map(|(label, value)| Choice {
            label: (*label).to_owned(),
            note: "do".to_owned(),
            does: Does::Sends { path: "/theme", name: "theme", value },
        }));
    }
    choices
}

/// Returns the sessions of a name. While the runtime does not answer there are none to go to.
async fn sessions(app: &App, q: &str) -> Vec<Choice> {
    let path = format!("/api/sessions/table?limit={SESSIONS_SHOWN_MAX}&q={}", words::query(q));
    let Ok(table) = app.runtime.get::<SessionTable>(&path).await else { return Vec::new() };
    let choice = |session: SessionTableRow| Choice {
        label: session.title.or(session.project).unwrap_or_else(|| session.session_id.clone()),
        note: format!("{}, {}", words::agent(&session.agent_type), session.phase),
        does: Does::Goes(format!("/sessions/{}", words::segment(&session.session_id))),
    };
    table.rows.into_iter().map(choice).collect()
}
