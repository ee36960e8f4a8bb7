//! BLAKE3 as everything here uses it: of bytes at once, and of bytes as they come.
#![forbid(unsafe_code)]

use oriel_wire::sync::Digest;

/// Returns the digest of these bytes.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// Takes the digest of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Digester(blake3::Hasher);

impl Digester {
    /// Begins with no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all that was added so far.
    #[must_use]
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        let mut digester = Digester::new();
        for piece in [b"one".as_slice(), b"", b" two"] {
            digester.update(piece);
        }
        assert_eq!(digester.finish(), digest_of(b"one two"));
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(Digester::new().finish().to_string(), empty);
    }
}
