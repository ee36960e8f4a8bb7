//! The operator's key: Ed25519, in one private file that is made once and never written again.
//!
//! A key is known to others by its `did:key`, which is the public half itself, so that a signature
//! can be checked by whoever has it, with no list of keys to ask.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::{base64, private};

/// The name of the key's file in its folder.
pub const KEY_FILE: &str = "operator.ed25519";

/// What the key's file begins with, so that a person who finds it knows what it is.
const PREFIX: &str = "ed25519:";

/// What says `Ed25519 public key` among the kinds of `did:key`.
const MULTICODEC: [u8; 2] = [0xED, 0x01];

/// What begins every `did:key`; the letter `z` stands for base58btc.
const DID_PREFIX: &str = "did:key:z";

/// Longer texts are no key of this kind and are not decoded: decoding base58 is quadratic.
const DID_BYTES_MAX: usize = 80;

/// More than a key's file ever holds.
const FILE_BYTES_MAX: u64 = 1024;

/// The operator's key.
pub struct Key {
    secret: SigningKey,
    public: PublicKey,
    created: Option<SystemTime>,
}

/// The half of a key that everyone may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    did: String,
    point: VerifyingKey,
}

/// The operator's key cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is one.
    #[error("{0} exists, and a key is never replaced; use it, or move it away yourself")]
    Exists(PathBuf),
    /// The file is none that this program wrote.
    #[error(
        "{0} holds no key; put back the file that was there, or move it away and make a new key"
    )]
    Malformed(PathBuf),
    /// Others than its owner may read it.
    #[error("{path} has mode {mode:03o}, so others may have read it; run `chmod 600 {path}`")]
    Exposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system has no random numbers.
    #[error("cannot draw a key: {0}")]
    Random(String),
    /// The file or its folder cannot be used.
    #[error("cannot use {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A text that names no Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key in the form `did:key:z6Mk…`")]
pub struct DidError;

impl Key {
    /// Draws a key and keeps it in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// When there is a key already, which stays as it is, and when it cannot be written.
    pub fn create(keys_dir: &Path) -> Result<Self, KeyError> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|error| KeyError::Random(error.to_string()))?;
        let path = keys_dir.join(KEY_FILE);
        private::create_dir(keys_dir).map_err(|source| io_error(keys_dir, source))?;
        let text = format!("{PREFIX}{}\n", base64::encode(&secret));
        private::write_first(&path, text.as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.clone()),
            _ => io_error(&path, source),
        })?;
        let mut key = Self::from_secret(&secret);
        key.created = created(&path);
        Ok(key)
    }

    /// Returns the key of a folder, or nothing where there is none.
    ///
    /// # Errors
    /// When there is a file that is no key, that others may read, or that cannot be read.
    pub fn open(keys_dir: &Path) -> Result<Option<Self>, KeyError> {
        let path = keys_dir.join(KEY_FILE);
        let metadata = match fs::symlink_metadata(&path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|source| io_error(&path, source))?,
        };
        // A link, a folder or a pipe is not what `create` made, and a pipe would never answer.
        if !metadata.is_file() {
            return Err(KeyError::Malformed(path));
        }
        refuse_exposed(&path, &metadata)?;
        let mut text = String::new();
        File::open(&path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
            .map_err(|source| match source.kind() {
                io::ErrorKind::InvalidData => KeyError::Malformed(path.clone()),
                _ => io_error(&path, source),
            })?;
        let secret = text.trim_end().strip_prefix(PREFIX).and_then(base64::decode::<32>);
        let mut key = Self::from_secret(&secret.ok_or(KeyError::Malformed(path))?);
        key.created = metadata.modified().ok();
        Ok(Some(key))
    }

    /// Returns the key with this secret, which is kept nowhere.
    #[must_use]
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        let secret = SigningKey::from_bytes(secret);
        let public = PublicKey::new(secret.verifying_key());
        Self { secret, public, created: None }
    }

    /// Returns the name by which others know the key: `did:key:z6Mk…`.
    #[must_use]
    pub fn did(&self) -> &str {
        self.public.did()
    }

    /// Returns the half of the key that everyone may know.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns when the key was made, where its file tells.
    #[must_use]
    pub fn created(&self) -> Option<SystemTime> {
        self.created
    }

    /// Signs a message. The same message has the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

/// Shows who it is and never the secret.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("did", &self.did()).finish_non_exhaustive()
    }
}

impl PublicKey {
    fn new(point: VerifyingKey) -> Self {
        let coded = [MULTICODEC.as_slice(), point.as_bytes()].concat();
        let did = format!("{DID_PREFIX}{}", bs58::encode(coded).into_string());
        Self { did, point }
    }

