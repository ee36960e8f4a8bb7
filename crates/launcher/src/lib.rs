//! Starts, stops and finds the processes of Oriel, and keeps modules running.

// What is known of processes that run.
pub mod daemon;
pub mod failure;
pub mod launch;

// How they are started and stopped.
pub mod direct;
pub mod systemd;

// What the daemon keeps running beside itself.
pub mod modules;
pub mod service;

// Scripts.
pub mod compute;

// What all of them need.
pub mod logfile;
pub mod platform;

pub use failure::Failure;
pub use launch::{Keeper, Launch};
pub use modules::{Modules, ModulesConfig, Reach};
