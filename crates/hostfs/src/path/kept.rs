//! Names that are kept from pages.
//!
//! A page with a grant reads and writes a person's own work. What runs by itself, or lets somebody in, is
//! no part of that: a changed `.git/hooks/…`, `.envrc` or `.vscode/tasks.json` is a program that the
//! person starts without knowing it, and a key is not the page's to read. So:
//!
//! - *Writing* is refused for every name that begins with a dot, and for keys and the like. It holds for
//!   what is beneath such a folder too.
//! - *Reading* is refused for keys and for files that hold passwords: the folders `.ssh`, `.gnupg`,
//!   `.aws`, `.azure`, `.kube`, `.docker` and `.password-store`, private keys (`id_*` without `.pub`, `*.pem`,
//!   `*.key`, `*.p12`, …), `.env` and `.env.*`, `.netrc`, `.npmrc`, `.pypirc`, `.git-credentials` and
//!   `.htpasswd`. Other dotfiles are read: an editor without `.gitignore` is none.
//!
//! Names are compared as the laxest file system would find them: without regard to case, to the form of
//! accents, to characters that nobody sees, and to dots and spaces at the end. What looks like the
//! short form that FAT gives a name (`GIT~1`) is kept as well, since one cannot see what it is short for.

use unicode_normalization::UnicodeNormalization as _;

const FOLDERS: [&str; 7] =
    [".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store"];

const FILES: [&str; 7] =
    [".env", ".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", ".htpasswd"];

const ENDINGS: [&str; 8] = ["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx", "ppk"];

/// Returns whether a page may not change what is of that path in a workspace. It is the path that the
/// file really has, without links.
pub(crate) fn is_kept_from_writing(real: &str) -> bool {
    real.split('/').map(fold).any(|part| part.starts_with('.') || is_secret(&part))
}

/// Returns whether a page may not read what is of that path in a workspace.
pub(crate) fn is_kept_from_reading(real: &str) -> bool {
    real.split('/').map(fold).any(|part| is_secret(&part))
}

fn is_secret(part: &str) -> bool {
    let ending = part.rsplit_once('.').map(|(_, ending)| ending);
    let is_identity = part.strip_prefix("id_").is_some_and(|kind| {
        ["rsa", "dsa", "ecdsa", "ed25519", "xmss"].iter().any(|known| kind.starts_with(known))
    });
    FOLDERS.contains(&part)
        || FILES.contains(&part)
        || part.starts_with(".env.")
        || ending.is_some_and(|ending| ENDINGS.contains(&ending))
        || (is_identity && ending != Some("pub"))
        || is_short_form(part)
}

/// Returns whether it is what FAT calls something with a longer name: at most six characters, `~`, a
/// number, and at most three more.
fn is_short_form(part: &str) -> bool {
    let (name, ending) = part.split_once('.').unwrap_or((part, ""));
    let Some((stem, number)) = name.split_once('~') else { return false };
    name.len() <= 8
        && ending.len() <= 3
        && !stem.is_empty()
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a name as the laxest file system compares it.
pub(crate) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    }
    // To upper case first: two letters that have the same capital are the same to who folds that way.
    let seen = name.nfd().filter(|letter| !is_unseen(*letter));
    let folded: String =
        seen.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect();
    let end = folded.trim_end_matches(['.', ' ']).len();
    folded[..end].to_owned()
}

/// Characters that some file systems pass over when they compare names.
const fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_by_itself_is_not_written_and_is_read() {
        for path in [".git/hooks/pre-commit", ".gitignore", "a/.vscode/tasks.json", ".GIT/config"] {
            assert!(is_kept_from_writing(path), "{path}");
            assert!(!is_kept_from_reading(path), "{path}");
        }
    }

    #[test]
    fn keys_are_neither_written_nor_read() {
        for path in [
            ".ssh/config",
            "a/.ssh",
            "id_rsa",
            "x/ID_ED25519",
            "server.pem",
            "A.KEY",
            ".env",
            ".env.local",
            ".Netrc",
            "id_rsa.bak",
            "ıd_rsa",
            ".ſsh/id",
            ".s\u{200d}sh/x",
            ".env.",
            ".env ",
            "SSH~1/x",
            "gi7eba~1",
            "ENV~1",
            "ab~1.pem",
            "\u{feff}.ssh",
        ] {
            assert!(is_kept_from_reading(path), "{path}");
            assert!(is_kept_from_writing(path), "{path}");
        }
    }

    #[test]
    fn a_persons_work_is_theirs() {
        for path in [
            "",
            "a",
            "src/main.rs",
            "id_rsa.pub",
            "keys/readme.md",
            "pem",
            "a..b",
            "~",
            "notes~",
            "id_card.png",
            "environment",
        ] {
            assert!(!is_kept_from_writing(path), "{path}");
        }
    }
}
