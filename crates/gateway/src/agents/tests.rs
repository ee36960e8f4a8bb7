//! Agents are programs that may do anything. Whatever they do, the gateway hears of it in order, and
//! nothing of them is left behind.

mod confinement;
mod house;
mod process;
mod speech;
