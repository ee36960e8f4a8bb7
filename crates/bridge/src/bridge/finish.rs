//! What becomes of the service's answer before a page gets it.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::exchange::{End, Exchanged, says_nothing};
use super::{Asker, Bridge, State};
use crate::body::{BodyError, Bounded, Bounds, Gathered};
use crate::headers::{self, ANSWERED_AT};
use crate::host::{Download, Saved};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::origin::Place;
use crate::policy::{How, Verdict, decide};
use crate::redirect::{self, Served};
use crate::refused::Refused;
use crate::trace::{Event, Trace};
use crate::{download, pages};

/// An answer from a place, and what it takes to pass it on.
struct Answer<'a> {
    response: Response<Body>,
    from: Place,
    hops: u32,
    served: Served<'a>,
    permit: OwnedSemaphorePermit,
}

impl Bridge {
    pub(super) async fn finish(
        &self,
        asker: &Asker,
        state: &State,
        asked: &HeaderMap,
        exchanged: Exchanged,
        permit: OwnedSemaphorePermit,
    ) -> Result<Response<Body>, Refused> {
        let served = Served { authority: &exchanged.authority, origin: asker.rules.origin };
        let (response, from, hops) = match exchanged.end {
            End::GoOn(to) => return Ok(pages::go(&to)),
            End::Away { url, how } => return self.lead_away(asker, state, &url, how),
            End::Answer { response, from, hops } => (response, from, hops),
        };
        if asker.kind == Kind::Document {
            state.is_shown();
            if says_nothing(response.status()) {
                return Ok(pages::back(asker.back()));
            }
        }
        let answer = Answer { response, from, hops, served, permit };
        if let Some(name) = attached(asker, &answer) {
            return self.save(asker, name, answer).await;
        }
        self.pass(asker, state, asked, answer).await
    }

    /// Passes an answer on.
    async fn pass(
        &self,
        asker: &Asker,
        state: &State,
        asked: &HeaderMap,
        answer: Answer<'_>,
    ) -> Result<Response<Body>, Refused> {
        let Answer { response, from, hops, served, permit } = answer;
        let (mut head, body) = response.into_parts();
        if is_stream(&head.headers) {
            return Err(Refused::StreamAnswer);
        }
        let told = self.broken_off(asker);
        let body = self.within_bounds(&head.headers, body)?.holding(permit);
        let mut own = headers::answered(&head.headers, served.authority, served.origin)
            .map_err(Refused::Answered)?;
        let page = asker.page.as_ref().unwrap_or(&from);
        if let Some(away) = redirect::keep_own(&mut own, page, &from, served)
            && asker.kind == Kind::Htmx
        {
            let how = if away.header == "hx-location" { How::HxLocation } else { How::HxRedirect };
            return self.lead_away(asker, state, &away.url, how);
        }
        if 0 < hops {
            if let Some((name, value)) = redirect::history(asked, &own, &from, served) {
                own.insert(name, value);
            }
            if let Ok(value) = HeaderValue::from_str(from.as_str()) {
                own.insert(ANSWERED_AT, value);
            }
        }
        head.headers = own;
        // What one part of the service tells another.
        head.extensions.clear();
        let body = if is_html(&head.headers) {
            match body.gather(self.limits.gather_bytes_max).await? {
                Gathered::Whole(bytes) => Body::from(bytes),
                Gathered::Part(body) => body.failing(told).into_body(),
            }
        } else {
            body.failing(told).into_body()
        };
        Ok(Response::from_parts(head, body))
    }

    /// Has the host save an answer, and returns what says so.
    async fn save(
        &self,
        asker: &Asker,
        name: String,
        answer: Answer<'_>,
    ) -> Result<Response<Body>, Refused> {
        let (head, body) = answer.response.into_parts();
        let length = body.size_hint().exact().or_else(|| length(&head.headers));
        let body = self.within_bounds(&head.headers, body)?.holding(answer.permit).for_ever();
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let download = Download { name, content_type, length, body: body.into_body() };
        Ok(match self.host.save(asker.surface, download).await? {
            Saved::As(name) => pages::saved(asker.kind, &name, asker.back()),
            Saved::Dismissed if asker.kind == Kind::Htmx => pages::nothing(None),
            Saved::Dismissed => pages::back(asker.back()),
        })
    }

    /// Opens an address elsewhere, if it may be opened. The page stays.
    fn lead_away(
        &self,
        asker: &Asker,
        state: &State,
        url: &str,
        how: How,
    ) -> Result<Response<Body>, Refused> {
        state.is_shown();
        let verdict = decide(asker.surface, url, how, &asker.rules);
        match verdict {
            Verdict::Deny(why) => return Err(Refused::Away(why)),
            // What is within the app or the console's own address was followed already.
            Verdict::Allow => return Err(Refused::Nowhere),
            Verdict::Preview { .. } | Verdict::SystemBrowser { .. } | Verdict::AskMail => {}
        }
        match asker.kind {
            Kind::Htmx => {
                self.host.open(asker.surface, url, verdict);
                Ok(pages::nothing(Some("That page is opened outside of the console.")))
            }
            Kind::Document => {
                self.host.open(asker.surface, url, verdict);
                Ok(pages::back(asker.back()))
            }
            // A script or a picture opens nothing: nobody clicked.
            Kind::Part => Err(Refused::Outside),
        }
    }

    /// Returns what tells the log of an answer that broke off after it had begun.
    fn broken_off(&self, asker: &Asker) -> Box<dyn FnOnce(BodyError) + Send> {
        let host = Arc::clone(&self.host);
        let (surface, place) = (asker.surface, asker.place.clone());
        Box::new(move |error| {
            let reason = Refused::Answer(error).reason();
            host.trace(Trace::new(Event::AppProtocolProxyError, Some(surface), reason).at(&place));
        })
    }

    fn within_bounds(&self, headers: &HeaderMap, body: Body) -> Result<Bounded, Refused> {
        let bytes_max = self.limits.answer_bytes_max;
        let known = body.size_hint().exact().or_else(|| length(headers));
        if known.is_some_and(|length| bytes_max < length) {
            return Err(BodyError::TooLong(bytes_max).into());
        }
        let Limits { quiet_within, body_within, .. } = &self.limits;
        let bounds =
            Bounds { bytes_max, quiet_within: *quiet_within, ends_within: Some(*body_within) };
        Ok(Bounded::new(body, bounds))
    }
}

/// Returns the name of an answer that is to be saved and not shown.
fn attached(asker: &Asker, answer: &Answer<'_>) -> Option<String> {
    let is_shown = asker.kind == Kind::Part || !answer.response.status().is_success();
    if is_shown {
        return None;
    }
    download::attached(answer.response.headers(), answer.from.path())
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_stream(headers: &HeaderMap) -> bool {
    has_type(headers, "text/event-stream")
}

fn is_html(headers: &HeaderMap) -> bool {
    has_type(headers, "text/html")
}

fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}
