//! The real desktop, with screens, buses and daemons of the test's own.

mod bus;
mod native;
mod world;
