//! Bodies, bounded in length and time, and stopped where their maker panics.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

/// A body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    #[error("nothing more of it came for {} s", .0.as_secs_f32())]
    Quiet(Duration),
    #[error("it had not ended after {} s", .0.as_secs_f32())]
    Endless(Duration),
    #[error("it broke off")]
    Broken,
}

/// How long and for how long a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes_max: u64,
    pub(crate) quiet_within: Duration,
    /// In all, where it is bounded.
    pub(crate) ends_within: Option<Duration>,
}

/// A body within its bounds.
pub(crate) struct Bounded {
    inner: BodyDataStream,
    bounds: Bounds,
    left: u64,
    ends_at: Option<Instant>,
    /// What was read already, and counted.
    first: VecDeque<Bytes>,
    /// Runs only while somebody waits for a piece.
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
    progress: Option<Progress>,
    /// Called where it ends before its end.
    failing: Option<Box<dyn FnOnce(BodyError) + Send>>,
    /// Given back with the end of the body.
    _place: Option<OwnedSemaphorePermit>,
}

impl Bounded {
    pub(crate) fn new(body: Body, bounds: Bounds) -> Self {
        Self {
            inner: body.into_data_stream(),
            bounds,
            left: bounds.bytes_max,
            ends_at: None,
            first: VecDeque::new(),
            timer: None,
            is_over: false,
            progress: None,
            failing: None,
            _place: None,
        }
    }

    /// Tells of each piece that somebody took.
    pub(crate) fn telling(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Tells of an end before its end.
    pub(crate) fn failing(mut self, failing: Box<dyn FnOnce(BodyError) + Send>) -> Self {
        self.failing = Some(failing);
        self
    }

    /// Holds a place until the body ends.
    pub(crate) fn holding(mut self, place: OwnedSemaphorePermit) -> Self {
        self._place = Some(place);
        self
    }

    /// Lets it take as long as it likes, as long as it goes on.
    pub(crate) fn for_ever(mut self) -> Self {
        self.bounds.ends_within = None;
        self
    }

    pub(crate) fn into_body(self) -> Body {
        Body::from_stream(self)
    }

    /// Reads what comes first, and returns the whole with it in front.
    pub(crate) async fn gather(mut self, bytes_max: u64) -> Result<Gathered, BodyError> {
        let mut pieces = VecDeque::new();
        let mut bytes = 0;
        while let Some(piece) = self.next().await {
            let piece = piece?;
            bytes += piece.len() as u64;
            pieces.push_back(piece);
            if bytes_max < bytes {
                self.first = pieces;
                return Ok(Gathered::Part(self));
            }
        }
        Ok(Gathered::Whole(join(pieces)))
    }

    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let poll = AssertUnwindSafe(|| self.inner.poll_next_unpin(context));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(|piece| piece.map(|it| it.map_err(|_| BodyError::Broken))),
            Err(_) => Poll::Ready(Some(Err(BodyError::Broken))),
        }
    }

    /// Waits until it has waited too long.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        let Bounds { quiet_within, ends_within, .. } = self.bounds;
        let now = Instant::now();
        let ends_at = ends_within.map(|within| *self.ends_at.get_or_insert(now + within));
        let timer = self.timer.get_or_insert_with(|| {
            let quiet = now + quiet_within;
            Box::pin(sleep_until(ends_at.map_or(quiet, |end| end.min(quiet))))
        });
        ready!(timer.poll_unpin(context));
        Poll::Ready(match (ends_within, ends_at) {
            (Some(within), Some(end)) if end <= Instant::now() => BodyError::Endless(within),
            _ => BodyError::Quiet(quiet_within),
        })
    }

    /// Returns whether it goes on although it should have ended. A body that always has a piece ready
    /// never waits for the timer.
    fn should_have_ended(&mut self) -> Option<BodyError> {
        let within = self.bounds.ends_within?;
        let now = Instant::now();
        let end = *self.ends_at.get_or_insert(now + within);
        (end <= now).then_some(BodyError::Endless(within))
    }

    fn end(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.is_over = true;
        if let Some(progress) = &self.progress {
            progress.failed(error);
        }
        if let Some(failing) = self.failing.take() {
            failing(error);
        }
        Poll::Ready(Some(Err(error)))
    }
}

/// The beginning of a body, with its end if that is near.
pub(crate) enum Gathered {
    Whole(Bytes),
    Part(Bounded),
}

impl Stream for Bounded {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(piece) = this.first.pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        if this.is_over {
            return Poll::Ready(None);
        }
        match this.poll_inner(context) {
            Poll::Pending => {
                let error = ready!(this.poll_timer(context));
                this.end(error)
            }
            Poll::Ready(Some(Ok(piece))) => {
                this.timer = None;
                let Some(left) = this.left.checked_sub(piece.len() as u64) else {
                    return this.end(BodyError::TooLong(this.bounds.bytes_max));
                };
                this.left = left;
                if let Some(error) = this.should_have_ended() {
                    return this.end(error);
                }
                if let Some(progress) = &this.progress {
                    progress.went_on();
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => this.end(error),
            Poll::Ready(None) => {
                this.is_over = true;
                Poll::Ready(None)
            }
        }
    }
}

fn join(mut pieces: VecDeque<Bytes>) -> Bytes {
    match pieces.pop_front() {
        Some(whole) if pieces.is_empty() => whole,
        first => first.into_iter().chain(pieces).flatten().collect(),
    }
}

/// How the sending of a request's body goes.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<Sent>>);

#[derive(Debug)]
struct Sent {
    last: Instant,
    failed: Option<BodyError>,
}

impl Progress {
    pub(crate) fn begun() -> Self {
        Self(Arc::new(Mutex::new(Sent { last: Instant::now(), failed: None })))
    }

    /// Returns when it last went on.
    pub(crate) fn last(&self) -> Instant {
        self.with(|sent| sent.last)
    }

    /// Returns why it did not go on to its end.
    pub(crate) fn failure(&self) -> Option<BodyError> {
        self.with(|sent| sent.failed)
    }

    fn went_on(&self) {
        self.with(|sent| sent.last = Instant::now());
    }

    fn failed(&self, error: BodyError) {
        self.with(|sent| sent.failed = Some(error));
    }

    fn with<T>(&self, f: impl FnOnce(&mut Sent) -> T) -> T {
        // What it guards is whole at any moment, whoever panicked.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
