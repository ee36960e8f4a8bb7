//! How much is taken from the other side. Whatever says more is refused as a whole, before memory is
//! taken for it, and the connection ends.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The longest frame. Who has more to say says it in several.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes of content in one frame, packed or not.
pub const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// The most changes of a page or a delta.
pub const CHANGES_MAX: usize = 1024;

/// The most proposals of one frame.
pub const PROPOSALS_MAX: usize = 256;

/// The most spans that one frame asks for.
pub const SPANS_MAX: usize = 1024;

/// The most chunks that one outline tells of.
pub const MARKS_MAX: usize = 16_384;

/// The most names in a folder that one frame tells of.
pub const CHILDREN_MAX: usize = 4096;

/// The longest file that is synced; a longer one is a problem and stays where it is.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// The longest id of a session.
pub const SESSION_BYTES_MAX: usize = 128;

/// The longest text that says why it is over.
pub const BYE_BYTES_MAX: usize = 1024;

/// Bytes of content, unpacked, that may be on their way before credit is granted.
pub const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// How many contents one side may have asked for and not got. Who wants more waits with asking.
pub const WANTS_MAX: usize = 1024;

/// The most changes of one moment. What changes more at once is told as pages to who comes back.
pub const MOMENT_CHANGES_MAX: usize = 1_000_000;

/// The most bytes of frames that make one moment.
pub const MOMENT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Reads a list of at most so many.
pub(super) fn listed<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Listed::<T, MAX>(PhantomData))
}

struct Listed<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Listed<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        // What is told of a length is not believed: memory is taken for what comes.
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MAX {
                return Err(A::Error::custom(format_args!("a list has at most {MAX}")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

/// Reads a text of at most so many bytes.
pub(super) fn short<'de, D, const MAX: usize>(deserializer: D) -> Result<String, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    if MAX < text.len() {
        return Err(D::Error::custom(format_args!("a text here has at most {MAX} bytes")));
    }
    Ok(text)
}
