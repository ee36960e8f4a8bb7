//! Who may change something: browsers that opened a one-time link.
//!
//! A link is made by whoever can read the data directory (`oriel open`), works once and for ten
//! minutes. Opening it starts a session, whose name is in a cookie that no script can read. Sessions
//! outlive the console in a private file that holds only a digest of each name, so the file opens
//! nothing.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// More links than this do not wait; the oldest stops working.
const LINKS_MAX: usize = 16;

/// For how long a link works.
const LINK_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// More sessions than this are not kept; the one that was seen longest ago ends.
const SESSIONS_MAX: usize = 64;

/// For how long a session lasts after it was last seen.
const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// When a session was last seen is written down this often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// The sessions of a console, and the links that start them.
pub(crate) struct Sessions {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    links: Vec<Link>,
    sessions: Vec<Session>,
    /// When the file that they were read from, or written to, was changed.
    changed: Option<SystemTime>,
}

struct Link {
    digest: String,
    until: Timestamp,
}

/// A browser that may change something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// A digest of the name in the cookie.
    digest: String,
    /// What forms carry to show that this console made them.
    pub(crate) csrf: String,
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it was last seen, give or take some minutes.
    pub(crate) seen: Timestamp,
    /// What the browser said that it is.
    pub(crate) browser: String,
    /// What is to be said on the next page.
    #[serde(skip)]
    said: Option<Said>,
}

/// What came of something that was asked for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Said {
    /// Whether it was done.
    pub(crate) ok: bool,
    /// In words.
    pub(crate) text: String,
}

impl Session {
    /// Returns a name for people and for the audit, which opens nothing.
    pub(crate) fn label(&self) -> &str {
        self.digest.get(..8).unwrap_or_default()
    }

    /// Returns whether a form carries what this session's forms carry.
    pub(crate) fn made(&self, csrf: &str) -> bool {
        bool::from(self.csrf.as_bytes().ct_eq(csrf.as_bytes()))
    }
}

impl Sessions {
    /// Reads the sessions of a data directory. A file that cannot be read holds none.
    pub(crate) fn of(data_dir: &Path) -> Self {
        let file = data_dir.join("console").join("sessions.json");
        let known = Self { file, state: Mutex::default() };
        known.read(&mut known.state());
        known
    }

    /// Makes a link and returns its secret.
    pub(crate) fn new_link(&self, now: Timestamp) -> io::Result<String> {
        let secret = secret()?;
        let mut state = self.state();
        state.links.retain(|link| now < link.until);
        if state.links.len() == LINKS_MAX {
            state.links.remove(0);
        }
        state.links.push(Link { digest: digest(&secret), until: now + LINK_LASTS });
        Ok(secret)
    }

    /// Takes a link, which then works no more, and returns the name of the session that it starts.
    pub(crate) fn open(
        &self,
        secret: &str,
        browser: &str,
        now: Timestamp,
    ) -> io::Result<Option<String>> {
        let digest = digest(secret);
        {
            let mut state = self.state();
            let Some(at) = state.links.iter().position(|link| same(&link.digest, &digest)) else {
                return Ok(None);
            };
            if state.links.remove(at).until <= now {
                return Ok(None);
            }
        }
        self.begin(browser, now).map(Some)
    }

    /// Starts a session and returns its name.
    pub(crate) fn begin(&self, browser: &str, now: Timestamp) -> io::Result<String> {
        let name = secret()?;
        let session = Session {
            digest: digest(&name),
            csrf: secret()?,
            began: now,
            seen: now,
            browser: browser.chars().filter(|c| !c.is_control()).take(160).collect(),
            said: None,
        };
        let mut state = self.state();
        self.read(&mut state);
        state.sessions.retain(|session| now < session.seen + SESSION_LASTS);
        if state.sessions.len() >= SESSIONS_MAX {
            let oldest = state.sessions.iter().enumerate().min_by_key(|(_, one)| one.seen);
            if let Some((at, _)) = oldest {
                state.sessions.remove(at);
            }
        }
        state.sessions.push(session);
        self.write(&mut state)?;
        Ok(name)
    }

    /// Returns the session of a cookie.
    pub(crate) fn find(&self, name: &str, now: Timestamp) -> Option<Session> {
        let digest = digest(name);
        let mut state = self.state();
        self.read(&mut state);
        let session = state.sessions.iter_mut().find(|one| same(&one.digest, &digest))?;
        if session.seen + SESSION_LASTS <= now {
            return None;
        }
        let found = session.clone();
        if session.seen + SEEN_EVERY <= now {
            session.seen = now;
            if let Err(error) = self.write(&mut state) {
                tracing::warn!(%error, "when a session was seen is not written down");
            }
        }
        Some(found)
    }

    /// Ends the session with this label, and returns whether there was one.
    pub(crate) fn end(&self, label: &str) -> io::Result<bool> {
        let mut state = self.state();
        self.read(&mut state);
        let before = state.sessions.len();
        state.sessions.retain(|session| session.label() != label);
        let ended = state.sessions.len() < before;
        if ended {
            self.write(&mut state)?;
        }
        Ok(ended)
    }

