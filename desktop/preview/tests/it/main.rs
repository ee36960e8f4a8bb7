//! The promise: a page that is looked at gets at nothing, whatever it does, and the operator keeps the bar.
//!
//! Each test starts the real program on a display of its own and serves it pages over loopback, under names
//! that are pinned. A witness listens on every address of this machine: who connects to it got through.

#![cfg(target_os = "linux")]

mod display;
mod hostile;
mod life;
mod operator;
mod preview;
mod wait;
mod web;
