//! Which bytes of a file one answer has, and how they stand in JSON.

use data_encoding::BASE64;
use oriel_wire::gateway::{Encoding, FileContent};

/// The longest part of a file in one answer.
pub(crate) const PART_BYTES_MAX: u64 = 512 * 1024;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The length of the whole file in bytes.
    pub(crate) size: u64,
    /// The BLAKE3 hash of the whole file; none for one that is long or never at rest.
    pub(crate) hash: Option<String>,
    /// How `content` is to be read.
    pub(crate) encoding: Encoding,
    /// The part.
    pub(crate) content: String,
    /// Whether it reaches the end.
    pub(crate) eof: bool,
}

impl Part {
    /// Takes bytes that stand at `offset` in a file of `size` bytes. Words are cut where a character
    /// ends, so that the next part, which begins after what this one holds, is words again.
    pub(super) fn new(mut bytes: Vec<u8>, offset: u64, size: u64, hash: Option<String>) -> Self {
        let is_last = offset.saturating_add(bytes.len() as u64) >= size;
        if let Err(error) = std::str::from_utf8(&bytes) {
            let is_cut = error.error_len().is_none() && !is_last && error.valid_up_to() > 0;
            if is_cut {
                bytes.truncate(error.valid_up_to());
            }
        }
        let eof = offset.saturating_add(bytes.len() as u64) >= size;
        let (encoding, content) = match String::from_utf8(bytes) {
            Ok(text) => (Encoding::Utf8, text),
            Err(error) => (Encoding::Base64, BASE64.encode(error.as_bytes())),
        };
        Self { size, hash, encoding, content, eof }
    }

    /// Returns the part of a whole file that is at hand.
    pub(crate) fn of_whole(whole: &[u8], hash: &str, offset: u64, length: u64) -> Self {
        let size = whole.len() as u64;
        let from = usize::try_from(offset.min(size)).unwrap_or(whole.len());
        let length = usize::try_from(length.min(PART_BYTES_MAX)).unwrap_or(usize::MAX);
        let to = from.saturating_add(length).min(whole.len());
        Self::new(whole[from..to].to_vec(), offset, size, Some(hash.to_owned()))
    }

    /// Returns it as clients are told.
    pub(crate) fn told(
        self,
        session_id: String,
        path: String,
        iteration: Option<u32>,
    ) -> FileContent {
        let Self { size, hash, encoding, content, eof } = self;
        FileContent { session_id, path, size, hash, encoding, content, eof, iteration }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_cut_between_characters_and_other_bytes_anywhere() {
        let part = |bytes: &[u8], offset: u64, length: u64| {
            let part = Part::of_whole(bytes, "h", offset, length);
            (part.encoding, part.content, part.eof)
        };
        let text = "aäöz".as_bytes();
        assert_eq!(part(text, 0, 100), (Encoding::Utf8, "aäöz".to_owned(), true));
        assert_eq!(part(text, 0, 2), (Encoding::Utf8, "a".to_owned(), false));
        assert_eq!(part(text, 1, 1), (Encoding::Base64, "ww==".to_owned(), false), "half of ä");
        assert_eq!(part(text, 1, 2), (Encoding::Utf8, "ä".to_owned(), false));
        assert_eq!(part(text, 9, 2), (Encoding::Utf8, String::new(), true), "beyond the end");
        assert_eq!(part(&[b'a', 0xc3], 0, 9), (Encoding::Base64, "YcM=".to_owned(), true));
        assert_eq!(part(b"", 0, 9), (Encoding::Utf8, String::new(), true));
        assert_eq!(part(text, 0, 0), (Encoding::Utf8, String::new(), false));
    }

    proptest! {
        #[test]
        fn parts_that_follow_one_another_are_the_file(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                "[aäß€😀]{0,20}".prop_map(String::into_bytes),
            ],
            length in 1_u64..9,
        ) {
            let mut found = Vec::new();
            loop {
                let part = Part::of_whole(&bytes, "h", found.len() as u64, length);
                prop_assert_eq!(part.size, bytes.len() as u64);
                let more = match part.encoding {
                    Encoding::Utf8 => part.content.into_bytes(),
                    Encoding::Base64 => BASE64.decode(part.content.as_bytes()).unwrap(),
                };
                prop_assert!(part.eof || !more.is_empty(), "it gets on");
                found.extend(more);
                if part.eof {
                    break;
                }
            }
            prop_assert_eq!(found, bytes);
        }
    }
}
