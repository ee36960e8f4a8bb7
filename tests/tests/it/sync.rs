//! Two folders that the real program keeps equal, whatever people, agents and tools do in them, and
//! whatever dies.

mod asked;
mod both;
mod chosen;
mod hostile;
mod killed;
mod refused;
mod tools;
