//! Writing a command for a shell, and knowing one that we wrote.

/// Returns a word that a shell reads as itself.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Returns the words of a command, if it has nothing in it but words, plain or in single quotes.
/// Such is what [`quote`] writes; what is anything else is not ours.
pub(super) fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            _ if quoted => word.get_or_insert_default().push(c),
            ' ' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            ';' | '&' | '|' | '<' | '>' | '(' | ')' | '$' | '`' | '"' | '\n' => return None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_back() {
        for word in ["", "a", "/opt/my tools/oriel", "it's", "$HOME `x` \"y\" \\ ; | \n é"] {
            let command = format!("{} hook {}", quote(word), quote("b"));
            assert_eq!(words(&command).unwrap(), [word, "hook", "b"]);
        }
        assert_eq!(words("a | b"), None);
        assert_eq!(words("'a"), None);
    }
}
