use std::cell::RefCell;
use std::rc::Rc;

use super::*;

/// A file in memory that counts what is asked of it.
#[derive(Debug, Default, Clone)]
struct Memory(Rc<RefCell<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    reads: usize,
    writes: usize,
    read_bytes: usize,
    /// How many bytes there is room for.
    room: Option<usize>,
}

impl Bytes for Memory {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.0.borrow_mut();
        let start = kept.bytes.len().min(offset as usize);
        let count = (kept.bytes.len() - start).min(into.len());
        into[..count].copy_from_slice(&kept.bytes[start..start + count]);
        kept.reads += 1;
        kept.read_bytes += count;
        Ok(count)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.borrow_mut();
        kept.writes += 1;
        let start = offset as usize;
        let room = kept.room.unwrap_or(usize::MAX).saturating_sub(start);
        let count = bytes.len().min(room);
        if count == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        if kept.bytes.len() < start + count {
            kept.bytes.resize(start + count, 0);
        }
        kept.bytes[start..start + count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.borrow().bytes.len() as u64)
    }
}

const READ: May = May { read: true, write: false, append: false };
const BOTH: May = May { read: true, write: true, append: false };
const APPEND: May = May { read: true, write: true, append: true };

fn stream(bytes: &[u8], may: May) -> (Memory, Stream<Memory>) {
    let memory = Memory::default();
    memory.0.borrow_mut().bytes = bytes.to_vec();
    (memory.clone(), Stream::new(memory, may, Arc::default()))
}

fn numbered(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_file_that_is_read_byte_by_byte_is_asked_for_rarely() {
    let whole = numbered(8 * AHEAD_BYTES_MAX);
    let (memory, mut stream) = stream(&whole, READ);
    let mut byte = [0];
    let mut came = Vec::new();
    while stream.read(&mut byte).unwrap() == 1 {
        came.push(byte[0]);
    }
    assert!(came == whole);
    let kept = memory.0.borrow();
    assert!(kept.reads < 14, "{} reads", kept.reads);
    assert_eq!(kept.read_bytes, whole.len(), "no byte is read twice");
}

#[test]
fn a_long_read_is_handed_on_as_it_is() {
    let whole = numbered(3 * AHEAD_BYTES_MAX);
    let (memory, mut stream) = stream(&whole, READ);
    let mut came = vec![0; whole.len()];
    assert_eq!(stream.read(&mut came).unwrap(), whole.len());
    assert!(came == whole);
    assert_eq!(memory.0.borrow().reads, 1);
}

#[test]
fn whoever_jumps_has_little_read_for_it() {
    let (memory, mut stream) = stream(&numbered(64 * AHEAD_BYTES_MIN), READ);
    // It reads on for a while first, and so has more and more read ahead.
    stream.read_exact(&mut vec![0; 5 * AHEAD_BYTES_MIN]).unwrap();
    memory.0.borrow_mut().read_bytes = 0;
    for at in [50, 3, 40, 20_u64] {
        let place = at * AHEAD_BYTES_MIN as u64;
        stream.seek(SeekFrom::Start(place)).unwrap();
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        assert_eq!(u64::from(byte[0]), place % 251);
    }
    assert_eq!(memory.0.borrow().read_bytes, 4 * AHEAD_BYTES_MIN);
}

#[test]
fn asking_for_the_place_and_the_end_reads_nothing_again() {
    let (memory, mut stream) = stream(&numbered(100), READ);
    let mut byte = [0];
    for at in 0..100 {
        assert_eq!(stream.stream_position().unwrap(), at);
        assert_eq!(stream.seek(SeekFrom::End(0)).unwrap(), 100);
        stream.seek(SeekFrom::Start(at)).unwrap();
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
    }
    assert_eq!(memory.0.borrow().reads, 1);
    assert!(stream.seek(SeekFrom::Current(-101)).is_err());
    assert_eq!(stream.stream_position().unwrap(), 100, "a jump that fails is none");
}

#[test]
fn bytes_that_are_written_one_by_one_reach_the_file_together() {
    let (memory, mut stream) = stream(b"", BOTH);
    let whole = numbered(BEHIND_BYTES_MAX + 5);
    for byte in &whole {
        assert_eq!(stream.write(&[*byte]).unwrap(), 1);
    }
    assert_eq!(memory.0.borrow().writes, 1);
    stream.flush().unwrap();
    let kept = memory.0.borrow();
    assert!(kept.bytes == whole);
    assert_eq!(kept.writes, 2);
}

#[test]
fn one_changed_byte_is_one_written_byte() {
    let (memory, mut stream) = stream(&numbered(1000), BOTH);
    stream.seek(SeekFrom::Start(500)).unwrap();
    stream.write_all(&[255]).unwrap();
    stream.flush().unwrap();
    let kept = memory.0.borrow();
    assert_eq!((kept.reads, kept.writes), (0, 1));
    assert_eq!(kept.bytes.len(), 1000);
    assert_eq!(kept.bytes[499..502], [(499 % 251) as u8, 255, (501 % 251) as u8]);
}

#[test]
fn what_was_written_is_read_back_before_it_is_in_the_file() {
    let (_, mut stream) = stream(b"abcdef", BOTH);
    let mut came = [0; 3];
    stream.read_exact(&mut came).unwrap();
    stream.write_all(b"XY").unwrap();
    stream.rewind().unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "abcXYf");
}

