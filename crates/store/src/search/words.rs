//! What a word is: to the index, to a question and to what is not indexed yet, all the same.
//!
//! A word is a run of letters and digits, without its case and its accents. Characters of scripts
//! that write no spaces are words of their own, so that a few of them are found as a phrase.

use std::ops::Range;

/// A word counts up to this many bytes: what is longer is no word of a language, and one end of a
/// hash or an encoded image is as good as all of it.
const WORD_BYTES_MAX: usize = 64;

/// Goes through the words of a text.
pub(crate) struct Words<'a> {
    text: &'a str,
    at: usize,
    word: String,
}

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text, at: 0, word: String::with_capacity(WORD_BYTES_MAX + 4) }
    }

    /// Returns the next word and where it stands.
    pub(crate) fn advance(&mut self) -> Option<(&str, Range<usize>)> {
        self.word.clear();
        let from = self.skip_to_word()?;
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if byte.is_ascii_alphanumeric() {
                self.push(byte.to_ascii_lowercase() as char);
                self.at += 1;
            } else if byte.is_ascii() {
                break;
            } else {
                let char = self.here()?;
                let alone = stands_alone(char);
                if !(is_part(char) || is_mark(char)) || (alone && self.at > from) {
                    break;
                }
                self.at += char.len_utf8();
                self.push_folded(char);
                if alone {
                    break;
                }
            }
        }
        Some((&self.word, from..self.at))
    }

    fn skip_to_word(&mut self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        loop {
            let byte = *bytes.get(self.at)?;
            if byte.is_ascii() {
                if byte.is_ascii_alphanumeric() {
                    return Some(self.at);
                }
                self.at += 1;
            } else {
                let char = self.here()?;
                if is_part(char) && !is_mark(char) {
                    return Some(self.at);
                }
                self.at += char.len_utf8();
            }
        }
    }

    fn here(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn push(&mut self, char: char) {
        if self.word.len() + char.len_utf8() <= WORD_BYTES_MAX {
            self.word.push(char);
        }
    }

    fn push_folded(&mut self, char: char) {
        for lower in char.to_lowercase() {
            if !is_mark(lower) {
                self.push(plain(lower));
            }
        }
    }
}

/// Returns whether words are made of this character. The index takes a word to be ASCII letters,
/// ASCII digits and whatever is not ASCII, and so never splits one of ours.
fn is_part(char: char) -> bool {
    char.is_alphanumeric()
}

/// Returns whether a character is an accent of the one before it.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}')
}

/// Returns whether a character is written without a space before the next word.
fn stands_alone(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Returns a small letter without its accents.
fn plain(char: char) -> char {
    let nth = |table: &[char], from: u32| {
        table.get((char as u32).wrapping_sub(from) as usize).copied().unwrap_or(char)
    };
    match char {
        '\u{df}'..='\u{17f}' => nth(&LATIN, 0xdf),
        '\u{1e00}'..='\u{1eff}' => nth(&LATIN_MORE, 0x1e00),
        _ => char,
    }
}

/// Makes a table of characters from a text that has this many.
const fn table<const N: usize>(text: &str) -> [char; N] {
    let (bytes, mut table, mut at, mut nth) = (text.as_bytes(), ['\0'; N], 0, 0);
    while nth < N {
        let first = bytes[at] as u32;
        let (length, mut code) = match first {
            0..=0x7f => (1, first),
            0x80..=0xdf => (2, first & 0x1f),
            _ => (3, first & 0xf),
        };
        let mut more = 1;
        while more < length {
            code = code << 6 | (bytes[at + more] as u32 & 0x3f);
            more += 1;
        }
        table[nth] = char::from_u32(code).expect("the text is made of characters");
        (at, nth) = (at + length, nth + 1);
    }
    assert!(at == bytes.len(), "the text has as many characters as the table");
    table
}

/// What stands for the characters from U+00DF on.
static LATIN: [char; 161] = table(
    "ßaaaaaaæceeeeiiiiðnooooo÷ouuuuyþyaaaaaaccccccccddddeeeeeeeeeeggg\
     ggggghhhhiiiiiiiiİiĳĳjjkkĸllllllŀŀllnnnnnnŉŋŋooooooœœrrrrrrsssss\
     sssttttttuuuuuuuuuuuuwwyyyzzzzzzſ",
);

/// What stands for the characters from U+1E00 on.
static LATIN_MORE: [char; 256] = table(
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm\
     mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv\
     wwwwwwwwwwxxxxyyzzzzzzhtwyẚſẜẝßẟaaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee\
     eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyyỻỻỽỽỿỿ",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_no_letter_or_digit_is() {
        check("Fix src/main.rs:42, please", &["fix", "src", "main", "rs", "42", "please"]);
        check("snake_case and_ _x", &["snake", "case", "and", "x"]);
        check("", &[]);
        check("!!! \0 \u{301} --", &[]);
    }

    #[test]
    fn case_and_accents_do_not_matter() {
        check("ÉTÉ été e\u{301}te\u{301}", &["ete", "ete", "ete"]);
        check(
            "Ångström Straße Đà Nẵng İstanbul",
            &["angstrom", "straße", "da", "nang", "istanbul"],
        );
        check("ПРИВЕТ", &["привет"]);
    }

    #[test]
    fn characters_without_spaces_between_are_words_of_their_own() {
        check("修复bug了", &["修", "复", "bug", "了"]);
        check("カナ", &["カ", "ナ"]);
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let long = "a".repeat(10_000);
        check(&format!("{long} b"), &[&long[..WORD_BYTES_MAX], "b"]);
        check(&format!("{}é", "a".repeat(63)), &[&format!("{}e", "a".repeat(63))]);
        let wide = "ж".repeat(100);
        check(&wide, &[&wide[..WORD_BYTES_MAX]]);
    }

    #[test]
    fn a_word_tells_where_it_stands() {
        let text = " «Été» x";
        let mut words = Words::of(text);
        let mut places = Vec::new();
        while let Some((_, place)) = words.advance() {
            places.push(&text[place]);
        }
        assert_eq!(places, ["Été", "x"]);
    }

    fn check(text: &str, expected: &[&str]) {
        let (mut words, mut found) = (Words::of(text), Vec::new());
        while let Some((word, _)) = words.advance() {
            found.push(word.to_owned());
        }
        assert_eq!(found, expected, "{text}");
    }
}
