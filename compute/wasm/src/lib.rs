//! RunMat in a page, with the files of a workspace behind it: by range, through handles.
//!
//! All that RunMat's own module exports is here as well. Its bindings for files read and rewrite whole
//! files, so a page attaches a workspace with [`attach_files`] and leaves them alone.

#[cfg(any(target_arch = "wasm32", test))]
mod errors;
#[cfg(any(target_arch = "wasm32", test))]
mod path;
#[cfg(any(target_arch = "wasm32", test))]
mod stream;

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod handle;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod provider;

#[cfg(target_arch = "wasm32")]
pub use exports::{attach_files, detach_files, flush_files, take_card_away};
#[cfg(target_arch = "wasm32")]
pub use host::HostFiles;
#[cfg(target_arch = "wasm32")]
pub use runmat_wasm::*;
