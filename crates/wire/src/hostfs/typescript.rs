//! The form in TypeScript: its types, its numbers and its limits.

use std::fmt::Write;

use super::{Changes, Code, Entries, Failed, Flags, HEAD_BYTES, List, Looked, MAGIC, MakeFolder};
use super::{NAMES_MAX, Named, Op, Open, Opened, PARTS_MAX, PATH_BYTES_MAX, PAYLOAD_BYTES_MAX};
use super::{Remove, Rename, Replace, StatMany, Use, VERSION, Watch, Workspaces};
use crate::typescript::Types;

/// Returns the form as a TypeScript module.
#[must_use]
pub fn typescript() -> String {
    let mut types = Types::new("Files of the host, version 1.");
    types.add::<Workspaces>();
    types.add::<Named>();
    types.add::<Open>();
    types.add::<Opened>();
    types.add::<StatMany>();
    types.add::<Looked>();
    types.add::<List>();
    types.add::<Entries>();
    types.add::<MakeFolder>();
    types.add::<Rename>();
    types.add::<Remove>();
    types.add::<Replace>();
    types.add::<Watch>();
    types.add::<Changes>();
    types.add::<Use>();
    types.add::<Failed>();
    types.text() + &numbers()
}

fn numbers() -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n/** What every message begins with. */\nexport const MAGIC = {MAGIC:#06x};\n\
         \n/** The version of the form. */\nexport const VERSION = {VERSION};\n\
         \n/** How long a head is. */\nexport const HEAD_BYTES = {HEAD_BYTES};\n\
         \n/** The longest payload. */\nexport const PAYLOAD_BYTES_MAX = {PAYLOAD_BYTES_MAX};\n\
         \n/** The longest path, in bytes. */\nexport const PATH_BYTES_MAX = {PATH_BYTES_MAX};\n\
         \n/** The most parts of one `read_many`. */\nexport const PARTS_MAX = {PARTS_MAX};\n\
         \n/** The most names of one `stat`. */\nexport const NAMES_MAX = {NAMES_MAX};\n\
         \n/** What can be asked. */\nexport const OP = {{\n"
    );
    for op in Op::ALL {
        let _ = writeln!(text, "  {}: {},", op.name(), op.number());
    }
    let _ = write!(text, "}} as const;\n\n/** More about a message. */\nexport const FLAG = {{\n");
    for (name, flag) in [
        ("failed", Flags::FAILED),
        ("direct", Flags::DIRECT),
        ("shared", Flags::SHARED),
        ("unlock", Flags::UNLOCK),
        ("sync", Flags::SYNC),
    ] {
        let _ = writeln!(text, "  {name}: {},", flag.bits());
    }
    let _ = write!(text, "}} as const;\n\n/** Why a request failed. */\nexport const CODES = [\n");
    for code in Code::ALL {
        let _ = writeln!(text, "  \"{code}\",");
    }
    text + "] as const satisfies readonly Code[];\n"
}
