//! What pages are made of besides HTML: one style sheet, two scripts, one picture. They are in the
//! program, and their addresses carry a digest, so a browser keeps them for good.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::PageError;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "oriel.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/oriel.css"),
    },
    Asset {
        name: "oriel.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/oriel.js"),
    },
    Asset {
        name: "htmx-2.0.11.min.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/htmx-2.0.11.min.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("../assets/icon.svg") },
];

/// A digest of all of them: another version of the program has other addresses.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = Sha256::new();
    for asset in ASSETS {
        all.update(asset.bytes);
    }
    all.finalize().iter().take(6).fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
});

/// Returns the address of an asset.
pub(crate) fn address(name: &str) -> String {
    format!("/static/{name}?v={}", *VERSION)
}

/// Answers with an asset.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, PageError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| PageError::NotFound(format!("there is no file {name}")))?;
    let headers =
        [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of the file that htmx published as version 2.0.11.
    const HTMX: &str = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717";

    #[test]
    fn the_library_is_the_one_that_was_published() {
        let asset = ASSETS.iter().find(|asset| asset.name.starts_with("htmx")).unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(&Sha256::digest(asset.bytes)), HTMX);
    }
}
