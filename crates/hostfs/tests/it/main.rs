//! What a page may rely on, asked as pages ask; and what a hostile one gets.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod behind;
mod desk;
mod escapes;
mod grants;
mod handles;
mod killed;
mod mapped;
mod messages;
mod model;
mod mounts;
mod overlap;
mod page;
mod race;
mod trouble;
mod world;
