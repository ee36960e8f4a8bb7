//! Whatever several pages do to a file, in whatever order: each sees what a plain row of bytes would
//! show, and so does everybody else once it is flushed.

use std::os::unix::fs::FileExt as _;

use oriel_hostfs::{Handle, Surface};
use oriel_wire::hostfs::{Code, Mode, Open};
use proptest::prelude::*;

use crate::desk::{Desk, asks};

const PAGES: usize = 2;
const HANDLES: usize = 5;
const LENGTH_MAX: u64 = 150_000;

#[derive(Debug, Clone, Copy)]
enum Act {
    Write {
        by: usize,
        at: u64,
        length: usize,
        byte: u8,
    },
    Read {
        by: usize,
        at: u64,
        length: usize,
    },
    /// As often as it takes for a file to be mapped.
    ReadOften {
        by: usize,
        at: u64,
        length: usize,
    },
    SetLength {
        by: usize,
        to: u64,
    },
    Length {
        by: usize,
    },
    Sync {
        by: usize,
    },
    Reopen {
        by: usize,
        mode: Mode,
        truncate: bool,
    },
    GiveAway {
        by: usize,
    },
    /// Another program writes, after what was written here has arrived.
    WriteOutside {
        at: u64,
        length: usize,
        byte: u8,
    },
    CutOutside {
        to: u64,
    },
    CheckOutside,
}

fn act() -> impl Strategy<Value = Act> {
    let by = 0..HANDLES;
    let at = prop_oneof![0..300_u64, 0..LENGTH_MAX];
    let length = prop_oneof![4 => 0..200_usize, 2 => 0..20_000_usize, 1 => 60_000..90_000_usize];
    let mode = prop_oneof![
        3 => Just(Mode::ReadWrite),
        1 => Just(Mode::Append),
        1 => Just(Mode::Write),
        1 => Just(Mode::Read),
    ];
    let some = any::<u8>();
    prop_oneof![
        12 => (by.clone(), at.clone(), length.clone(), some)
            .prop_map(|(by, at, length, byte)| Act::Write { by, at, length, byte }),
        8 => (by.clone(), at.clone(), length.clone())
            .prop_map(|(by, at, length)| Act::Read { by, at, length }),
        3 => (by.clone(), at.clone(), 1..9000_usize)
            .prop_map(|(by, at, length)| Act::ReadOften { by, at, length }),
        1 => (by.clone(), 0..LENGTH_MAX).prop_map(|(by, to)| Act::SetLength { by, to }),
        1 => by.clone().prop_map(|by| Act::Length { by }),
        1 => by.clone().prop_map(|by| Act::Sync { by }),
        2 => (by.clone(), mode, proptest::bool::weighted(0.2))
            .prop_map(|(by, mode, truncate)| Act::Reopen { by, mode, truncate }),
        1 => by.prop_map(|by| Act::GiveAway { by }),
        1 => (at.clone(), length, some)
            .prop_map(|(at, length, byte)| Act::WriteOutside { at, length, byte }),
        1 => at.prop_map(|to| Act::CutOutside { to }),
        2 => Just(Act::CheckOutside),
    ]
}

/// The file as it ought to be, and who has it open.
struct Model {
    desk: Desk,
    pages: Vec<Surface>,
    handles: Vec<(Handle, Mode)>,
    bytes: Vec<u8>,
    outside: std::fs::File,
}

