//! Whole-system tests: they start the real program and keep it to its promises, one file each.

#[cfg(test)]
mod boundary;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod load;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod stream;
