//! Both engines, on two simulated machines with people and agents who write, a network that loses and
//! doubles, processes that end and power that goes. One seed is one run; the same seed is the same run.
//!
//! The machines run the same procedures as the real one. What is simulated are the calls of the system.

mod actor;
mod calls;
mod flaw;
mod fs;
mod jobs;
mod judge;
mod link;
mod machine;
mod mishaps;
mod oracle;
mod run;
mod state;
mod wires;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trees;

#[cfg(test)]
pub(crate) use calls::Process;
#[cfg(test)]
pub(crate) use state::State;

pub use flaw::Flaw;
pub use run::{Outcome, Plan, Sim, run};
