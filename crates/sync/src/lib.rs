//! Two file trees kept equal while an agent works in one and a person in the other.
//!
//! Three states are compared: what is here, what is there, and what both last agreed on. Events only
//! say where to look; what is true is read from disk. So an event that is missed, doubled or late
//! changes nothing.

pub mod digest;

pub use digest::digest_of;
