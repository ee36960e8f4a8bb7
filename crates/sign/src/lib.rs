//! What the operator signs: keys, opinions and module configurations, and how anyone checks them.

mod base64;
pub mod jcs;
pub mod key;
pub mod module;
pub mod opinion;
mod private;
pub mod record;
mod strict;
#[cfg(test)]
mod testing;

pub use jcs::canonical;
pub use key::{DidError, Key, KeyError, PublicKey};
pub use opinion::{FieldFault, Opinion};
pub use record::{Record, Unverified};
