//! From a message to its answer. It never fails: every end is an answer.

use std::os::fd::OwnedFd;
use std::time::Duration;

use oriel_wire::hostfs::{
    Changes, Code, Flags, HEAD_BYTES, Head, HeadError, Message, Op, Open, Opened,
    PAYLOAD_BYTES_MAX, read_parts, read_replace,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::FileError;
use crate::handle::Handle;
use crate::surface::{Lock, Surface};

/// The longest JSON of a request, but that which asks for many names. The longest path takes a third.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// What a page is answered.
#[derive(Debug)]
pub struct Answer {
    /// The message.
    pub bytes: Vec<u8>,
    /// A descriptor that goes along, where the transport can carry one.
    pub descriptor: Option<OwnedFd>,
}

impl Surface {
    /// Answers a message. It may take long, and is called where that holds up nobody.
    #[must_use]
    pub fn answer(&self, message: &[u8]) -> Answer {
        let mut bytes = Vec::new();
        let descriptor = self.answer_into(message, &mut bytes);
        Answer { bytes, descriptor }
    }

    /// Answers a message into memory that is used again: whoever reads much answers into memory that
    /// has been touched before, which is several times faster. What was in it goes.
    pub fn answer_into(&self, message: &[u8], bytes: &mut Vec<u8>) -> Option<OwnedFd> {
        let done = Message::read_request(message)
            .map_err(|error| no_message(&error))
            .and_then(|message| self.ask(message, bytes));
        done.unwrap_or_else(|error| {
            let head = Head::read(message).unwrap_or(Head::of(Op::Use, 0));
            let head = Head { flags: Flags::FAILED, length: 0, ..head };
            *bytes = head.with(&serde_json::to_vec(&error.to_wire()).unwrap_or_default());
            None
        })
    }

    fn ask(&self, message: Message<'_>, bytes: &mut Vec<u8>) -> Result<Option<OwnedFd>, FileError> {
        let Message { head, payload } = message;
        hold_flags(head)?;
        let _flight = self.fly(weight(&message))?;
        let handle = Handle(head.handle);
        let answer = Head { flags: Flags::NONE, length: 0, ..head };
        let plain = || answer.to_bytes().to_vec();
        *bytes = match head.op {
            Op::Read => return self.answer_read(answer, head.length, bytes).map(|()| None),
            Op::Open => return self.answer_open(answer, payload, bytes),
            Op::ReadMany => self.answer_read_many(answer, payload)?,
            Op::Write => {
                let offset = self.write_at(handle, head.offset, payload)?;
                if head.flags.has(Flags::SYNC) {
                    self.sync(handle)?;
                }
                Head { offset, ..answer }.to_bytes().to_vec()
            }
            Op::Close => self.close(handle).map(|()| plain())?,
            Op::Flush => self.flush(handle).map(|()| plain())?,
            Op::Sync => self.sync(handle).map(|()| plain())?,
            Op::Lock => self.lock(handle, lock(head.flags)?).map(|()| plain())?,
            Op::SetLength => self.set_length(handle, head.offset).map(|()| plain())?,
            Op::Length => {
                let offset = self.length(handle)?;
                Head { offset, ..answer }.to_bytes().to_vec()
            }
            Op::Workspaces => with(answer, &self.workspaces())?,
            Op::Use => with(answer, &self.limits_used())?,
            Op::Stat => with(answer, &self.stat(&names(payload)?)?)?,
            Op::List => with(answer, &self.list(&form(payload)?)?)?,
            Op::MakeFolder => self.make_folder(&form(payload)?).map(|()| plain())?,
            Op::Rename => self.rename(&form(payload)?).map(|()| plain())?,
            Op::Remove => self.remove(&form(payload)?).map(|()| plain())?,
            Op::Replace => {
                let bad = |why: String| FileError::new(Code::BadMessage, why);
                let (form, bytes) = read_replace(payload).map_err(bad)?;
                with(answer, &self.replace(&form, bytes)?)?
            }
            Op::Watch => {
                let handle = self.watch(&form(payload)?)?;
                Head { handle: handle.0, ..answer }.to_bytes().to_vec()
            }
            Op::Changes => {
                let wait = Duration::from_millis(u64::from(head.length));
                let changes = self.changes(handle, wait)?;
                with(answer, &changes).or_else(|_| {
                    // They are told once, so they are not lost because they are too many.
                    with(answer, &Changes { changes: Vec::new(), look_again: true })
                })?
            }
        };
        Ok(None)
    }

    fn answer_read(&self, head: Head, length: u32, bytes: &mut Vec<u8>) -> Result<(), FileError> {
        // Only what the memory never had is filled with zeros.
        bytes.resize(HEAD_BYTES + length as usize, 0);
        let came = self.read_at(Handle(head.handle), head.offset, &mut bytes[HEAD_BYTES..])?;
        bytes.truncate(HEAD_BYTES + came);
        let length = u32::try_from(came).unwrap_or(length);
        bytes[..HEAD_BYTES].copy_from_slice(&Head { length, ..head }.to_bytes());
        Ok(())
    }

    fn answer_read_many(&self, head: Head, payload: &[u8]) -> Result<Vec<u8>, FileError> {
        let parts = read_parts(payload)
            .ok_or_else(|| FileError::new(Code::BadMessage, "the payload asks for no parts"))?;
        let lengths_bytes = 4 * parts.len();
        let wanted: u64 = parts.iter().map(|part| u64::from(part.length)).sum();
        if u64::from(PAYLOAD_BYTES_MAX) < wanted + lengths_bytes as u64 {
            return Err(too_large().hint("ask for fewer bytes at once"));
        }
        let start = HEAD_BYTES + lengths_bytes;
        let mut bytes = vec![0; start];
        let lengths = self.read_many(&parts, &mut bytes)?;
        let places = bytes[HEAD_BYTES..start].chunks_exact_mut(4);
        for (place, length) in places.zip(lengths) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        let length = u32::try_from(bytes.len() - HEAD_BYTES).unwrap_or(u32::MAX);
        bytes[..HEAD_BYTES].copy_from_slice(&Head { length, ..head }.to_bytes());
        Ok(bytes)
    }

    fn answer_open(
        &self,
        head: Head,
        payload: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<Option<OwnedFd>, FileError> {
        let open: Open = form(payload)?;
        let (handle, stat) = self.open(&open)?;
        let descriptor = open.direct.then(|| self.descriptor(handle)).transpose();
        let descriptor = descriptor.inspect_err(|_| {
            // The page never learns of the handle. It was just opened, so nothing was written.
            let _ = self.close(handle);
        })?;
        let flags = if descriptor.is_some() { Flags::DIRECT } else { Flags::NONE };
        let head = Head { handle: handle.0, offset: stat.length, flags, ..head };
        *bytes = with(head, &Opened { stat })?;
        Ok(descriptor)
    }
}

/// How many bytes a request and its answer take while it is worked on.
fn weight(message: &Message<'_>) -> u64 {
    let wanted = match message.head.op {
        Op::Read => u64::from(message.head.length),
        Op::ReadMany => u64::from(PAYLOAD_BYTES_MAX).min(
            // A payload that asks for no parts is refused later.
            read_parts(message.payload)
                .map_or(0, |parts| parts.iter().map(|part| u64::from(part.length)).sum()),
        ),
        _ => 0,
    };
    message.payload.len() as u64 + wanted
}

/// Refuses flags that mean nothing with what is asked for.
fn hold_flags(head: Head) -> Result<(), FileError> {
    let may = match head.op {
        Op::Lock => Flags::SHARED | Flags::UNLOCK,
        Op::Write => Flags::SYNC,
        _ => Flags::NONE,
    };
    if may.has(head.flags) {
        return Ok(());
    }
    let why = format!("the flags {:#x} mean nothing for {}", head.flags.bits(), head.op.name());
    Err(FileError::new(Code::BadMessage, why))
}

fn lock(flags: Flags) -> Result<Lock, FileError> {
    match (flags.has(Flags::UNLOCK), flags.has(Flags::SHARED)) {
        (true, true) => {
            Err(FileError::new(Code::BadMessage, "a lock is either shared or given back"))
        }
        (true, false) => Ok(Lock::Release),
        (false, true) => Ok(Lock::Shared),
        (false, false) => Ok(Lock::Exclusive),
    }
}

/// Reads the JSON of a request that is about one name or two.
fn form<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FileError> {
    if FORM_BYTES_MAX < payload.len() {
        let why = format!("a form of {} bytes is longer than {FORM_BYTES_MAX}", payload.len());
        return Err(FileError::new(Code::BadMessage, why));
    }
    names(payload)
}

/// Reads the JSON of a request. It is no deeper than its type, whatever comes.
fn names<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(payload).map_err(|error| {
        FileError::new(Code::BadMessage, format!("the payload is not what is asked with: {error}"))
    })
}

/// Returns an answer with JSON.
fn with(head: Head, form: &impl Serialize) -> Result<Vec<u8>, FileError> {
    let json = serde_json::to_vec(form)
        .map_err(|error| FileError::new(Code::System, error.to_string()))?;
    if (PAYLOAD_BYTES_MAX as usize) < json.len() {
        return Err(too_large().hint("ask for fewer names at once"));
    }
    Ok(head.with(&json))
}

fn too_large() -> FileError {
    let why = format!("the answer would have more than {PAYLOAD_BYTES_MAX} bytes");
    FileError::new(Code::TooLarge, why)
}

fn no_message(error: &HeadError) -> FileError {
    FileError::new(Code::BadMessage, error.to_string())
}
