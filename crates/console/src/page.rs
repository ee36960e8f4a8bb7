//! What a handler answers with: a template and what it shows. It becomes HTML in `dress`, which knows
//! whether the whole page or a part of it was asked for.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::Value;

use crate::live::regions::Regions;

/// A page that is not HTML yet.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) template: &'static str,
    pub(crate) title: String,
    pub(crate) status: StatusCode,
    pub(crate) shows: Value,
    /// Where the page asks for what is new, if it shows more than its frame does.
    pub(crate) live: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What changed on a live page; then nothing else of the page is shown.
    pub(crate) regions: Option<Regions>,
}

impl Page {
    /// Makes a page of a template, without the `.html` of its name.
    pub(crate) fn new(template: &'static str, title: impl Into<String>, shows: Value) -> Self {
        Self {
            template,
            title: title.into(),
            status: StatusCode::OK,
            shows,
            live: None,
            headers: Vec::new(),
            regions: None,
        }
    }

    /// Gives it another status than 200.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Has it ask at this address for what is new: `/live/…?after=N`.
    pub(crate) fn live(mut self, url: impl Into<String>) -> Self {
        self.live = Some(url.into());
        self
    }

    /// Has it show what changed on a live page, and nothing else.
    pub(crate) fn regions(mut self, regions: Regions) -> Self {
        self.regions = Some(regions);
        self
    }

    /// Adds a header, for what HTMX understands.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

/// Returns a value as templates see it.
pub(crate) fn shown<T: serde::Serialize + ?Sized>(value: &T) -> Value {
    Value::from(minijinja::value::Serde(value))
}

/// A page on its way to `dress`. Extensions must be cloneable, and a page is taken once.
#[derive(Clone)]
pub(crate) struct Undressed(Arc<Mutex<Option<Page>>>);

impl Undressed {
    pub(crate) fn take(&self) -> Option<Page> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Undressed(Arc::new(Mutex::new(Some(self)))));
        response
    }
}
