//! `oriel-preview`: where an operator looks at a public page, apart from everything that Oriel trusts.
//!
//! The page is hostile until proven otherwise, and nothing here ever proves it. So this is a process of its
//! own with an engine, a bar and a pipe to the host: no native command can be reached from the page, no
//! address of this machine can be reached from the engine, and nothing is kept. All that comes out are lines
//! that say where the page is, and the one that an operator's press on the button makes.

#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
mod bar;
#[cfg(target_os = "linux")]
mod denials;
#[cfg(target_os = "linux")]
mod engine;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod outbox;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
mod pin;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod protocol;
#[cfg(target_os = "linux")]
mod proxy;
#[cfg(target_os = "linux")]
mod refusals;
#[cfg(target_os = "linux")]
mod teller;
#[cfg(target_os = "linux")]
mod text;
#[cfg(target_os = "linux")]
mod window;

use std::process::ExitCode;

/// No page can be shown here. The host then opens the system's browser instead.
const NO_PREVIEW: u8 = 3;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use clap::Parser;

    match program::run(&options::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.chain()),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    complain("this system has no preview yet; the page opens in the system's browser instead")
}

/// Says in one line why there is no preview.
#[expect(
    clippy::print_stderr,
    reason = "this is the program's edge, and its output is the protocol"
)]
fn complain(why: &str) -> ExitCode {
    eprintln!("oriel-preview: {why}");
    ExitCode::from(NO_PREVIEW)
}
