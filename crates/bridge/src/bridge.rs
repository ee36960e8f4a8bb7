//! The core: a request of a surface comes to an answer, whatever happens in between.
//!
//! The order of the checks is the promise: which window asks, what exactly it asks for, whether the host
//! answers that itself, whether a page of ours asks, how much is sent; and only then the service.

mod exchange;
mod finish;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, REFERER};
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::{Bounded, Bounds};
use crate::headers;
use crate::host::Host;
use crate::jar::Jar;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::origin::{self, Place};
use crate::pages::{self, Ways};
use crate::policy::{CLIENT_PAGES, HOST_PAGES, Rules};
use crate::redirect::{self, Served};
use crate::refused::Refused;
use crate::surface::Surface;
use crate::trace::{Event, Trace};

/// The path from a surface's URL to a service.
pub struct Bridge {
    host: Arc<dyn Host>,
    limits: Limits,
    /// Taken by each request until its answer has ended.
    places: Arc<Semaphore>,
    states: BTreeMap<Surface, State>,
}

/// What is kept of a surface between its requests.
#[derive(Default)]
struct State {
    jar: Mutex<Jar>,
    /// How often its window was led on without being shown anything.
    led_on: AtomicU32,
}

/// A request, as far as it matters to how it is answered.
struct Asker {
    surface: Surface,
    kind: Kind,
    method: Method,
    place: Place,
    rules: Rules,
    /// The page that asks, if it says so.
    page: Option<Place>,
}

impl Bridge {
    /// Makes a bridge for a host.
    #[must_use]
    pub fn new(host: Arc<dyn Host>, limits: Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.requests_max));
        let served = Surface::ALL.into_iter().filter(|surface| surface.has_service());
        let states = served.map(|surface| (surface, State::default())).collect();
        Self { host, limits, places, states }
    }

    /// Answers a request of the window with this label. Whatever happens, there is an answer.
    pub async fn answer(&self, label: &str, request: Request<Body>) -> Response<Body> {
        let kind = Kind::of(request.method(), request.headers());
        let answer = AssertUnwindSafe(self.ask(label, kind, request)).catch_unwind();
        answer.await.unwrap_or_else(|_| {
            // The host's code runs in there too, so it is told last and may fail once more.
            let surface = Surface::from_label(label);
            let refused = Refused::Fault;
            let trace = Trace::new(Event::AppProtocolProxyError, surface, refused.reason());
            let trace = trace.status(refused.status().as_u16());
            _ = std::panic::catch_unwind(AssertUnwindSafe(|| self.host.trace(trace)));
            let ways = Ways { method: &Method::POST, again: None, back: "/", is_news: false };
            pages::refused(kind, &refused, &ways)
        })
    }

    async fn ask(&self, label: &str, kind: Kind, request: Request<Body>) -> Response<Body> {
        let asker = match self.admit(label, kind, &request) {
            Ok(asker) => asker,
            Err((surface, refused)) => {
                return self.refuse_stranger(surface, kind, &request, &refused);
            }
        };
        match self.route(&asker, request).await {
            Ok(response) => response,
            Err(refused) => self.refuse(&asker, &refused),
        }
    }

    /// Checks which window asks, and what exactly it asks for.
    fn admit(
        &self,
        label: &str,
        kind: Kind,
        request: &Request<Body>,
    ) -> Result<Asker, (Option<Surface>, Refused)> {
        let surface = Surface::from_label(label).filter(|surface| surface.is_trusted());
        let Some(surface) = surface else {
            return Err((Surface::from_label(label), Refused::Label));
        };
        let rules = self.host.rules();
        let place = origin::read(request.uri(), rules.origin)
            .map_err(|error| (Some(surface), error.into()))?;
        let method = request.method().clone();
        if !is_taken(&method) {
            return Err((Some(surface), Refused::Method));
        }
        let page = page_of(request.headers(), rules);
        Ok(Asker { surface, kind, method, place, rules, page })
    }

    async fn route(
        &self,
        asker: &Asker,
        request: Request<Body>,
    ) -> Result<Response<Body>, Refused> {
        let path = asker.place.path();
        let is_client = asker.surface == Surface::Workbench && path.starts_with(CLIENT_PAGES);
        if is_client || path.starts_with(HOST_PAGES) {
            return self.host_page(asker, request).await;
        }
        headers::refuse_foreign(request.headers(), asker.rules.origin).map_err(Refused::Foreign)?;
        let Some(state) = self.states.get(&asker.surface) else { return Err(Refused::NotHere) };
        let (head, body) = request.into_parts();
        let length = self.length(&head.headers, &body)?;
        if wants_stream(&head.headers) {
            return Err(Refused::Stream);
        }
        let asked = headers::asked(&head.headers).map_err(Refused::Asked)?;
        let place = self.place()?;
        let exchanged = self.exchange(asker, state, &asked, body, length).await?;
        self.finish(asker, state, &asked, exchanged, place).await
    }

    /// Has the host answer for one of its own pages. One that could change something has to be asked
    /// for by a page of ours.
    async fn host_page(
        &self,
        asker: &Asker,
        request: Request<Body>,
    ) -> Result<Response<Body>, Refused> {
        if let Some(asset) = pages::asset(asker.place.path()) {
            return Ok(asset);
        }
        if !matches!(asker.method, Method::GET | Method::HEAD) {
            let headers = request.headers();
            headers::refuse_foreign(headers, asker.rules.origin).map_err(Refused::Foreign)?;
        }
        let (head, body) = request.into_parts();
        self.length(&head.headers, &body)?;
        let mut asked = Request::new(self.bounded(body).into_body());
        *asked.method_mut() = head.method;
        *asked.uri_mut() = uri(&asker.place)?;
        *asked.headers_mut() = headers::asked(&head.headers).map_err(Refused::Asked)?;
        let mut response = self.host.page(asker.surface, asked).await;
        let own = headers::answered(response.headers(), "", asker.rules.origin);
        *response.headers_mut() = own.map_err(Refused::Answered)?;
        Ok(response)
    }

    /// Returns how long what is sent is, if that is known, and refuses what is too long.
    fn length(&self, headers: &HeaderMap, body: &Body) -> Result<Option<u64>, Refused> {
        let mut said = headers.get_all(CONTENT_LENGTH).iter();
        let said = match (said.next(), said.next()) {
            (None, _) => None,
            (Some(length), None) => {
                let length = length.to_str().ok().and_then(|it| it.parse::<u64>().ok());
                Some(length.ok_or(Refused::Length)?)
            }
            (Some(_), Some(_)) => return Err(Refused::Length),
        };
        let known = body.size_hint().exact();
        let longest = said.max(known).max(Some(body.size_hint().lower()));
        if longest.is_some_and(|length| self.limits.request_bytes_max < length) {
            return Err(Refused::TooLong(self.limits.request_bytes_max));
        }
        Ok(known)
    }

    fn bounded(&self, body: Body) -> Bounded {
        Bounded::new(
            body,
            Bounds {
                bytes_max: self.limits.request_bytes_max,
                quiet_within: self.limits.quiet_within,
                ends_within: None,
            },
        )
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refused::Busy)
    }

    fn refuse(&self, asker: &Asker, refused: &Refused) -> Response<Body> {
        let trace = Trace::new(refused.event(), Some(asker.surface), refused.reason());
        self.host.trace(trace.at(&asker.place).status(refused.status().as_u16()));
        if let Some(state) = self.states.get(&asker.surface) {
            state.is_shown();
        }
        let ways = Ways {
            method: &asker.method,
            again: Some(asker.place.as_str()),
            back: asker.back(),
            is_news: asker.is_news(),
        };
        pages::refused(asker.kind, refused, &ways)
    }

    fn refuse_stranger(
        &self,
        surface: Option<Surface>,
        kind: Kind,
        request: &Request<Body>,
        refused: &Refused,
    ) -> Response<Body> {
        let trace = Trace::new(Event::AppProtocolProxyError, surface, refused.reason());
        self.host.trace(trace.status(refused.status().as_u16()));
        let ways = Ways { method: request.method(), again: None, back: "/", is_news: false };
        pages::refused(kind, refused, &ways)
    }
}

