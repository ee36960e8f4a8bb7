//! What the desktop is to be, criterion by criterion, each seen in the running program or, where that
//! cannot show it, read in what the program is made of.

mod read;
mod seen;
mod shop;
