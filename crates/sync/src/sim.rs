//! Both engines, on two simulated machines with people and agents who write, a network that loses and
//! doubles, processes that end and power that goes. One seed is one run; the same seed is the same run.
//!
//! The machines run the same procedures as the real one. What is simulated are the calls of the system.

mod actor;
mod calls;
mod flaw;
mod fs;
mod judge;
mod link;
mod oracle;
mod run;
mod state;

#[cfg(test)]
mod tests;

pub use flaw::Flaw;
pub use run::{Outcome, Plan, Sim, run};
