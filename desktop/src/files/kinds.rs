//! What kind a file is, by its name. Nothing that an engine would run as a page has a kind of its own.

/// Kinds by the end of a name.
const KINDS: [(&str, &str); 24] = [
    ("apng", "image/apng"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("css", "text/plain; charset=utf-8"),
    ("csv", "text/plain; charset=utf-8"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("m", "text/plain; charset=utf-8"),
    ("md", "text/plain; charset=utf-8"),
    ("mkv", "video/x-matroska"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// Returns the kind of a file.
pub(super) fn kind_of(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    let known = KINDS.iter().find(|(known, _)| *known == end);
    known.map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_one_and_a_page_is_none() {
        assert_eq!(kind_of("a.b/C.PNG"), "image/png");
        assert_eq!(kind_of("notes.txt"), "text/plain; charset=utf-8");
        for path in ["a.html", "a.js", "a.xhtml", "png", "a.", "", "a.png/b"] {
            assert_eq!(kind_of(path), "application/octet-stream", "{path}");
        }
    }
}
