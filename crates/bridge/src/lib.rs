//! From a surface's URL to a service: what a browser does between a page and a server, without a browser.
//!
//! The engine hands over a request and shows what comes back. Everything in between that a page could
//! get wrong or abuse is decided here and natively: who may ask, under which name, with which cookies,
//! where an answer may lead, and what becomes of a file. [`Bridge::answer`] is the whole of it; the rules
//! it follows are pure functions beside it, so that navigation hooks and the preview use the same ones.

pub mod address;
pub mod csp;
pub mod download;
pub mod headers;
pub mod jar;
pub mod origin;
pub mod policy;
pub mod redirect;
mod surface;

mod body;
mod bridge;
mod host;
mod kind;
mod limits;
mod pages;
mod refused;
mod trace;

pub use bridge::Bridge;
pub use host::{BoxFuture, Download, Host, SaveError, Saved, ServiceNow};
pub use limits::Limits;
pub use surface::Surface;
pub use trace::{Event, Trace, safe_path};

/// The bridge's only script in pages, to be run before any of theirs: it turns bodies that the engine
/// cannot hand over into ones that it can.
pub const SHIM: &str = include_str!("assets/shim.js");
