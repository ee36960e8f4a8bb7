//! Pieces of contents, shorter on the way.
#![forbid(unsafe_code)]

use oriel_wire::sync::Packing;
use zstd::bulk;

/// The fastest that helps: both sides wait for each other more than for bytes.
const LEVEL: i32 = 1;

/// What is shorter is not worth the work.
const BYTES_MIN: usize = 256;

/// How much is looked at to tell whether it is text.
const LOOK_BYTES: usize = 1024;

/// Packs a piece, where that makes it shorter by a tenth or more.
pub(super) fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < BYTES_MIN || !is_like_text(bytes) {
        return None;
    }
    // What cannot be packed goes as it is.
    let packed = bulk::compress(bytes, LEVEL).ok()?;
    (packed.len() <= bytes.len() / 10 * 9).then_some(packed)
}

/// Pictures, archives and programs have zero bytes from the first kilobyte on, and mostly are packed already.
fn is_like_text(bytes: &[u8]) -> bool {
    !bytes[..bytes.len().min(LOOK_BYTES)].contains(&0)
}

/// Unpacks a piece to exactly so many bytes, and takes no memory for more.
pub(super) fn unpack(bytes: Vec<u8>, packing: Packing, length: usize) -> Option<Vec<u8>> {
    let unpacked = match packing {
        Packing::Plain => bytes,
        Packing::Zstd => bulk::decompress(&bytes, length).ok()?,
    };
    (unpacked.len() == length).then_some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_packed_and_comes_out_as_it_went_in() {
        let text = b"fn main() {}\n".repeat(1000);
        let packed = pack(&text).unwrap();
        assert!(packed.len() < text.len() / 10);
        assert_eq!(unpack(packed, Packing::Zstd, text.len()), Some(text));
    }

    #[test]
    fn what_does_not_become_shorter_goes_as_it_is() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..4096).map(|_| random.u8(1..)).collect();
        assert_eq!(pack(&noise), None);
        assert_eq!(pack(b"short short short"), None);
        assert_eq!(pack(&[0; 4096]), None, "no text");
    }

    #[test]
    fn a_piece_that_unpacks_to_more_or_less_than_it_says_is_refused() {
        let packed = pack(&b"a".repeat(100_000)).unwrap();
        assert!(unpack(packed.clone(), Packing::Zstd, 99_999).is_none());
        assert!(unpack(packed.clone(), Packing::Zstd, 100_001).is_none());
        assert!(unpack(packed[..packed.len() - 1].to_vec(), Packing::Zstd, 100_000).is_none());
        assert!(unpack(b"no zstd".to_vec(), Packing::Zstd, 7).is_none());
    }
}
