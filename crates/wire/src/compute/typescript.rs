//! The protocol in TypeScript.

use std::fmt::Write;

use super::{Answer, CELLS_MAX, Event, PROTOCOL_VERSION, Request, SCRIPT_BYTES_MAX};
use crate::typescript::Types;

/// Returns what a page says and hears, as a TypeScript module. Frames are not in it: a page has no pipe.
#[must_use]
pub fn typescript() -> String {
    let mut types = Types::new("Scripts, version 1.");
    types.add::<Request>();
    types.add::<Answer>();
    types.add::<Event>();
    let mut text = types.text();
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n/** The version of the protocol. */\nexport const PROTOCOL_VERSION = {PROTOCOL_VERSION};\n\
         \n/** The longest text of a script that is sent. */\nexport const SCRIPT_BYTES_MAX = {SCRIPT_BYTES_MAX};\n\
         \n/** The most elements of one `value`. */\nexport const CELLS_MAX = {CELLS_MAX};\n"
    );
    text
}
