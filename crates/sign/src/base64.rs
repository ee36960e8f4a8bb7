//! Bytes as text that may stand in a URL: base64url with no padding, in its one canonical form.

use data_encoding::BASE64URL_NOPAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Returns the bytes of a text of exactly this many bytes. Text with stray bits at its end is
/// refused, so that no two texts stand for the same bytes.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Longer text is not even looked at, however long it is.
    if text.len() != BASE64URL_NOPAD.encode_len(N) {
        return None;
    }
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_form_only() {
        assert_eq!(encode(&[0xFF, 0xFE]), "__4");
        assert_eq!(decode::<2>("__4"), Some([0xFF, 0xFE]));
        for other in ["__5", "__4=", "//4", "__4 ", "", "__", "__444"] {
            assert_eq!(decode::<2>(other), None, "{other}");
        }
    }
}
