//! Finished JSON with marked places, each as wide as the value that goes there.

/// JSON with places to fill.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(super) bytes: Vec<u8>,
    pub(super) patches: Vec<(usize, Field)>,
}

/// A place in a template: a run of this mark, as long as the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Number,
    Session,
    File,
    Duration,
    TokensIn,
    TokensOut,
    Time,
}

impl Field {
    const ALL: [Self; 7] = [
        Self::Number,
        Self::Session,
        Self::File,
        Self::Duration,
        Self::TokensIn,
        Self::TokensOut,
        Self::Time,
    ];

    fn mark(self) -> u8 {
        match self {
            Self::Number => b'@',
            Self::Session => b'#',
            Self::File => b'$',
            Self::Duration => b'%',
            Self::TokensIn => b'&',
            Self::TokensOut => b'^',
            Self::Time => b'~',
        }
    }

    pub(super) fn width(self) -> usize {
        match self {
            Self::Number => 16,
            Self::Session => 12,
            Self::File | Self::TokensIn => 4,
            Self::Duration | Self::TokensOut => 3,
            Self::Time => "2026-03-01T12:00:00.000Z".len(),
        }
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let mut patches = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match Field::ALL.into_iter().find(|field| field.mark() == bytes[at]) {
                Some(field) => {
                    patches.push((at, field));
                    at += field.width();
                }
                None => at += 1,
            }
        }
        Self { bytes, patches }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The same template with bytes before it.
    pub(crate) fn behind(&self, prefix: &[u8]) -> Self {
        let bytes = [prefix, &self.bytes].concat();
        let patches = self.patches.iter().map(|&(at, field)| (at + prefix.len(), field)).collect();
        Self { bytes, patches }
    }
}

/// Writes a number with leading zeros.
pub(super) fn write_decimal(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Writes a number in hexadecimal digits.
pub(super) fn write_hex(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}
