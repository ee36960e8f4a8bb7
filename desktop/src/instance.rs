//! One desktop for each data directory: a second start hands over what it was to open, and ends.
//!
//! The lock is the system's and goes with the process, so a desktop that was killed keeps nobody out.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oriel_launcher::platform;
use serde::{Deserialize, Serialize};

/// A path of a socket that is as long is not taken by every system.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// A longer message is none of ours.
const MESSAGE_BYTES_MAX: u64 = 16 * 1024;

/// Who has not answered by then is busy ending, or stuck.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The pause between two tries to reach a desktop that is just starting.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// What a second start asks of the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handover {
    /// The place to open; without one the window comes to the front.
    pub(crate) place: Option<String>,
}

/// The data directory's one desktop.
pub(crate) struct Instance {
    listener: UnixListener,
    path: PathBuf,
    _lock: File,
}

/// What became of a start.
pub(crate) enum Start {
    /// This is the one.
    First(Instance),
    /// Another one has taken over what was to be opened.
    HandedOver,
}

/// A desktop cannot be the one, and cannot reach the one either.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    #[error("cannot use {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(
        "another desktop has {} and does not answer; end it, or choose another data directory with \
         --data-dir or --profile",
        folder.display()
    )]
    Silent { folder: PathBuf },
}

impl Instance {
    /// Takes the data directory's place for desktops, or hands over to who has it.
    pub(crate) fn take(data_dir: &Path, handover: &Handover) -> Result<Start, InstanceError> {
        let folder = data_dir.join("desktop").join("control");
        for folder in [data_dir.to_owned(), data_dir.join("desktop"), folder.clone()] {
            platform::make_private_dir(&folder)
                .map_err(|source| InstanceError::Folder { path: folder.clone(), source })?;
        }
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| InstanceError::Folder { path, source }
        };
        let (lock_path, path) = (folder.join("lock"), folder.join("desktop.sock"));
        let started = Instant::now();
        loop {
            let lock = platform::private_file(&lock_path).map_err(fail(&lock_path))?;
            match lock.try_lock() {
                Ok(()) => {
                    match std::fs::remove_file(&path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            return Err(fail(&path)(error));
                        }
                        _ => {}
                    }
                    let listener =
                        through(&path, |path| UnixListener::bind(path)).map_err(fail(&path))?;
                    return Ok(Start::First(Self { listener, path, _lock: lock }));
                }
                Err(TryLockError::Error(error)) => return Err(fail(&lock_path)(error)),
                Err(TryLockError::WouldBlock) if hand_over(&path, handover).is_ok() => {
                    return Ok(Start::HandedOver);
                }
                Err(TryLockError::WouldBlock) if ANSWERS_WITHIN <= started.elapsed() => {
                    return Err(InstanceError::Silent { folder: data_dir.to_owned() });
                }
                // It may be starting, or ending.
                Err(TryLockError::WouldBlock) => pause(),
            }
        }
    }

    /// Answers those who hand over, on a thread of its own, until the process ends.
    pub(crate) fn answer(self, take: impl Fn(Handover) + Send + 'static) {
        let answering = move || {
            // The lock is kept for as long as there is somebody to answer.
            let own = self;
            for stream in own.listener.incoming() {
                let taken = stream.and_then(|stream| receive(&stream));
                match taken {
                    Ok(handover) => take(handover),
                    Err(error) => tracing::warn!(%error, "a second start could not be understood"),
                }
            }
            // Whoever starts next removes what is left of it too.
            _ = std::fs::remove_file(&own.path);
        };
        std::thread::spawn(answering);
    }
}

/// Does something with a socket whose path may be longer than systems take for sockets: then it goes
/// through its folder, which this process has open under a short name.
fn through<T>(path: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return work(path) };
    if !cfg!(target_os = "linux") || path.as_os_str().len() < SOCKET_PATH_BYTES_MAX {
        return work(path);
    }
    let folder = File::open(folder)?;
    work(&Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name))
}

fn hand_over(path: &Path, handover: &Handover) -> io::Result<()> {
    let mut stream = through(path, |path| UnixStream::connect(path))?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    stream.set_write_timeout(Some(ANSWERS_WITHIN))?;
    let mut line = serde_json::to_vec(handover)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = [0; 3];
    stream.read_exact(&mut answer)?;
    if &answer == b"ok\n" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn receive(stream: &UnixStream) -> io::Result<Handover> {
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    stream.set_write_timeout(Some(ANSWERS_WITHIN))?;
    let mut line = String::new();
    BufReader::new(stream.take(MESSAGE_BYTES_MAX)).read_line(&mut line)?;
    let handover = serde_json::from_str(&line)?;
    let mut stream = stream;
    stream.write_all(b"ok\n")?;
    Ok(handover)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two tries to reach another process"
)]
fn pause() {
    std::thread::sleep(TRY_EVERY);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_second_start_hands_over_and_a_third_after_the_first_is_gone_is_the_one() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = Handover { place: None };
        let Start::First(first) = Instance::take(folder.path(), &nothing).unwrap() else {
            panic!("nobody else is there")
        };
        let (told, heard) = mpsc::channel();
        first.answer(move |handover| told.send(handover).unwrap());
        let place = Handover { place: Some("/sessions".to_owned()) };
        assert!(matches!(Instance::take(folder.path(), &place).unwrap(), Start::HandedOver));
        assert_eq!(heard.recv().unwrap(), place);
    }

    #[test]
    fn a_data_directory_may_have_a_long_path() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("x".repeat(120));
        let nothing = Handover { place: None };
        let Start::First(first) = Instance::take(&long, &nothing).unwrap() else {
            panic!("nobody else is there")
        };
        let (told, heard) = mpsc::channel();
        first.answer(move |handover| told.send(handover).unwrap());
        assert!(matches!(Instance::take(&long, &nothing).unwrap(), Start::HandedOver));
        assert_eq!(heard.recv().unwrap(), nothing);
    }

    #[test]
    fn what_a_killed_desktop_left_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("desktop").join("control");
        std::fs::create_dir_all(&control).unwrap();
        std::fs::write(control.join("lock"), "").unwrap();
        drop(UnixListener::bind(control.join("desktop.sock")).unwrap());
        let start = Instance::take(folder.path(), &Handover { place: None }).unwrap();
        assert!(matches!(start, Start::First(_)));
    }

    #[test]
    fn garbage_is_refused_and_the_next_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = Handover { place: None };
        let Start::First(first) = Instance::take(folder.path(), &nothing).unwrap() else {
            panic!("nobody else is there")
        };
        let path = first.path.clone();
        let (told, heard) = mpsc::channel();
        first.answer(move |handover| told.send(handover).unwrap());
        for garbage in [&b"\n"[..], b"{", &[b'x'; 40_000]] {
            let mut stream = UnixStream::connect(&path).unwrap();
            // It may hang up before all is written.
            _ = stream.write_all(garbage);
        }
        assert!(matches!(Instance::take(folder.path(), &nothing).unwrap(), Start::HandedOver));
        assert_eq!(heard.recv().unwrap(), nothing);
    }
}