impl Model {
    fn new() -> Self {
        let desk = Desk::new();
        let pages: Vec<_> = (0..PAGES).map(|_| desk.page()).collect();
        let open = |by: usize| {
            let opened = pages[by % PAGES].open(&asks("a", Mode::ReadWrite));
            (opened.unwrap().0, Mode::ReadWrite)
        };
        let handles = (0..HANDLES).map(open).collect();
        let outside =
            std::fs::OpenOptions::new().read(true).write(true).open(desk.path("a")).unwrap();
        Self { desk, pages, handles, bytes: Vec::new(), outside }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Write { by, at, length, byte } => self.write(by, at, &vec![byte; length]),
            Act::Read { by, at, length } => self.read(by, at, length),
            Act::ReadOften { by, at, length } => {
                for step in 0..20 {
                    self.read(by, at + step, length);
                }
            }
            Act::SetLength { by, to } => {
                let (page, handle, mode) = self.who(by);
                let done = page.set_length(handle, to);
                assert_eq!(done.is_ok(), mode != Mode::Read, "{done:?}");
                if done.is_ok() {
                    self.bytes.resize(to as usize, 0);
                }
            }
            Act::Length { by } => {
                let (page, handle, _) = self.who(by);
                assert_eq!(page.length(handle).unwrap(), self.bytes.len() as u64);
            }
            Act::Sync { by } => {
                let (page, handle, _) = self.who(by);
                page.sync(handle).unwrap();
            }
            Act::Reopen { by, mode, truncate } => self.reopen(by, mode, truncate),
            Act::GiveAway { by } => {
                let (page, handle, _) = self.who(by);
                drop(page.descriptor(handle).unwrap());
                self.check_outside();
            }
            Act::WriteOutside { at, length, byte } => {
                self.flush();
                self.outside.write_all_at(&vec![byte; length], at).unwrap();
                self.put(at, &vec![byte; length]);
            }
            Act::CutOutside { to } => {
                self.flush();
                let to = to.min(self.bytes.len() as u64);
                self.outside.set_len(to).unwrap();
                self.bytes.truncate(to as usize);
            }
            Act::CheckOutside => {
                self.flush();
                self.check_outside();
            }
        }
    }

    fn who(&self, by: usize) -> (&Surface, Handle, Mode) {
        let (handle, mode) = self.handles[by];
        (&self.pages[by % PAGES], handle, mode)
    }

    fn write(&mut self, by: usize, at: u64, bytes: &[u8]) {
        let (page, handle, mode) = self.who(by);
        let end = page.write_at(handle, at, bytes);
        let at = if mode == Mode::Append { self.bytes.len() as u64 } else { at };
        match mode {
            Mode::Read => assert_eq!(end.unwrap_err().code, Code::ReadOnly),
            _ if bytes.is_empty() => drop(end.unwrap()),
            _ => {
                assert_eq!(end.unwrap(), at + bytes.len() as u64);
                self.put(at, bytes);
            }
        }
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        let (at, end) = (at as usize, at as usize + bytes.len());
        if bytes.is_empty() {
            return;
        }
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[at..end].copy_from_slice(bytes);
    }

    fn read(&self, by: usize, at: u64, length: usize) {
        let (page, handle, mode) = self.who(by);
        let mut into = vec![0xee; length];
        let came = page.read_at(handle, at, &mut into);
        if matches!(mode, Mode::Write | Mode::Append) {
            assert_eq!(came.unwrap_err().code, Code::NotPermitted);
            return;
        }
        let came = match came {
            // Another program cut the file. That is told once, and then the file is what it is.
            Err(error) if error.code == Code::CutShort => {
                assert!(self.bytes.len() < at as usize + length, "{error}");
                page.read_at(handle, at, &mut into).unwrap()
            }
            came => came.unwrap(),
        };
        let start = self.bytes.len().min(at as usize);
        let end = self.bytes.len().min(start + length);
        assert_eq!(came, end - start);
        assert!(into[..came] == self.bytes[start..end], "read of {length} at {at} by {by}");
    }

    fn reopen(&mut self, by: usize, mode: Mode, truncate: bool) {
        let (page, handle, _) = self.who(by);
        page.close(handle).unwrap();
        let truncate = truncate && mode != Mode::Read;
        let (handle, stat) = page.open(&Open { truncate, ..asks("a", mode) }).unwrap();
        self.handles[by] = (handle, mode);
        if truncate {
            self.bytes.clear();
        }
        assert_eq!(stat.length, self.bytes.len() as u64);
    }

    fn flush(&self) {
        for by in 0..HANDLES {
            let (page, handle, _) = self.who(by);
            page.flush(handle).unwrap();
        }
    }

    fn check_outside(&self) {
        assert!(self.desk.seen("a") == self.bytes, "another program sees something else");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_see_what_a_row_of_bytes_would_show(
        acts in proptest::collection::vec(act(), 1..120),
    ) {
        let mut model = Model::new();
        for act in acts {
            model.act(act);
        }
        model.pages.clear();
        model.check_outside();
    }
}