#[test]
fn a_stream_of_the_same_file_does_not_show_what_is_no_more() {
    let (memory, mut one) = stream(b"abcdef", BOTH);
    let mut other = Stream::new(memory, READ, Arc::clone(one.changes()));
    let mut byte = [0];
    other.read_exact(&mut byte).unwrap();
    one.seek(SeekFrom::Start(1)).unwrap();
    one.write_all(b"X").unwrap();
    one.flush().unwrap();
    other.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"X");
}

#[test]
fn what_is_appended_goes_to_the_end_wherever_the_stream_is() {
    let (memory, mut stream) = stream(b"ab", APPEND);
    stream.write_all(b"c").unwrap();
    stream.rewind().unwrap();
    stream.write_all(b"d").unwrap();
    assert_eq!(stream.stream_position().unwrap(), 4);
    // Another one appends in between.
    memory.0.borrow_mut().bytes.extend_from_slice(b"-");
    stream.flush().unwrap();
    assert_eq!(memory.0.borrow().bytes, b"ab-cd");
}

#[test]
fn a_write_past_the_end_leaves_a_gap() {
    let (memory, mut stream) = stream(b"a", BOTH);
    stream.seek(SeekFrom::End(2)).unwrap();
    stream.write_all(b"b").unwrap();
    assert_eq!(stream.seek(SeekFrom::End(0)).unwrap(), 4, "the end that will be");
    stream.flush().unwrap();
    assert_eq!(memory.0.borrow().bytes, b"a\0\0b");
}

#[test]
fn what_the_disk_has_no_room_for_waits_and_is_written_once() {
    let (memory, mut stream) = stream(b"", BOTH);
    memory.0.borrow_mut().room = Some(2);
    stream.write_all(b"abcd").unwrap();
    for _ in 0..2 {
        assert_eq!(stream.flush().unwrap_err().kind(), ErrorKind::StorageFull);
    }
    assert_eq!(stream.behind.len(), 2);
    memory.0.borrow_mut().room = None;
    stream.flush().unwrap();
    assert_eq!(memory.0.borrow().bytes, b"abcd");
}

#[test]
fn what_a_file_is_not_open_for_is_refused() {
    let (_, mut stream) = stream(b"a", READ);
    assert_eq!(stream.write(b"b").unwrap_err().kind(), ErrorKind::PermissionDenied);
    let (_, mut stream) = self::stream(b"a", May { write: true, ..May::default() });
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::PermissionDenied);
}
