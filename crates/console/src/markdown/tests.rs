//! Whatever is written, only marks of the fixed set come out, each closed, and every word is there.

use proptest::prelude::*;

use super::*;

const TAGS: [&str; 10] = ["p", "h5", "ul", "ol", "li", "blockquote", "pre", "code", "strong", "em"];

#[test]
fn the_plain_parts_are_read() {
    check("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>");
    check("## Found *it*", "<h5>Found <em>it</em></h5>");
    check(
        "- a\n- b `c`\n\n1. d",
        "<ul><li>a</li><li>b <code>c</code></li></ul><ol><li>d</li></ol>",
    );
    check("- a\n  - b\n- c", "<ul><li><p>a</p><ul><li>b</li></ul></li><li>c</li></ul>");
    check("> so\n> it is", "<blockquote><p>so\nit is</p></blockquote>");
    check(
        "```rust\nlet a = 1;\n\n# no heading\n```\nend",
        "<pre>let a = 1;\n\n# no heading</pre><p>end</p>",
    );
    check("a **b** c*d", "<p>a <strong>b</strong> c*d</p>");
    check("| a | b |\n|---|---|", "<pre>| a | b |\n|---|---|</pre>");
    check("2 * 3 * 4", "<p>2 * 3 * 4</p>");
    check("```\nnever closed", "<pre>never closed</pre>");
}

#[test]
fn nothing_that_is_written_does_anything() {
    for text in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[run](javascript:alert(1))",
        "![](https://evil.example/x.png)",
        "`</code><script>`",
        "```\n</pre><script>\n```",
        "- <a href='x' onclick=\"y\">z</a>",
        "<!-- --> <![CDATA[ ]]> &lt;script&gt;",
    ] {
        let html = html(text);
        check_safe(&html);
        assert!(
            !html.contains("<script") && !html.contains("<img") && !html.contains("<a"),
            "{html}"
        );
    }
}

#[test]
fn what_is_deep_or_long_ends() {
    check_safe(&html(&"> ".repeat(10_000)));
    check_safe(&html(&"- ".repeat(10_000)));
    check_safe(&html(&"*".repeat(20_000)));
    check_safe(&html(&"`a*b**".repeat(5000)));
    let steps: String = (0..500).map(|depth| format!("{}- x\n", "  ".repeat(depth))).collect();
    check_safe(&html(&steps));
}

proptest! {
    #[test]
    fn any_text_becomes_safe_html_with_all_of_its_letters(text in hostile()) {
        let html = html(&text);
        check_safe(&html);
        let letters = |text: &str| text.chars().filter(char::is_ascii_uppercase).collect::<String>();
        let mut shown = html;
        for tag in TAGS {
            shown = shown.replace(&format!("<{tag}>"), "").replace(&format!("</{tag}>"), "");
        }
        // The name of a code block's language is the only thing that is not shown.
        if !text.contains("```") && !text.contains("~~~") {
            prop_assert_eq!(letters(&shown), letters(&plain(&text)));
        }
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>"),
        Just("</pre>"),
        Just("```"),
        Just("~~~"),
        Just("`"),
        Just("**"),
        Just("*"),
        Just("\n"),
        Just("\n\n"),
        Just("- "),
        Just("  - "),
        Just("1. "),
        Just("> "),
        Just("# "),
        Just("| "),
        Just("\" onload=\""),
        Just("'"),
        Just("&"),
        Just("<"),
        Just(">"),
        Just(" "),
        Just("WORD"),
        Just("\u{202e}"),
        Just("\u{1b}[2J"),
        Just("\r"),
        Just("\0"),
        Just("é漢"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn check(text: &str, expected: &str) {
    assert_eq!(html(text), expected, "{text}");
}

/// Fails unless every tag is one of ours, closed in order, and nothing else could be one.
fn check_safe(html: &str) {
    let mut open = Vec::new();
    let mut pieces = html.split('<');
    assert!(!pieces.next().unwrap().contains('>'), "{html}");
    for piece in pieces {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("{html}"));
        assert!(!text.contains(['>', '"', '\u{1b}', '\u{202e}', '\0']), "{html}");
        match tag.strip_prefix('/') {
            Some(tag) => assert_eq!(open.pop(), Some(tag), "{html}"),
            None => {
                assert!(TAGS.contains(&tag), "{html}");
                open.push(tag);
            }
        }
    }
    assert!(open.is_empty(), "{html}");
}
