//! What both sides of a connection have: frames that wait, contents in both directions, and an end.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::marker::PhantomData;

use oriel_wire::sync::{
    BYE_BYTES_MAX, Bye, ByeReason, Chunk, Credit, Digest, Down, FrameError, Gone, Part, Up, Want,
};

use super::giving::{Given, Givings};
use super::taking::Takings;
use super::{SpeechError, WAITING_BYTES_MAX};
use crate::talk;
use crate::vfs::Blobs;

/// What either side can say.
pub(super) trait Words: Sized {
    fn frame(&self) -> Result<Vec<u8>, FrameError>;
    fn want(want: Want) -> Self;
    fn chunk(chunk: Chunk) -> Self;
    fn gone(gone: Gone) -> Self;
    fn credit(credit: Credit) -> Self;
    fn bye(bye: Bye) -> Self;
}

/// Both sides have these under the same names, but for how they ask.
macro_rules! words {
    ($side:ident, $want:ident) => {
        impl Words for $side {
            fn frame(&self) -> Result<Vec<u8>, FrameError> {
                self.encode()
            }
            fn want(want: Want) -> Self {
                Self::$want(want)
            }
            fn chunk(chunk: Chunk) -> Self {
                Self::Chunk(chunk)
            }
            fn gone(gone: Gone) -> Self {
                Self::Gone(gone)
            }
            fn credit(credit: Credit) -> Self {
                Self::Credit(credit)
            }
            fn bye(bye: Bye) -> Self {
                Self::Bye(bye)
            }
        }
    };
}

words!(Up, Want);
words!(Down, Need);

/// A frame that waits.
#[derive(Debug)]
struct Waiting {
    frame: Vec<u8>,
    /// Pages of a tree do not count.
    counts: bool,
}

/// What one side says on a connection.
#[derive(Debug)]
pub(super) struct Lane<W> {
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    pub(super) givings: Givings,
    pub(super) takings: Takings,
    /// The last frame.
    last: Option<Vec<u8>>,
    is_over: bool,
    words: PhantomData<fn() -> W>,
}

impl<W: Words> Lane<W> {
    pub(super) const fn new(window: u32, packs: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            givings: Givings::new(window, packs),
            takings: Takings::new(window),
            last: None,
            is_over: false,
            words: PhantomData,
        }
    }

    /// The other side told what both can.
    pub(super) fn agree(&mut self, window: u32, packs: bool) {
        self.givings = Givings::new(window, packs);
        let held = std::mem::replace(&mut self.takings, Takings::new(window));
        self.takings.keep_wants(held);
    }

    /// Says something after all that was said before, and returns how long it is.
    pub(super) fn say(&mut self, word: &W) -> Result<usize, SpeechError> {
        if self.is_over {
            return Err(SpeechError::Over);
        }
        let frame = word.frame()?;
        let bytes = frame.len();
        if WAITING_BYTES_MAX < self.waiting_bytes + bytes {
            return Err(SpeechError::Behind);
        }
        self.waiting_bytes += bytes;
        self.waiting.push_back(Waiting { frame, counts: true });
        Ok(bytes)
    }

    /// Says part of a tree, however much waits.
    pub(super) fn say_page(&mut self, word: &W) -> Result<(), SpeechError> {
        self.waiting.push_back(Waiting { frame: word.frame()?, counts: false });
        Ok(())
    }

    /// Forgets what was not sent.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.takings.forget();
    }

    /// A content that the other side waits for is not here.
    pub(super) fn say_gone(&mut self, digest: Digest) -> Result<(), SpeechError> {
        if self.givings.stop(&digest) {
            self.say(&W::gone(Gone { digest }))?;
        }
        Ok(())
    }

    pub(super) fn take(&mut self, chunk: Chunk) -> Result<talk::Chunk, SpeechError> {
        self.takings.take(chunk)
    }

    /// Returns where the bytes begin that the other side wants.
    pub(super) fn wanted(&mut self, want: &Want) -> Result<u64, SpeechError> {
        let Part::From { offset } = want.part else {
            return Err(SpeechError::Order("a part of a content"));
        };
        self.givings.promise(want.digest)?;
        Ok(offset)
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The other side has ended it: nothing is said any more.
    pub(super) fn left(&mut self) {
        self.forget();
        self.is_over = true;
    }

    /// Ends it. What waits is not said.
    pub(super) fn end(&mut self, why: ByeReason, message: &str) {
        if self.is_over {
            return;
        }
        self.left();
        let mut end = message.len().min(BYE_BYTES_MAX);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let bye = W::bye(Bye { why, message: message[..end].to_owned() });
        // A short text can always be written.
        self.last = bye.frame().ok();
    }

    /// Ends it because of an error, which is returned.
    pub(super) fn fail<T>(&mut self, result: Result<T, SpeechError>) -> Result<T, SpeechError> {
        result.inspect_err(|error| self.end(error.reason(), &error.to_string()))
    }

    /// Returns the next frame to send, if there is one.
    pub(super) fn next(&mut self, contents: &impl Blobs) -> Result<Option<Vec<u8>>, SpeechError> {
        if self.is_over {
            return Ok(self.last.take());
        }
        if let Some(bytes) = self.takings.grant() {
            return Ok(Some(W::credit(Credit { bytes }).frame()?));
        }
        if let Some(Waiting { frame, counts }) = self.waiting.pop_front() {
            self.waiting_bytes -= if counts { frame.len() } else { 0 };
            return Ok(Some(frame));
        }
        if let Some((digest, offset)) = self.takings.ask() {
            return Ok(Some(W::want(Want { digest, part: Part::From { offset } }).frame()?));
        }
        Ok(match self.givings.next(contents) {
            Some(Given::Piece(chunk)) => Some(W::chunk(chunk).frame()?),
            Some(Given::Gone(gone)) => Some(W::gone(gone).frame()?),
            None => None,
        })
    }
}
