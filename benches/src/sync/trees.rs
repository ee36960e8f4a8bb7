//! The trees that are kept equal: how they are made, when a copy of one is whole, and what a file holds.
//!
//! No two files are alike, so that nobody gains by what they have already.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::stop::until;
use crate::bench::{BenchError, failed};

/// How many files a folder holds.
const IN_FOLDER: usize = 100;
/// How much of a large file is made, or compared, at once.
const PIECE: usize = 1 << 20;
/// How long a tree may take to arrive.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often the folder that is not whole yet is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How many files, and of how many bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The files.
    pub files: usize,
    /// The bytes of each.
    pub bytes: usize,
}

impl Shape {
    /// Says what the tree is.
    pub(super) fn name(self) -> String {
        format!("{} x {} bytes", self.files, self.bytes)
    }

    /// The file of a number, beneath a root.
    pub(super) fn file(root: &Path, number: usize) -> PathBuf {
        folder(root, number / IN_FOLDER).join(format!("f{number:06}"))
    }

    /// Makes the tree beneath a folder that is there.
    pub(super) fn make(self, root: &Path) -> Result<(), BenchError> {
        let mut piece = vec![0; self.bytes.min(PIECE)];
        let make = |number: usize, piece: &mut [u8]| {
            if number.is_multiple_of(IN_FOLDER) {
                fs::create_dir(folder(root, number / IN_FOLDER))?;
            }
            let mut file = File::create(Self::file(root, number))?;
            let mut left = self.bytes;
            while left > 0 {
                let now = left.min(piece.len());
                fill(&mut piece[..now], (number * self.bytes + left) as u64);
                file.write_all(&piece[..now])?;
                left -= now;
            }
            io::Result::Ok(())
        };
        (0..self.files)
            .try_for_each(|number| make(number, &mut piece))
            .map_err(|source| failed(format!("make a tree in {}", root.display()), source))
    }

    /// Waits until every file is there by its name. Folders are looked at in turn, each until it is whole,
    /// so that looking costs little however many there are.
    pub(super) fn until_there(self, root: &Path) -> Result<(), BenchError> {
        for number in 0..self.files.div_ceil(IN_FOLDER) {
            let expected = IN_FOLDER.min(self.files - number * IN_FOLDER);
            let what = format!("folder {number} of {} to be whole", root.display());
            until(&what, PATIENCE, LOOK_EVERY, || {
                Ok((files_in(&folder(root, number)) == expected).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Fails unless both trees hold the same, byte by byte.
    pub(super) fn compare(self, one: &Path, other: &Path) -> Result<(), BenchError> {
        for number in 0..self.files {
            let paths = [Self::file(one, number), Self::file(other, number)];
            let cannot =
                || format!("find the same in {} and {}", paths[0].display(), paths[1].display());
            let same = same(&paths).map_err(|source| failed(cannot(), source))?;
            if !same {
                return Err(failed(cannot(), io::Error::other("they differ")));
            }
        }
        Ok(())
    }
}

/// Fills a buffer with bytes that no other seed gives.
pub(super) fn fill(buffer: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635_1d5a_9b27;
    for part in buffer.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bytes = (mixed ^ (mixed >> 29)).to_le_bytes();
        part.copy_from_slice(&bytes[..part.len()]);
    }
}

fn folder(root: &Path, number: usize) -> PathBuf {
    root.join(format!("d{number:04}"))
}

/// Counts the files of ours. What a program puts there until a file is whole begins with a dot.
fn files_in(folder: &Path) -> usize {
    // A folder that has not arrived has no files.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"f")).count()
}

fn same([one, other]: &[PathBuf; 2]) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let length = one.metadata()?.len();
    if length != other.metadata()?.len() {
        return Ok(false);
    }
    let size = usize::try_from(length).unwrap_or(PIECE).clamp(1, PIECE);
    let (mut first, mut second) = (vec![0; size], vec![0; size]);
    let mut left = usize::try_from(length).unwrap_or(usize::MAX);
    while left > 0 {
        let now = left.min(size);
        one.read_exact(&mut first[..now])?;
        other.read_exact(&mut second[..now])?;
        if first[..now] != second[..now] {
            return Ok(false);
        }
        left -= now;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_whole_when_every_file_has_arrived_and_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let roots = ["one", "other"].map(|name| folder.path().join(name));
        let shape = Shape { files: 250, bytes: 100 };
        for root in &roots {
            fs::create_dir(root).unwrap();
            shape.make(root).unwrap();
        }
        shape.until_there(&roots[1]).unwrap();
        shape.compare(&roots[0], &roots[1]).unwrap();

        fs::write(Shape::file(&roots[1], 249), vec![1; 100]).unwrap();
        let message = shape.compare(&roots[0], &roots[1]).unwrap_err().to_string();
        assert!(message.contains("f000249"), "{message}");
    }

    #[test]
    fn what_is_on_its_way_is_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["f000001", ".f000002.Xy1", ".syncthing.f000003.tmp"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(files_in(folder.path()), 1);
        assert_eq!(files_in(&folder.path().join("not-there")), 0);
    }

    #[test]
    fn no_two_files_are_alike() {
        let mut pieces = [[0; 64]; 50];
        for (seed, piece) in pieces.iter_mut().enumerate() {
            fill(piece, seed as u64);
        }
        for (index, piece) in pieces.iter().enumerate() {
            assert!(!pieces[..index].contains(piece), "{index}");
        }
    }
}
