//! Files for a page, in the page's own process.
//!
//! WebKit loads this library into the process that shows the workbench. In the main frame of an allowed
//! page it makes one object, `__orielFiles`, whose functions move bytes between files and the page's
//! memory with one copy and without leaving the process. What may be opened is decided by the host, who is
//! asked over a socket and passes descriptors; nothing here knows a path.
//!
//! The functions of WebKit and JavaScriptCore are those of the process that loads this, so the library
//! links neither.

#![cfg(target_os = "linux")]

mod allowed;
mod line;
mod load;
mod memory;
mod open;
mod problem;

#[cfg(not(test))]
mod entry;
#[cfg(not(test))]
mod ffi;
#[cfg(not(test))]
mod js;
#[cfg(not(test))]
mod page;
