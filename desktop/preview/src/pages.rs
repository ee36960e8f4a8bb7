//! The few pages of ours: what is shown in place of a page that could not be.
//!
//! They hold no script and load nothing. Whatever of them was a page's is written as text.

use crate::text::{clean, clip};

/// The longest words of a page or a server that one of our pages repeats. Longer ones are cut.
const WORDS_BYTES_MAX: usize = 512;

/// A page that says what happened, with an address to try again.
pub(crate) fn failure(heading: &str, words: &str, address: &str) -> String {
    let heading = escape(heading);
    let words = escape(&sentence(&clean(words, WORDS_BYTES_MAX)));
    let shown = escape(clip(address, WORDS_BYTES_MAX));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{heading}</title>\
         <style>body{{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em;\
         overflow-wrap:anywhere}}</style>\
         <h1>{heading}</h1><p>{words}</p><p><code>{shown}</code></p>\
         <p>Press Reload in the bar to try again.</p></html>"
    )
}

/// Words that an error says, as they stand on a page.
fn sentence(words: &str) -> String {
    let mut rest = words.chars();
    let first: String = rest.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if words.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", rest.as_str())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_said_is_text_in_ours() {
        let page = failure("No <b>", "<script>1</script>\u{202e}'\"&", "http://a/?<img src=x>");
        assert!(page.contains("&lt;script&gt;1&lt;/script&gt;&#39;&quot;&amp;"), "{page}");
        assert!(
            !page.contains("<script") && !page.contains("<img") && !page.contains("<b>"),
            "{page}"
        );
    }
}
