//! Names that are made of what they stand for, so that reading a history again repeats nothing.

use sha2::{Digest, Sha256};

/// Returns `<prefix><the first 32 hex digits of the SHA-256 of text>`.
pub(crate) fn hashed(prefix: &str, text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).fold(prefix.to_owned(), |mut id, byte| {
        _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_contract() {
        let session = "aaaaaaaa-0000-4000-8000-000000000001";
        for (index, id) in
            [(0, "6495631ffd5fdc773d350867d8645abe"), (1, "ef5dca7fbed7fc0458208a5a545ea546")]
        {
            let found = hashed("import-cc-", &format!("claude-code:{session}:{index}"));
            assert_eq!(found, format!("import-cc-{id}"));
        }
    }
}
