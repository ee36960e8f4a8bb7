//! `oriel-compute`: one session of scripts, in a process of its own.
//!
//! It speaks the protocol of `oriel_wire::compute` over its input and output, reaches files only through
//! `oriel_hostfs`, and gives up what it does not need before it runs anything. It is a process of its own
//! since the engine keeps its files, console and figures in process-wide state, and since a built-in
//! function that does not end can only be ended with its process.

mod arguments;
mod confine;
mod driver;
mod known;
mod outbox;
mod provider;
mod reader;
mod replay;
mod session;
mod watch;

use std::process::ExitCode;
use std::time::SystemTime;

use arguments::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error),
    };
    #[expect(clippy::disallowed_methods, reason = "the clock is read in `main` and passed down")]
    let clock = SystemTime::now;
    match driver::drive(&arguments, clock) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

#[expect(clippy::print_stderr, reason = "its last words, which whoever started it passes on")]
fn fail(why: &str) -> ExitCode {
    eprintln!("oriel-compute: {why}");
    ExitCode::from(2)
}
