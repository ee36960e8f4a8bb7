//! Programs written against AgentMonitor's API find it here: the same requests are understood, and
//! the same bytes come back.

mod addresses;
mod answers;
mod bodies;
mod fields;