impl Asker {
    /// Where a person goes back to.
    fn back(&self) -> &str {
        self.page.as_ref().map_or("/", Place::as_str)
    }

    fn is_news(&self) -> bool {
        self.place.path().starts_with(LIVE)
    }
}

impl State {
    /// The jar, which is whole at any moment, whoever panicked.
    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts that the window was led on, and returns how often that was in a row.
    fn is_led_on(&self) -> u32 {
        self.led_on.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    fn is_shown(&self) {
        self.led_on.store(0, Ordering::Relaxed);
    }
}

/// Below this a page asks for its news, which the service holds until there are some.
const LIVE: &str = "/live/";

fn is_taken(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        .contains(method)
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).map(|value| value.as_bytes().to_ascii_lowercase());
    accept.is_some_and(|accept| accept.starts_with(b"text/event-stream"))
}

/// Returns the page that asks: htmx says it, and some engines do.
fn page_of(headers: &HeaderMap, rules: Rules) -> Option<Place> {
    let served = Served { authority: "localhost", origin: rules.origin };
    let root = Place::read("/").ok()?;
    redirect::current(headers, served).or_else(|| {
        match redirect::lead(headers.get(REFERER)?.to_str().ok()?, &root, served) {
            redirect::Lead::Own { place, .. } => Some(place),
            redirect::Lead::Away(_) | redirect::Lead::Nowhere => None,
        }
    })
}

fn uri(place: &Place) -> Result<Uri, Refused> {
    place
        .as_str()
        .parse()
        .map_err(|_| Refused::Address(origin::AddressError::Odd("odd characters")))
}
