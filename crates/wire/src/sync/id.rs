//! Numbers and names by which the two sides know things again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes that nobody else makes.
macro_rules! id {
    ($(#[$docs:meta])* $name:ident, $bytes:literal) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id!(
    /// A program that syncs, from when its journal was made.
    ClientId, 16
);
id!(
    /// A local root, from when its marker was made. Another folder in its place has another.
    RootId, 16
);
id!(
    /// A life of the upstream tree. A tree that was lost and made anew has another, and its numbers
    /// begin again.
    Epoch, 8
);
id!(
    /// A proposal, which is done once though it is sent twice; or what somebody wrote too late.
    OpId, 16
);

/// Which version of a path the upstream tree has; each change of the path has a higher one. 0 is of a path
/// that never was.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Rev(pub u64);

/// The number of a change in the upstream log, from 1 and without gaps. As a cursor it is the last one that
/// was taken in, and 0 where none was.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Seq(pub u64);

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Seq {
    /// Returns the number of the change after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        // So many changes never were.
        Self(self.0.saturating_add(1))
    }
}
