//! A session as one file, for reading, printing or another program. It is written part by part while
//! it is sent, so however long a session is, only one part of it is in memory.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use minijinja::{Value, context};
use oriel_wire::SessionEntries;
use oriel_wire::json::to_vec;
use serde::Deserialize;

use super::entry::Entry;
use super::first_words;
use super::markdown;
use super::one::Head;
use crate::address::{Address, encode};
use crate::app::{App, Shared};
use crate::error::PageError;
use crate::page::shown;
use crate::{templates, words};

/// So many entries are held at once; the runtime sends fewer where they are large.
const ENTRIES: usize = 200;

/// Words are written whole: no text that is kept is longer.
const TEXT_BYTES: usize = 1 << 20;

/// The longest name of a file, without its ending.
const NAME_MAX: usize = 60;

/// The name of the JSON form.
const SCHEMA: &str = "oriel-session-export.v1";

/// Which form is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    form: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Markdown,
    Html,
    Json,
}

impl Form {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "md" => Self::Markdown,
            "html" => Self::Html,
            "json" => Self::Json,
            _ => return None,
        })
    }

    const fn ending_and_kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Markdown => ("md", "text/markdown; charset=utf-8"),
            Self::Html => ("html", "text/html; charset=utf-8"),
            Self::Json => ("json", "application/json"),
        }
    }
}

/// What stands at the beginning of a file.
struct File {
    app: Arc<App>,
    id: String,
    form: Form,
    name: Option<String>,
    head: Head,
    /// The last event of the file. What comes later belongs to another export.
    until: i64,
}

/// Where writing stands.
enum Step {
    Head,
    After(i64),
    Foot,
    Done,
}

/// Sends a session as a file.
pub(crate) async fn file(
    State(app): Shared,
    method: Method,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let form = Form::from_word(&asked.form).ok_or_else(|| {
        PageError::Bad(format!(
            "a session is exported as md, html or json, not as {:?}",
            asked.form
        ))
    })?;
    let until = app.newest_event().await?;
    let head = Head::read(&app, &id).await?;
    let name = match head.state.title.clone() {
        Some(title) => Some(title),
        None => first_words(&app, &id).await,
    };
    let (ending, kind) = form.ending_and_kind();
    let disposition = format!("attachment; filename=\"session-{}.{ending}\"", clean(&id));
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let file = Arc::new(File { app, id, form, name, head, until });
        Body::from_stream(try_unfold(Step::Head, move |step| Arc::clone(&file).write(step)))
    };
    let disposition = HeaderValue::from_str(&disposition)
        .map_err(|_| PageError::Fault("a clean name is no header".to_owned()))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

impl File {
    /// Writes the next part. Where the runtime fails in between, the transfer does too, so that nobody
    /// takes half of a session for all of it.
    async fn write(self: Arc<Self>, step: Step) -> std::io::Result<Option<(Bytes, Step)>> {
        let failed = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
        Ok(match step {
            Step::Head => {
                let text = self.head().map_err(|error| failed(&error))?;
                Some((text.into(), Step::After(0)))
            }
            Step::After(after) => {
                let address = Address::new(format!("/api/sessions/{}/entries", encode(&self.id)))
                    .with("after", Some(after))
                    .with("until", Some(self.until))
                    .with("limit", Some(ENTRIES))
                    .with("text_bytes", Some(TEXT_BYTES));
                let part: SessionEntries<'static> =
                    self.app.runtime.get(address.as_str()).await.map_err(|error| failed(&error))?;
                let text = self.part(&part, after == 0).map_err(|error| failed(&error))?;
                // A part that goes no further is the last one, whatever it says.
                let next = part.newer.filter(|newer| *newer > after || after == 0);
                Some((text.into(), next.map_or(Step::Foot, Step::After)))
            }
            Step::Foot => Some((self.foot().map_err(|error| failed(&error))?.into(), Step::Done)),
            Step::Done => None,
        })
    }

    fn head(&self) -> Result<String, minijinja::Error> {
        let Head { session, state, usage, span } = &self.head;
        match self.form {
            Form::Html => self.render("session/export_head", context! {}),
            Form::Markdown => Ok(markdown::head(
                self.name.as_deref(),
                &session.session,
                state,
                &usage.totals,
                span,
            )),
            Form::Json => {
                let json = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
                Ok(format!(
                    "{{\"schema\":\"{SCHEMA}\",\n\"session\":{},\n\"state\":{},\n\"usage\":{},\n\"entries\":[",
                    json(to_vec(&session.session)),
                    json(to_vec(state)),
                    json(to_vec(usage)),
                ))
            }
        }
    }

    fn part(&self, part: &SessionEntries<'_>, is_first: bool) -> Result<String, minijinja::Error> {
        let entries = || part.entries.iter().map(Entry::of);
        match self.form {
            Form::Html => {
                let entries: Vec<Entry> = entries().collect();
                self.render("session/export_entries", context! { entries => shown(&entries) })
            }
            Form::Markdown => Ok(entries().map(|entry| markdown::entry(&entry)).collect()),
            Form::Json => {
                let mut text = String::new();
                for (nth, entry) in part.entries.iter().enumerate() {
                    text.push_str(if is_first && nth == 0 { "\n" } else { ",\n" });
                    text.push_str(&String::from_utf8_lossy(&to_vec(entry)));
                }
                Ok(text)
            }
        }
    }

    fn foot(&self) -> Result<String, minijinja::Error> {
        match self.form {
            Form::Html => self.render("session/export_foot", context! {}),
            Form::Markdown => Ok(String::new()),
            Form::Json => Ok("\n]}\n".to_owned()),
        }
    }

    fn render(&self, template: &str, shows: Value) -> Result<String, minijinja::Error> {
        let clock = &self.app.config.clock;
        let head = context! {
            id => self.id.as_str(),
            name => self.name.as_deref(),
            now => clock.now().as_second(),
            ..self.head.shows()
        };
        let shows = minijinja::value::merge_maps([head, shows]);
        words::in_zone(clock.zone(), || templates::render(template, None, &shows))
    }
}

/// Returns a name that every file system takes and no header is broken by.
fn clean(id: &str) -> String {
    let keeps = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = id.chars().map(keeps).take(NAME_MAX).collect();
    if name.chars().all(|c| c == '_') { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_what_every_system_takes() {
        for (id, name) in [
            ("3f2a-11", "3f2a-11"),
            ("../../etc/passwd", "______etc_passwd"),
            ("a\"; filename=\"b.exe", "a___filename__b_exe"),
            ("\r\nSet-Cookie: x", "__Set-Cookie__x"),
            ("漢字", "unnamed"),
            ("", "unnamed"),
        ] {
            assert_eq!(clean(id), name, "{id:?}");
        }
        assert_eq!(clean(&"x".repeat(5000)).len(), NAME_MAX);
    }
}
