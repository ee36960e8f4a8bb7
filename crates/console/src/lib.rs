//! The operator's pages: hypermedia over the runtime. It stores nothing of what the runtime knows and
//! decides nothing: it asks through a `Link` and shows the answer.
//!
//! Start at [`Console`]. A request goes through `guard` (whether it comes from here, and from whom),
//! then to its page in `pages`, which answers with a `page::Page`: a template and what it shows.
//! `dress` makes HTML of that, whole or the part that was asked for. `routes::ROUTES` is the one
//! list of requests. Sessions of the gateway are asked of it in `gateway`, on pages of their own.

mod address;
mod app;
mod ask;
mod assets;
mod bind;
mod charts;
mod config;
mod console;
mod dress;
mod error;
mod form;
mod gateway;
mod guard;
mod live;
mod markdown;
mod mount;
mod page;
mod pages;
mod routes;
mod sessions;
mod shrink;
mod templates;
mod words;

#[cfg(test)]
mod tests;

pub use config::{Clock, Config, GatewayReach, Reach};
pub use console::{Console, StartError};
