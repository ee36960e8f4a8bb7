//! Scripts from the outside, with the real `oriel-compute`: from the command line, through the launcher, and
//! from the workbench's page.

mod files;
mod page;
mod run;
mod session;
mod stops;
