//! What foreign formats become, asked from outside: whole or bit by bit, as their agents write them.
// What the tests call is held to the lints of tests.
#![cfg(test)]

mod claude;
mod codex;
mod codex_hooks;
mod copilot;
mod gateway;
mod gemini;
mod opencode;
mod otlp;
mod qwen;
mod reading;