    /// Ends every session but one, and returns how many there were.
    pub(crate) fn end_others(&self, kept: &Session) -> io::Result<usize> {
        let mut state = self.state();
        self.read(&mut state);
        let before = state.sessions.len();
        state.sessions.retain(|session| session.digest == kept.digest);
        let ended = before - state.sessions.len();
        if ended != 0 {
            self.write(&mut state)?;
        }
        Ok(ended)
    }

    /// Returns every session that lasts, the last seen first.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<Session> {
        let mut state = self.state();
        self.read(&mut state);
        let lasts = |session: &&Session| now < session.seen + SESSION_LASTS;
        let mut all: Vec<Session> = state.sessions.iter().filter(lasts).cloned().collect();
        all.sort_by_key(|session| std::cmp::Reverse(session.seen));
        all
    }

    /// Has something said on the next page of a session.
    pub(crate) fn say(&self, session: &Session, said: Said) {
        let mut state = self.state();
        if let Some(known) = state.sessions.iter_mut().find(|one| one.digest == session.digest) {
            known.said = Some(said);
        }
    }

    /// Takes what is to be said.
    pub(crate) fn take_said(&self, session: &Session) -> Option<Said> {
        let mut state = self.state();
        state.sessions.iter_mut().find(|one| one.digest == session.digest)?.said.take()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reads the file if another console of the same data directory wrote it since. Two of them share
    /// their sessions, for a browser sends the cookie of a host to all of its ports.
    fn read(&self, state: &mut State) {
        let changed = fs::metadata(&self.file).and_then(|file| file.modified()).ok();
        if changed == state.changed {
            return;
        }
        let text = fs::read(&self.file).ok();
        let sessions = text.and_then(|text| serde_json::from_slice::<Vec<Session>>(&text).ok());
        let mut sessions = sessions.unwrap_or_default();
        for session in &mut sessions {
            let known = state.sessions.iter_mut().find(|known| known.digest == session.digest);
            session.said = known.and_then(|known| known.said.take());
        }
        state.sessions = sessions;
        state.changed = changed;
    }

    fn write(&self, state: &mut State) -> io::Result<()> {
        let text = serde_json::to_vec(&state.sessions).map_err(io::Error::other)?;
        write_private(&self.file, &text)?;
        state.changed = fs::metadata(&self.file).and_then(|file| file.modified()).ok();
        Ok(())
    }
}

/// Replaces a private file whole, in a folder that is private too.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.create(folder)?;
    let beside = path.with_extension("new");
    let mut file = options.open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn secret() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

fn digest(name: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(name.as_bytes()))
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_starts_one_session_within_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::of(folder.path());
        let link = sessions.new_link(at(0)).unwrap();
        let name = sessions.open(&link, "a browser", at(1)).unwrap().unwrap();
        assert_eq!(sessions.open(&link, "another", at(2)).unwrap(), None, "it works once");
        assert!(sessions.find(&name, at(3)).is_some());
        let late = sessions.new_link(at(0)).unwrap();
        assert_eq!(sessions.open(&late, "", at(600)).unwrap(), None, "it worked ten minutes");
        assert_eq!(sessions.open("made up", "", at(1)).unwrap(), None);
    }

    #[test]
    fn a_session_outlives_the_console_and_its_file_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = Sessions::of(folder.path()).begin("b", at(0)).unwrap();
        let again = Sessions::of(folder.path());
        let session = again.find(&name, at(5)).unwrap();
        assert!(session.made(&session.csrf) && !session.made("else"));
        let text = fs::read_to_string(folder.path().join("console/sessions.json")).unwrap();
        assert!(!text.contains(&name));
        assert!(again.find(&session.digest, at(5)).is_none());
    }

    #[test]
    fn a_session_ends_when_it_is_not_seen_or_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::of(folder.path());
        let name = sessions.begin("b", at(0)).unwrap();
        let days = |days: i64| at(days * 86_400);
        assert!(sessions.find(&name, days(29)).is_some());
        assert!(sessions.find(&name, days(58)).is_some(), "seeing it keeps it");
        assert!(sessions.find(&name, days(89)).is_none());
    }

    #[test]
    fn there_are_no_more_sessions_and_links_than_the_most() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::of(folder.path());
        let first = sessions.begin("b", at(0)).unwrap();
        for second in 1..=64 {
            sessions.begin("b", at(second)).unwrap();
        }
        assert!(sessions.find(&first, at(70)).is_none());
        let link = sessions.new_link(at(0)).unwrap();
        for _ in 0..LINKS_MAX {
            sessions.new_link(at(1)).unwrap();
        }
        assert_eq!(sessions.open(&link, "", at(2)).unwrap(), None);
    }

    #[test]
    fn two_consoles_of_a_data_directory_share_their_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Sessions::of(folder.path()), Sessions::of(folder.path()));
        let first = one.begin("b", at(0)).unwrap();
        assert!(other.find(&first, at(1)).is_some());
        let second = other.begin("b", at(2)).unwrap();
        assert!(one.find(&first, at(3)).is_some() && one.find(&second, at(3)).is_some());
        let label = one.find(&first, at(3)).unwrap().label().to_owned();
        assert!(other.end(&label).unwrap());
        assert!(one.find(&first, at(4)).is_none());
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }
}
