//! Which files the engine compiles along with a script, and which it is to do without.
//!
//! It reads every file of functions beside a script, once and before anything runs, and one of them that
//! cannot be compiled keeps every script of the folder from running. So such a file is left out: it is as
//! if it were not there when it is read for the first time. A script that reads it later finds it.

use std::collections::BTreeSet;
use std::io;

/// So many files are remembered. Of more nobody finds out which one is at fault.
const READ_MAX: usize = 4096;

/// What is read while a script is compiled and runs.
#[derive(Debug, Default)]
pub(super) struct Sources {
    left_out: BTreeSet<String>,
    read: Vec<String>,
}

impl Sources {
    pub(super) fn without(left_out: &[String]) -> Self {
        Self { left_out: left_out.iter().cloned().collect(), read: Vec::new() }
    }

    /// A file is about to be read. Fails where it is to be left out.
    pub(super) fn reads(&mut self, named: &str) -> io::Result<()> {
        if self.left_out.remove(named) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if self.read.len() < READ_MAX && named.to_ascii_lowercase().ends_with(".m") {
            self.read.push(named.to_owned());
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_left_out_is_missed_once() {
        let mut sources = Sources::without(&["broken.m".to_owned()]);
        assert!(sources.reads("broken.m").is_err());
        sources.reads("broken.m").unwrap();
        sources.reads("good.M").unwrap();
        sources.reads("table.csv").unwrap();
        assert_eq!(sources.take(), ["broken.m", "good.M"]);
        assert!(sources.take().is_empty());
    }
}
