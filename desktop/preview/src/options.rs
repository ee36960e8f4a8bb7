//! The command line: everything that the program is told at its start.

use clap::Parser;

use crate::pin::Pin;

/// Shows one public web page at a time, for the desktop, apart from everything else.
#[derive(Debug, Parser)]
#[command(name = "oriel-preview", version, about)]
pub(crate) struct Options {
    /// The address to open at the start.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Sends a name and port to this address, as `NAME:PORT:ADDRESS`.
    #[arg(long, value_name = "PIN", hide = true)]
    pub(crate) resolve: Vec<Pin>,

    /// Lets a WebDriver steer the page. The program then goes on when its standard input ends.
    #[arg(long, hide = true)]
    pub(crate) automation: bool,
}
