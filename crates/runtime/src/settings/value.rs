//! What a setting may be: one reading for flags, environment and file.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// What a setting may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowed {
    /// A whole number within bounds, both included.
    Whole { min: u64, max: u64 },
    /// A number that is not negative.
    Amount { max: f64 },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// An IP address, or `localhost`.
    Address,
    /// A path; empty is none.
    Path,
    /// A plain name that can end a folder's name; empty is none.
    Name,
    /// A list of host names.
    Hosts,
    /// A list of web origins.
    Origins,
    /// A list of regular expressions.
    Patterns,
    /// A list of plain words.
    Words,
    /// A minute of the day; empty is none.
    Minute,
}

/// A value as given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    /// By a flag, by the environment, or by the table as a default.
    Text(&'a str),
    /// By the file.
    Toml(&'a toml::Value),
}

/// A value that its setting may have.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Whole(u64),
    Amount(f64),
    Word(&'static str),
    Address(IpAddr),
    Path(Option<PathBuf>),
    Name(Option<String>),
    Names(Vec<String>),
    Minute(Option<u16>),
}

impl Allowed {
    /// Returns the value that was given, if it is allowed.
    pub(super) fn read(self, raw: Raw<'_>) -> Option<Value> {
        let text = || match raw {
            Raw::Text(text) => Some(text.trim()),
            Raw::Toml(value) => value.as_str().map(str::trim),
        };
        match self {
            Self::Whole { min, max } => {
                let number = match raw {
                    Raw::Text(text) => text.trim().parse().ok()?,
                    Raw::Toml(value) => u64::try_from(value.as_integer()?).ok()?,
                };
                (min..=max).contains(&number).then_some(Value::Whole(number))
            }
            Self::Amount { max } => {
                let number = match raw {
                    Raw::Text(text) => text.trim().parse().ok()?,
                    Raw::Toml(toml::Value::Integer(whole)) => *whole as f64,
                    Raw::Toml(value) => value.as_float()?,
                };
                // Not a number is in no range.
                (0.0..=max).contains(&number).then_some(Value::Amount(number))
            }
            Self::Word(words) => {
                let given = match raw {
                    Raw::Toml(toml::Value::Boolean(true)) => "true",
                    Raw::Toml(toml::Value::Boolean(false)) => "false",
                    _ => text()?,
                };
                words.iter().find(|&&word| word == given).map(|&word| Value::Word(word))
            }
            Self::Address => address(text()?).map(Value::Address),
            Self::Path => {
                let given = text()?;
                Some(Value::Path((!given.is_empty()).then(|| PathBuf::from(given))))
            }
            Self::Name => match text()? {
                "" => Some(Value::Name(None)),
                given => is_name(given).then(|| Value::Name(Some(given.to_owned()))),
            },
            Self::Hosts => list(raw, host).map(Value::Names),
            Self::Origins => list(raw, origin).map(Value::Names),
            Self::Patterns => patterns(raw).map(Value::Names),
            Self::Words => words(raw).map(Value::Names),
            Self::Minute => match text()? {
                "" => Some(Value::Minute(None)),
                given => minute(given).map(|minute| Value::Minute(Some(minute))),
            },
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Amount { max } => write!(f, "a number from 0 to {max}"),
            Self::Word(words) => {
                for (index, word) in words.iter().enumerate() {
                    let before = match index {
                        0 => "",
                        last if last + 1 == words.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}{word:?}")?;
                }
                Ok(())
            }
            Self::Address => f.write_str("an IP address or \"localhost\""),
            Self::Path => f.write_str("a path, or \"\" for none"),
            Self::Name => f.write_str(
                "up to 64 letters, digits, \"-\", \"_\" and \".\", a letter or digit first",
            ),
            Self::Hosts => f.write_str("a list of host names without ports"),
            Self::Origins => f.write_str("a list of origins such as \"https://chat.example:8443\""),
            Self::Patterns => f.write_str("a list of regular expressions of moderate size"),
            Self::Words => f.write_str("a list of words of letters, digits and \"_\""),
            Self::Minute => f.write_str("a time of the day such as \"22:30\", or \"\" for none"),
        }
    }
}

impl Value {
    /// Returns the value with a relative path made absolute.
    pub(super) fn starting_from(self, base: &Path, home: Option<&Path>) -> Self {
        let Self::Path(Some(path)) = self else { return self };
        let path = match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => base.join(path),
        };
        Self::Path(Some(path))
    }
}

