//! What tokens cost: rate tables, matching a model name, cost of an event.
//!
//! A [`PriceBook`] answers what a request cost from the model's name, its token counts and when it
//! was made. It never guesses: a model that no table names has no price, which is not the same as
//! costing nothing. It reads no file and no clock; its own tables are part of the program.
//!
//! ```
//! use oriel_pricing::{PriceBook, Tier, Usage, parse_table};
//!
//! let own = parse_table(
//!     r#"
//!     [models.my-model]
//!     aliases = ["mine"]
//!     prices = [
//!       { input = 2, output = 10, cache_read = 0.2, cache_write = 2.5 },
//!       { from = "2027-01-01", input = 3, output = 15, cache_read = 0.3, cache_write = 3.75 },
//!     ]
//!     "#,
//! )?;
//! let book = PriceBook::builtin().with_overrides(own);
//!
//! let usage = Usage {
//!     model: "mine",
//!     tokens_in: 1_000_000,
//!     tokens_out: 100_000,
//!     cache_read_tokens: 0,
//!     cache_write_tokens: 0,
//!     cache_write_1h_tokens: 0,
//!     at_unix_seconds: 1_780_000_000,
//!     tier: Tier::Standard,
//! };
//! assert_eq!(book.price(&usage), Some(3.0));
//! # Ok::<(), oriel_pricing::PricesError>(())
//! ```

mod book;
mod prices;
mod table;

pub use book::{PriceBook, Tier, Usage};
pub use prices::{Band, ModelPrices, Period, Rates};
pub use table::{PricesError, parse_table};
