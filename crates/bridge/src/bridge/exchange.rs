//! One exchange with the service, with all the places that a request is led on to.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::{Asker, Bridge, LIVE, State, uri};
use crate::body::{BodyError, Gathered, Progress};
use crate::host::ServiceNow;
use crate::kind::Kind;
use crate::origin::Place;
use crate::policy::{HOST_PAGES, How};
use crate::redirect::{self, HOPS_MAX, Hop, Lead, Served};
use crate::refused::Refused;

/// What describes a body, and goes when the body does.
const OF_BODY: [&str; 5] =
    ["content-encoding", "content-language", "content-location", "content-type", "content-length"];

/// What the service answered in the end.
pub(super) struct Exchanged {
    pub(super) end: End,
    pub(super) authority: String,
}

/// How an exchange ends.
pub(super) enum End {
    /// With an answer, from this place, after so many hops.
    Answer { response: Response<Body>, from: Place, hops: u32 },
    /// With a place where the window itself is to go on.
    GoOn(String),
    /// With an address elsewhere.
    Away { url: String, how: How },
}

/// What is left of a request's body.
enum Sent {
    /// It can be sent again.
    Kept(Bytes),
    /// It streams, once.
    Once(Option<Body>, Option<u64>),
    /// There is none.
    Nothing,
}

impl Bridge {
    /// Asks the service, and goes where it leads as a browser would.
    pub(super) async fn exchange(
        &self,
        asker: &Asker,
        state: &State,
        asked: &HeaderMap,
        body: Body,
        length: Option<u64>,
    ) -> Result<Exchanged, Refused> {
        let service = self.host.service().ok_or(Refused::NoService)?;
        let served = Served { authority: &service.authority, origin: asker.rules.origin };
        let progress = Progress::begun();
        let mut sent = self.take(&asker.method, body, length, &progress).await?;
        let (mut method, mut place) = (asker.method.clone(), asker.place.clone());
        let mut headers = asked.clone();
        let mut hops = 0;
        let end = loop {
            let request = self.request(state, &service, &method, &place, &headers, &mut sent)?;
            let response = self.send(&service, request, &place, &progress).await?;
            let now = self.host.now();
            state.jar().gather(service.generation, place.path(), response.headers(), now);
            let hop = redirect::hop(response.status(), response.headers(), &method, &place, served);
            let Some(Hop { lead, method: next, keeps_body }) = hop else {
                break End::Answer { response, from: place, hops };
            };
            let (to, fragment) = match lead {
                Lead::Own { place, fragment } => (place, fragment),
                Lead::Away(url) => break End::Away { url, how: How::Redirect },
                Lead::Nowhere => return Err(Refused::Nowhere),
            };
            if asker.kind == Kind::Document && next == Method::GET {
                break self.go_on(asker, state, &to, fragment.as_deref())?;
            }
            hops += 1;
            if HOPS_MAX < hops {
                return Err(Refused::Circle);
            }
            // The host's pages are for windows alone.
            if to.path().starts_with(HOST_PAGES) {
                return Err(Refused::Nowhere);
            }
            if !keeps_body {
                sent = Sent::Nothing;
                OF_BODY.iter().for_each(|name| drop(headers.remove(*name)));
            }
            (method, place) = (next, to);
        };
        Ok(Exchanged { end, authority: service.authority })
    }

    /// Has the window go on by itself, unless it has been going round in circles.
    fn go_on(
        &self,
        asker: &Asker,
        state: &State,
        to: &Place,
        fragment: Option<&str>,
    ) -> Result<End, Refused> {
        if HOPS_MAX < state.is_led_on() {
            return Err(Refused::Circle);
        }
        // To a part of the page that it is on, an engine goes without asking for the page.
        let fragment = fragment.filter(|_| *to != asker.place);
        Ok(End::GoOn(redirect::with_fragment(to, fragment)))
    }

    /// Takes a body, and keeps it where it is short enough to be sent again.
    async fn take(
        &self,
        method: &Method,
        body: Body,
        length: Option<u64>,
        progress: &Progress,
    ) -> Result<Sent, Refused> {
        if length == Some(0) || matches!(*method, Method::GET | Method::HEAD) {
            return Ok(Sent::Nothing);
        }
        let bounded = self.bounded(body).telling(progress.clone());
        if length.is_some_and(|length| length <= self.limits.replay_bytes_max) {
            return match bounded.gather(self.limits.replay_bytes_max).await {
                Ok(Gathered::Whole(bytes)) => Ok(Sent::Kept(bytes)),
                Ok(Gathered::Part(_)) | Err(_) => Err(Refused::Length),
            };
        }
        Ok(Sent::Once(Some(bounded.into_body()), length))
    }

    fn request(
        &self,
        state: &State,
        service: &ServiceNow,
        method: &Method,
        place: &Place,
        headers: &HeaderMap,
        sent: &mut Sent,
    ) -> Result<Request<Body>, Refused> {
        let (body, length) = match sent {
            Sent::Kept(bytes) => (Body::from(bytes.clone()), Some(bytes.len() as u64)),
            Sent::Once(body, length) => (body.take().ok_or(Refused::NotKept)?, *length),
            // A change without a body says that it has none, as browsers do.
            Sent::Nothing if *method == Method::POST => (Body::empty(), Some(0)),
            Sent::Nothing => (Body::empty(), None),
        };
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri(place)?;
        *request.headers_mut() = headers.clone();
        let headers = request.headers_mut();
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let host = HeaderValue::from_str(&service.authority).map_err(|_| Refused::NoService)?;
        let origin = HeaderValue::from_str(&format!("http://{}", service.authority));
        headers.insert(HOST, host);
        headers.insert(ORIGIN, origin.map_err(|_| Refused::NoService)?);
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        let mut jar = state.jar();
        jar.serve(service.generation, &service.cookies);
        if let Some(cookies) = jar.header(place.path(), self.host.now()) {
            headers.insert(COOKIE, cookies);
        }
        Ok(request)
    }

    /// Sends a request and waits until the answer begins.
    async fn send(
        &self,
        service: &ServiceNow,
        request: Request<Body>,
        place: &Place,
        progress: &Progress,
    ) -> Result<Response<Body>, Refused> {
        let limits = &self.limits;
        let within = if place.path().starts_with(LIVE) {
            limits.live_header_within
        } else {
            limits.header_within
        };
        let begun = Instant::now();
        let answer = tokio::select! {
            answer = service.link.send_within(request, limits.connect_within) => answer,
            () = stalled(begun, within, progress) => return Err(Refused::Slow(within)),
        };
        // What was wrong with the body is the reason for whatever came of it.
        match (progress.failure(), answer) {
            (Some(BodyError::TooLong(most)), _) => Err(Refused::TooLong(most)),
            (Some(_), _) => Err(Refused::Length),
            (None, Ok(response)) => Ok(response),
            (None, Err(error)) => Err(Refused::Link(error)),
        }
    }
}

/// Waits until nothing has gone on for so long.
async fn stalled(begun: Instant, within: Duration, progress: &Progress) {
    loop {
        let last = progress.last().max(begun);
        sleep_until(last + within).await;
        if progress.last().max(begun) == last {
            return;
        }
    }
}

/// Returns whether an answer says nothing to show.
pub(super) fn says_nothing(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}
