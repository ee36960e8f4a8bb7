//! What the process is told when it is started. It reads no environment and no settings.

use std::ffi::OsString;
use std::path::PathBuf;

use oriel_wire::compute::Limits;

/// What the process is told when it is started.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    /// The folder that scripts may use.
    pub(crate) workspace: PathBuf,
    /// Whether they may only read in it.
    pub(crate) is_read_only: bool,
    /// The folder in which the variables are kept for the case that the process is ended by force.
    pub(crate) replay: Option<PathBuf>,
    /// Whether to begin with what is kept there.
    pub(crate) restore: bool,
    /// What a script may use.
    pub(crate) limits: Limits,
    /// What files that scripts make are not allowed, where that is not what the process was started with.
    pub(crate) umask: Option<u32>,
    /// Whether it keeps all that it may do. A person debugging it says so, and the figures of RunMat's own
    /// files are taken so.
    pub(crate) is_unconfined: bool,
    /// Whether files are RunMat's own, to compare with ours. Only without confinement.
    pub(crate) has_native_files: bool,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut read = Self {
            workspace: PathBuf::new(),
            is_read_only: false,
            replay: None,
            restore: false,
            limits: Limits { memory_bytes: None, run_ms: None, output_bytes: None },
            umask: None,
            is_unconfined: false,
            has_native_files: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{} needs a value", word.display()));
            match word.to_str() {
                Some("--workspace") => read.workspace = value()?.into(),
                Some("--read-only") => read.is_read_only = true,
                Some("--replay") => read.replay = Some(value()?.into()),
                Some("--restore") => read.restore = true,
                Some("--memory-bytes") => read.limits.memory_bytes = Some(number(&value()?)?),
                Some("--run-ms") => read.limits.run_ms = Some(number(&value()?)?),
                Some("--output-bytes") => read.limits.output_bytes = Some(number(&value()?)?),
                Some("--umask") => read.umask = Some(umask(&value()?)?),
                Some("--unconfined") => read.is_unconfined = true,
                Some("--native-files") => read.has_native_files = true,
                _ => {
                    return Err(format!(
                        "{} is no argument; `oriel compute` starts this program",
                        word.display()
                    ));
                }
            }
        }
        if read.workspace.as_os_str().is_empty() {
            return Err("a workspace is needed; `oriel compute` starts this program".to_owned());
        }
        if read.has_native_files && !read.is_unconfined {
            return Err("--native-files needs --unconfined".to_owned());
        }
        Ok(read)
    }
}

fn number(word: &OsString) -> Result<u64, String> {
    let text = word.to_str().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    text.ok_or_else(|| format!("{} is no number above zero", word.display()))
}

fn umask(word: &OsString) -> Result<u32, String> {
    let read = word.to_str().and_then(|text| u32::from_str_radix(text, 8).ok());
    read.filter(|umask| *umask <= 0o777).ok_or_else(|| format!("{} is no umask", word.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, String> {
        Arguments::read(words.iter().map(OsString::from))
    }

    #[test]
    fn every_word_is_known_and_has_its_value() {
        let all =
            ["--workspace", "w", "--read-only", "--replay", "r", "--restore", "--run-ms", "9"];
        let read_all = read(&all).unwrap();
        assert!(read_all.is_read_only && read_all.restore && !read_all.is_unconfined);
        assert_eq!((read_all.limits.run_ms, read_all.umask), (Some(9), None));
        assert_eq!(read(&["--workspace", "w", "--umask", "0027"]).unwrap().umask, Some(0o027));
        for wrong in [
            &[][..],
            &["--workspace"],
            &["--workspace", "w", "--run-ms", "0"],
            &["--workspace", "w", "--run-ms", "x"],
            &["--workspace", "w", "--native-files"],
            &["--workspace", "w", "extra"],
            &["--workspace", "w", "--umask", "1000"],
            &["--workspace", "w", "--umask", "9"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
