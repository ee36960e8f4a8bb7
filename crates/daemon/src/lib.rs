//! A whole daemon in one process: settings from where it was started, then runtime, modules and console,
//! started and stopped as one. Whoever has a process for it (`oriel serve`, the desktop) adds signals or
//! windows, and nothing else.

mod daemon;
mod gateway;
mod logs;
mod pages;
mod surroundings;
#[cfg(feature = "local-sync")]
mod sync;
mod words;

pub use daemon::{Daemon, Pages, StartError, arguments};
pub use gateway::GatewayError;
pub use gateway::{agents as gateway_agents, config as gateway_config, start as start_gateway};
pub use logs::{LogError, start as start_logs};
pub use pages::config as console_config;
pub use surroundings::{ConfigError, Surroundings, SurroundingsError};
pub use words::{chain, rfc3339};