impl Value {
    /// Returns the value as a text that means it again where it is typed.
    pub(super) fn typed(&self, allowed: Allowed) -> String {
        match (self, allowed) {
            // An expression that holds a line break means the same with the break written out.
            (Self::Names(patterns), Allowed::Patterns) => {
                let lines: Vec<_> = patterns.iter().map(|text| text.replace('\n', "\\n")).collect();
                lines.join("\n")
            }
            _ => self.to_string(),
        }
    }

    /// Returns the value as it stands in a file.
    pub(super) fn in_file(&self) -> toml_edit::Value {
        match self {
            Self::Whole(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
            // Every whole number of dollars or percent is exact.
            Self::Amount(number) if number.fract() == 0.0 && *number < 1e15 => {
                (*number as i64).into()
            }
            Self::Amount(number) => (*number).into(),
            Self::Word("true") => true.into(),
            Self::Word("false") => false.into(),
            Self::Names(names) => names.iter().collect::<toml_edit::Array>().into(),
            other => other.to_string().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Amount(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::Address(address) => write!(f, "{address}"),
            Self::Path(Some(path)) => write!(f, "{}", path.display()),
            Self::Name(Some(name)) => f.write_str(name),
            Self::Path(None) | Self::Name(None) | Self::Minute(None) => Ok(()),
            Self::Minute(Some(minute)) => write!(f, "{:02}:{:02}", minute / 60, minute % 60),
            Self::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Toml(toml::Value::String(text)) => write!(f, "{text:?}"),
            Self::Toml(toml::Value::Integer(number)) => write!(f, "{number}"),
            Self::Toml(toml::Value::Float(number)) => write!(f, "{number}"),
            Self::Toml(toml::Value::Boolean(answer)) => write!(f, "{answer}"),
            Self::Toml(toml::Value::Datetime(time)) => write!(f, "{time}"),
            Self::Toml(toml::Value::Array(_)) => f.write_str("this list"),
            Self::Toml(toml::Value::Table(_)) => f.write_str("a table"),
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

fn is_name(text: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.len() <= 64
        && text.bytes().all(within)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

fn list(raw: Raw<'_>, item: fn(&str) -> Option<String>) -> Option<Vec<String>> {
    match raw {
        Raw::Text(text) if text.trim().is_empty() => Some(Vec::new()),
        Raw::Text(text) => text.split(',').map(item).collect(),
        Raw::Toml(value) => value.as_array()?.iter().map(|text| item(text.as_str()?)).collect(),
    }
}

fn host(text: &str) -> Option<String> {
    let text = text.trim();
    is_host(text).then(|| text.to_ascii_lowercase())
}

/// Reads an origin: a scheme, a host and perhaps a port, and nothing behind them.
fn origin(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !rest.ends_with(']') => (name, Some(port)),
        _ => (rest, None),
    };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|it| it.is_ascii_alphanumeric());
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (is_scheme && is_port && is_host(name)).then_some(text)
}

fn patterns(raw: Raw<'_>) -> Option<Vec<String>> {
    let valid = |text: &str| crate::ingest::pattern(text).map(|_| text.to_owned());
    match raw {
        Raw::Text(text) => text.lines().filter(|line| !line.trim().is_empty()).map(valid).collect(),
        Raw::Toml(value) => value.as_array()?.iter().map(|text| valid(text.as_str()?)).collect(),
    }
}

fn words(raw: Raw<'_>) -> Option<Vec<String>> {
    list(raw, |text| {
        let text = text.trim();
        let within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(within)).then(|| text.to_owned())
    })
}

/// Returns the minute of the day that a time such as `22:30` is.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let plain = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
        if plain { digits.parse::<u16>().ok() } else { None }
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn is_host(text: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    !text.is_empty() && text.len() <= 253 && (text.bytes().all(within) || address(text).is_some())
}
