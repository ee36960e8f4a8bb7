//! A person talks with an agent through the gateway, leaves, comes back, and has missed nothing, whatever
//! dies meanwhile.

mod hostile;
mod journey;
mod killed;
mod monitor;
mod real;
mod rejoin;
