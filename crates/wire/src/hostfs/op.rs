//! What can be asked.

use std::ops::BitOr;

/// What a message asks for. Its number never changes and is never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Op {
    /// Which folders the surface was granted.
    Workspaces = 1,
    /// Opens a file and returns a handle.
    Open = 2,
    /// Closes a handle; what was written is handed to the system first.
    Close = 3,
    /// Reads `length` bytes at `offset`. Fewer come only at the end of the file.
    Read = 4,
    /// Writes the payload at `offset`, or at the end of a file that was opened to append.
    Write = 5,
    /// Reads many parts of many files at once.
    ReadMany = 6,
    /// The length of an open file, in `offset` of the answer.
    Length = 7,
    /// Makes an open file `offset` bytes long.
    SetLength = 8,
    /// Hands what was written to the system.
    Flush = 9,
    /// Returns when what was written is on disk.
    Sync = 10,
    /// Locks or unlocks an open file among those who lock; never waits.
    Lock = 11,
    /// What is known of names.
    Stat = 20,
    /// What is in a folder.
    List = 21,
    /// Makes a folder.
    MakeFolder = 22,
    /// Gives another name.
    Rename = 23,
    /// Removes, for good or to the trash.
    Remove = 24,
    /// Puts a whole file in the place of another at once.
    Replace = 25,
    /// Watches a folder and all below it, and returns a handle.
    Watch = 30,
    /// What changed in a watched folder since the last time; waits at most `length` milliseconds.
    Changes = 31,
    /// How much of each limit is used.
    Use = 40,
}

impl Op {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 20] = [
        Self::Workspaces,
        Self::Open,
        Self::Close,
        Self::Read,
        Self::Write,
        Self::ReadMany,
        Self::Length,
        Self::SetLength,
        Self::Flush,
        Self::Sync,
        Self::Lock,
        Self::Stat,
        Self::List,
        Self::MakeFolder,
        Self::Rename,
        Self::Remove,
        Self::Replace,
        Self::Watch,
        Self::Changes,
        Self::Use,
    ];

    /// Returns what a number asks for.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.number() == number)
    }

    /// Returns its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns its name, as documents and traces have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspaces => "workspaces",
            Self::Open => "open",
            Self::Close => "close",
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadMany => "read_many",
            Self::Length => "length",
            Self::SetLength => "set_length",
            Self::Flush => "flush",
            Self::Sync => "sync",
            Self::Lock => "lock",
            Self::Stat => "stat",
            Self::List => "list",
            Self::MakeFolder => "make_folder",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Watch => "watch",
            Self::Changes => "changes",
            Self::Use => "use",
        }
    }
}

/// More about a request or an answer. A bit that is not known is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(u32);

impl Flags {
    /// Nothing more.
    pub const NONE: Self = Self(0);
    /// Of an answer: it failed, and the payload is a [`super::Failed`].
    pub const FAILED: Self = Self(1);
    /// Of an answer to `open`: a descriptor of the file goes along, so the page's process reads and
    /// writes it itself.
    pub const DIRECT: Self = Self(2);
    /// Of `lock`: others may read as well.
    pub const SHARED: Self = Self(4);
    /// Of `lock`: the lock is given back.
    pub const UNLOCK: Self = Self(8);
    /// Of `write`: the answer comes when it is on disk.
    pub const SYNC: Self = Self(16);

    const KNOWN: u32 = 31;

    /// Returns the flags of these bits, where all of them are known.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns whether all of these are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
