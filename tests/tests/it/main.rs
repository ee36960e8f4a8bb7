//! Whole-system tests: they start the real program and keep it to its promises, one file each.

#[cfg(test)]
mod boundary;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod client;
#[cfg(test)]
mod compute;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod desktop;
#[cfg(test)]
mod files;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod load;
#[cfg(test)]
mod loopback;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod otlp;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod search;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod spool;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod sync;
