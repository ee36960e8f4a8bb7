//! Local agents behind the gateway protocol: a person runs an agent on this machine, leaves, comes back,
//! and has missed nothing.
//!
//! [`Gateway`] is what programs embed. Behind it, `connection` speaks with clients, `session` owns a
//! session, `agent` is what a session sees of its agent, and `store` keeps what happens.

mod config;
mod folders;
mod gateway;
mod recovery;
mod token;

mod asker;
mod connection;
mod handshake;
mod outbox;
mod rate;

mod hub;
mod session;
mod sessions;
mod state;
mod sync;
mod workspace;

mod agent;
mod agents;
mod files;
mod monitor;

mod journal;
mod limits;
mod registry;
mod store;

#[cfg(test)]
mod tests;

pub use agents::{AgentRow, Agents, AgentsConfig, Source, echo};
pub use config::{Clock, Config, Limits};
pub use folders::FolderError;
pub use gateway::{Gateway, StartError};
pub use store::StoreError;
pub use token::Token;