    /// Reads a key from its name.
    ///
    /// # Errors
    /// When the text is no `did:key` of an Ed25519 key, in its one canonical form, or names a point
    /// with which anyone could sign.
    pub fn from_did(did: &str) -> Result<Self, DidError> {
        let coded = did.strip_prefix(DID_PREFIX).filter(|_| did.len() <= DID_BYTES_MAX);
        let bytes = bs58::decode(coded.ok_or(DidError)?).into_vec().map_err(|_| DidError)?;
        let point = bytes.strip_prefix(&MULTICODEC).and_then(|point| point.try_into().ok());
        let point = VerifyingKey::from_bytes(point.ok_or(DidError)?).map_err(|_| DidError)?;
        let public = Self::new(point);
        let usable = public.did == did && !point.is_weak();
        usable.then_some(public).ok_or(DidError)
    }

    /// Returns the key's name.
    #[must_use]
    pub fn did(&self) -> &str {
        &self.did
    }

    /// Tells whether the key signed a message.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        // The strict rule has one signature for a message, so nobody can make a second from it.
        self.point.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

fn created(path: &Path) -> Option<SystemTime> {
    // The time is for people to read: a key without one is as good.
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    let private = mode & 0o077 == 0;
    if private { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and public key of the first vector of RFC 8032.
    const SECRET: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        assert!(Key::open(&keys).unwrap().is_none());
        let made = Key::create(&keys).unwrap();
        let found = Key::open(&keys).unwrap().unwrap();
        assert_eq!(made.did(), found.did());
        assert_eq!(made.sign(b"hello"), found.sign(b"hello"));
        assert!(found.created().is_some());
        assert!(matches!(Key::create(&keys), Err(KeyError::Exists(_))));
        assert_eq!(Key::open(&keys).unwrap().unwrap().did(), made.did(), "nothing replaced it");
    }

    #[test]
    fn of_many_who_make_a_key_at_once_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| Key::create(folder.path()))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert_eq!(made.len(), 1);
        assert_eq!(Key::open(folder.path()).unwrap().unwrap().did(), made[0].did());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft of a secret stays");
    }

    #[test]
    fn the_name_of_a_key_is_its_public_half() {
        let key = Key::from_secret(&bytes(SECRET));
        assert_eq!(key.public().point.as_bytes(), &bytes::<32>(PUBLIC));
        assert!(key.did().starts_with("did:key:z6Mk"), "{}", key.did());
        assert_eq!(&PublicKey::from_did(key.did()).unwrap(), key.public());
        assert!(key.public().signed(b"", &key.sign(b"")));
        assert!(!key.public().signed(b"x", &key.sign(b"")));
        assert!(!format!("{key:?}").contains(&base64::encode(&bytes::<32>(SECRET))));
    }

    #[test]
    fn a_name_that_is_no_key_is_refused() {
        let point = |head: [u8; 2], point: [u8; 32]| {
            format!("did:key:z{}", bs58::encode([head.as_slice(), &point].concat()).into_string())
        };
        // The neutral point, for which every message has a signature that anyone can write.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        for did in [
            String::new(),
            "did:key:z".to_owned(),
            "did:web:example.org".to_owned(),
            "did:key:z6Mk0OIl".to_owned(),
            point([0xEC, 0x01], bytes(PUBLIC)),
            point([0xED, 0x01], neutral),
            format!("{}1", Key::from_secret(&bytes(SECRET)).did()),
            format!("did:key:z{}", "6".repeat(1_000_000)),
        ] {
            assert_eq!(PublicKey::from_did(&did), Err(DidError), "{did:.90}");
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        for content in ["", "ed25519:", "ed25519:AAAA", "\u{0}", "-----BEGIN PRIVATE KEY-----"] {
            private::replace(&path, folder.path(), content.as_bytes()).unwrap();
            assert!(matches!(Key::open(folder.path()), Err(KeyError::Malformed(_))), "{content}");
            assert!(matches!(Key::create(folder.path()), Err(KeyError::Exists(_))));
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        private::replace(&path, folder.path(), &[0xFF; 60]).unwrap();
        assert!(matches!(Key::open(folder.path()), Err(KeyError::Malformed(_))));
    }

    #[test]
    #[cfg(unix)]
    fn a_key_that_others_may_read_or_that_is_a_link_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Key::create(folder.path()).unwrap();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Key::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let other = folder.path().join("other");
        fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(&path, other.join(KEY_FILE)).unwrap();
        assert!(matches!(Key::open(&other), Err(KeyError::Malformed(_))));
    }

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }
}
