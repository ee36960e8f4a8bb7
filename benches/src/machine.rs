//! Where and with what the figures were measured.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

use crate::clock::seconds_text;

/// The facts without which a figure means little. What could not be found out is left out.
#[derive(Debug, Default, Serialize)]
pub struct Machine {
    date: String,
    cores: usize,
    processor: Option<String>,
    kernel: Option<String>,
    /// The kind of file system the stores were on.
    file_system: Option<String>,
    /// How many processes wanted to run just before.
    load_average: Option<f64>,
    rustc: Option<String>,
    oriel: Option<String>,
    /// Whether this program was compiled with optimization; the figures are worth nothing without.
    optimized: bool,
}

impl Machine {
    /// Looks around. `stores` is where data directories are made; `oriel` is absent when the server
    /// was started by someone else.
    #[must_use]
    pub fn find(now: SystemTime, stores: &Path, oriel: Option<&Path>) -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let cpus = read("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
        let average = read("/proc/loadavg").unwrap_or_default();
        Self {
            date: seconds_text(now),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: model.map(|model| model.trim_start_matches([' ', '\t', ':']).to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            file_system: file_system(&read("/proc/mounts").unwrap_or_default(), stores),
            load_average: average.split(' ').next().and_then(|first| first.parse().ok()),
            rustc: version(Path::new("rustc")),
            oriel: oriel.and_then(version),
            optimized: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "unknown".to_owned();
        writeln!(out, "{}: {} cores, {}", self.date, self.cores, or(&self.processor, unknown()))?;
        writeln!(
            out,
            "kernel {}, stores on {}, load average {}",
            or(&self.kernel, unknown()),
            or(&self.file_system, unknown()),
            self.load_average.map_or_else(unknown, |average| average.to_string()),
        )?;
        let oriel = or(&self.oriel, "oriel unknown".to_owned());
        write!(out, "{oriel}, {}", or(&self.rustc, unknown()))?;
        if !self.optimized {
            write!(out, "\nNOT VALID: this program was compiled without --release")?;
        }
        Ok(())
    }
}

fn or(known: &Option<String>, unknown: String) -> String {
    known.clone().unwrap_or(unknown)
}

/// Asks a program for its version; one that does not answer has none.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Finds the file system of a path: that of the longest mount point it lies below.
fn file_system(mounts: &str, path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let (_, kind) =
        mounts.filter(|(mount, _)| path.starts_with(mount)).max_by_key(|(mount, _)| mount.len())?;
    Some(kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_names_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        let parent = here.parent().unwrap().display();
        let mounts =
            format!("/dev/a / ext4 rw 0 0\nnone {parent} tmpfs rw 0 0\nx /other xfs rw 0 0\n");
        assert_eq!(file_system(&mounts, &here).as_deref(), Some("tmpfs"));
        assert_eq!(file_system("", &here), None);
    }

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version(Path::new("/nonexistent/oriel")), None);
    }
}
