//! The lines that the host and this program send each other: one JSON object each.
//!
//! The host is trusted and its lines are read strictly all the same: what is too long or cannot be read is
//! dropped and counted, since the next line may well be good.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::place;

/// The longest line, in both directions, with its end. A longer one is dropped.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// The longest title that is told. A longer one is cut.
pub(crate) const TITLE_BYTES_MAX: usize = 512;

/// What the host wants.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Order {
    /// To open an address.
    Open { url: String },
    /// To bring the window to the front.
    Focus,
    /// To end.
    Close,
}

/// What the host is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub(crate) enum Telling {
    /// The window is there, and orders are read.
    Ready,
    /// A page is shown, or its title or address changed.
    At { url: String, title: String },
    /// The operator pressed the button.
    Use { url: String, title: String },
    /// Something that a page wanted was not done.
    Denied { url: String, why: String },
    /// The page took the engine's process down. The window is still there.
    Crashed,
    /// The window is gone, and the program ends.
    Closed,
}

impl Telling {
    /// That an address was denied, with no more of it than the host may know.
    pub(crate) fn denied(address: &str, why: &str) -> Self {
        Self::Denied { url: place::denied(address), why: why.to_owned() }
    }

    /// The line for it, with its end. None where it would be too long.
    pub(crate) fn line(&self) -> Option<String> {
        let mut line = serde_json::to_string(self).ok()?;
        line.push('\n');
        (line.len() <= LINE_BYTES_MAX).then_some(line)
    }
}

/// Reads orders until there are no more, and returns how many lines were dropped.
pub(crate) fn read_orders(mut from: impl BufRead, mut take: impl FnMut(Order)) -> io::Result<u64> {
    let mut dropped = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        if from.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(dropped);
        }
        if line.len() == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            from.skip_until(b'\n')?;
            dropped += 1;
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(order) => take(order),
            Err(_) => dropped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_everything_else_is_dropped_and_counted() {
        let long = format!("{{\"do\":\"open\",\"url\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
        let lines = [
            r#"{"do":"open","url":"https://a.example/"}"#,
            "",
            "garbage",
            r#"{"do":"dance"}"#,
            &long,
            r#"{"do":"focus"}"#,
            r#"{"do":"open"}"#,
            "\u{0}\u{1b}[2J",
            r#"{"do":"close"}"#,
        ];
        let (orders, dropped) = read(lines.join("\n").as_bytes());
        let open = Order::Open { url: "https://a.example/".into() };
        assert_eq!(orders, [open, Order::Focus, Order::Close]);
        assert_eq!(dropped, 6);
    }

    #[test]
    fn bytes_that_are_no_text_are_dropped() {
        let (orders, dropped) = read(b"\xff\xfe\n{\"do\":\"focus\"}\n{\"do\":\"clo");
        assert_eq!((orders, dropped), (vec![Order::Focus], 2));
    }

    #[test]
    fn what_is_told_is_one_line_of_json() {
        check(&Telling::Ready, r#"{"is":"ready"}"#);
        check(&Telling::Crashed, r#"{"is":"crashed"}"#);
        check(&Telling::Closed, r#"{"is":"closed"}"#);
        let (url, title) = ("https://a.example/".to_owned(), "one\n\"two\"".to_owned());
        check(
            &Telling::At { url: url.clone(), title: title.clone() },
            r#"{"is":"at","url":"https://a.example/","title":"one\n\"two\""}"#,
        );
        check(
            &Telling::Use { url: url.clone(), title },
            r#"{"is":"use","url":"https://a.example/","title":"one\n\"two\""}"#,
        );
        check(
            &Telling::Denied { url, why: "no".into() },
            r#"{"is":"denied","url":"https://a.example/","why":"no"}"#,
        );
    }

    #[test]
    fn what_would_be_too_long_is_not_told() {
        let url = "x".repeat(LINE_BYTES_MAX);
        assert_eq!(Telling::At { url, title: String::new() }.line(), None);
    }

    fn check(telling: &Telling, line: &str) {
        assert_eq!(telling.line().unwrap(), format!("{line}\n"));
    }

    fn read(bytes: &[u8]) -> (Vec<Order>, u64) {
        let mut orders = Vec::new();
        let dropped = read_orders(bytes, |order| orders.push(order)).unwrap();
        (orders, dropped)
    }
}
