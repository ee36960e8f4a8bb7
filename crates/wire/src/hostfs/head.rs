//! The 32 bytes in front of every message.

use super::{Flags, Op, PAYLOAD_BYTES_MAX};

/// How long a head is.
pub const HEAD_BYTES: usize = 32;

/// What every message begins with: `OF`.
pub const MAGIC: u16 = u16::from_le_bytes(*b"OF");

/// The version of the form.
pub const VERSION: u8 = 1;

/// What stands in front of every message.
///
/// | byte | bytes | what |
/// | --- | --- | --- |
/// | 0 | 2 | `OF` |
/// | 2 | 1 | the version, 1 |
/// | 3 | 1 | what is asked for |
/// | 4 | 4 | the number of the request, which its answer has too |
/// | 8 | 8 | the handle |
/// | 16 | 8 | the place in the file |
/// | 24 | 4 | how many bytes: those wanted by a `read`, those of the payload otherwise |
/// | 28 | 4 | flags |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// What is asked for.
    pub op: Op,
    /// The number by which the answer is known again.
    pub request: u32,
    /// The open file it is about; 0 where it is about none.
    pub handle: u64,
    /// A place in the file.
    pub offset: u64,
    /// How many bytes.
    pub length: u32,
    /// More about it.
    pub flags: Flags,
}

/// Bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// There are fewer bytes than a head has.
    #[error("a message has at least {HEAD_BYTES} bytes, and this one has {0}")]
    Short(usize),
    /// It does not begin as messages do.
    #[error("a message begins with the bytes `OF`")]
    Magic,
    /// It is of another version.
    #[error("messages of version {0} are not known; this is version {VERSION}")]
    Version(u8),
    /// Nobody knows what it asks for.
    #[error("there is no operation {0}")]
    Op(u8),
    /// Nobody knows what it says more.
    #[error("the flags {0:#x} are not known")]
    Flags(u32),
    /// The payload is longer than one may be.
    #[error("a payload has at most {PAYLOAD_BYTES_MAX} bytes; cut it into pieces")]
    Long,
    /// The payload is not as long as the head says.
    #[error("the head tells of {told} bytes and {came} came")]
    Length {
        /// What the head says.
        told: u32,
        /// What there is.
        came: usize,
    },
}

/// A message as it came: its head, and its payload where that lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its head.
    pub head: Head,
    /// What follows it.
    pub payload: &'a [u8],
}

impl Head {
    /// Returns the head of a request about no file.
    #[must_use]
    pub const fn of(op: Op, request: u32) -> Self {
        Self { op, request, handle: 0, offset: 0, length: 0, flags: Flags::NONE }
    }

    /// Returns its bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0..2].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[2] = VERSION;
        bytes[3] = self.op.number();
        bytes[4..8].copy_from_slice(&self.request.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.handle.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.offset.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.length.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes
    }

    /// Returns the message that this head and a payload make. `length` becomes the payload's, unless
    /// this is a request to read, whose length says how much is wanted.
    #[must_use]
    pub fn with(mut self, payload: &[u8]) -> Vec<u8> {
        if !self.asks_for_bytes() || !payload.is_empty() {
            self.length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len());
        bytes.extend_from_slice(&self.to_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Reads a head, and nothing of what follows it.
    ///
    /// # Errors
    /// Where these bytes do not begin with one.
    pub fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
            return Err(HeadError::Short(bytes.len()));
        };
        let four =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        if u16::from_le_bytes([head[0], head[1]]) != MAGIC {
            return Err(HeadError::Magic);
        }
        if head[2] != VERSION {
            return Err(HeadError::Version(head[2]));
        }
        let op = Op::from_number(head[3]).ok_or(HeadError::Op(head[3]))?;
        let flags = Flags::from_bits(four(28)).ok_or(HeadError::Flags(four(28)))?;
        let (handle, offset, length) = (eight(8), eight(16), four(24));
        Ok(Self { op, request: four(4), handle, offset, length, flags })
    }

    /// Whether `length` says how much is wanted (or how long to wait) and not what follows.
    const fn asks_for_bytes(self) -> bool {
        matches!(self.op, Op::Read | Op::Changes)
    }
}

impl<'a> Message<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// Where the bytes are none, down to the last.
    pub fn read_request(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let message = Self::read(bytes)?;
        message.hold(if message.head.asks_for_bytes() { 0 } else { message.head.length })
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// Where the bytes are none, down to the last.
    pub fn read_answer(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let message = Self::read(bytes)?;
        message.hold(message.head.length)
    }

    fn read(bytes: &'a [u8]) -> Result<Self, HeadError> {
        let head = Head::read(bytes)?;
        let limit = if head.op == Op::Changes { u32::MAX } else { PAYLOAD_BYTES_MAX };
        if limit < head.length {
            return Err(HeadError::Long);
        }
        Ok(Self { head, payload: &bytes[HEAD_BYTES..] })
    }

    fn hold(self, told: u32) -> Result<Self, HeadError> {
        let came = self.payload.len();
        if u64::from(told) == came as u64 {
            Ok(self)
        } else {
            Err(HeadError::Length { told, came })
        }
    }
}
