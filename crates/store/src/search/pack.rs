//! A text as it stands on disk: packed where that is worth it. Most of what tools give back is worth
//! it, and packing takes longer than anything else that is done with a text, so whoever sends an
//! event packs its texts, and the writer does not.

use std::borrow::Cow;
use std::cell::RefCell;

use oriel_model::{NewEvent, Role, Text};
use rusqlite::ToSql;
use rusqlite::types::{FromSqlError, ToSqlOutput, ValueRef};
use zstd::bulk::{Compressor, Decompressor};

use super::index::TEXT_BYTES_MAX;

/// Shorter texts are not packed.
const PACKED_BYTES_MIN: usize = 200;

/// The level of packing: the fastest one.
const LEVEL: i32 = 1;

thread_local! {
    // To make one takes longer than to pack most texts.
    static PACKER: RefCell<Option<Compressor<'static>>> =
        RefCell::new(Compressor::new(LEVEL).ok());
    static UNPACKER: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::new().ok());
}

/// A text on its way to the disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    pub role: Role,
    /// How long the text itself is.
    pub bytes: usize,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Plain(String),
    Zstd(Vec<u8>),
}

impl Packed {
    /// Returns how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        match &self.body {
            Body::Plain(text) => text.len(),
            Body::Zstd(bytes) => bytes.len(),
        }
    }
}

/// Takes the texts out of an event, and packs them.
pub(crate) fn take_texts(event: &mut NewEvent) -> Vec<Packed> {
    let texts = std::mem::take(&mut event.told.texts);
    texts.into_iter().filter(|text| !text.text.trim().is_empty()).map(pack).collect()
}

fn pack(Text { role, mut text }: Text) -> Packed {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    let bytes = text.len();
    let packed = if bytes < PACKED_BYTES_MIN {
        None
    } else {
        // What cannot be packed is kept as it is.
        PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(text.as_bytes()).ok())
    };
    let body = match packed.filter(|packed| packed.len() < bytes) {
        Some(packed) => Body::Zstd(packed),
        None => Body::Plain(text),
    };
    Packed { role, bytes, body }
}

impl ToSql for Packed {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.body {
            Body::Plain(text) => ValueRef::Text(text.as_bytes()),
            Body::Zstd(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Returns the text that stands in a column.
pub(crate) fn unpack(column: ValueRef<'_>) -> rusqlite::Result<Cow<'_, str>> {
    match column {
        ValueRef::Blob(packed) => {
            let text = UNPACKER.with_borrow_mut(|unpacker| {
                unpacker.as_mut()?.decompress(packed, TEXT_BYTES_MAX).ok()
            });
            let text = text.and_then(|text| String::from_utf8(text).ok());
            text.map(Cow::Owned).ok_or_else(|| FromSqlError::InvalidType.into())
        }
        plain => Ok(Cow::Borrowed(plain.as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_any_length_comes_back_as_it_was() {
        for length in [0, 1, 199, 200, 5000, TEXT_BYTES_MAX] {
            check(&"a tool said ".repeat(length)[..length]);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in ".{0,400}") {
            check(&text);
        }
    }

    fn check(text: &str) {
        let packed = pack(Text { role: Role::Output, text: text.to_owned() });
        assert_eq!(packed.bytes, text.len());
        let ToSqlOutput::Borrowed(column) = packed.to_sql().unwrap() else { panic!("borrowed") };
        assert_eq!(unpack(column).unwrap(), text);
    }
}
