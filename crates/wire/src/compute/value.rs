//! Variables and what is in them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The name of its class, such as `double`, `char` or `struct`.
    pub class: String,
    /// How many elements there are along each dimension.
    pub shape: Vec<u64>,
    /// About how much memory it takes, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bytes: Option<u64>,
    /// The beginning of what is in it, for people, on one line.
    pub preview: String,
    /// Whether it comes back when the session is started anew after it was ended by force.
    pub is_kept: bool,
}

/// One element of a variable. A number that JSON cannot say, or that a number of JavaScript cannot hold,
/// is a text: `NaN`, `Inf`, `-Inf`, a complex number, an integer beyond 2^53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(untagged)]
pub enum Cell {
    /// Of a logical array.
    Truth(bool),
    /// A number.
    Number(f64),
    /// Everything else.
    Text(String),
}

/// Returns a number as an element.
#[must_use]
pub fn cell_of(number: f64) -> Cell {
    if number.is_nan() {
        Cell::Text("NaN".to_owned())
    } else if number.is_infinite() {
        Cell::Text(if number > 0.0 { "Inf" } else { "-Inf" }.to_owned())
    } else {
        Cell::Number(number)
    }
}
