//! Makes the JavaScript of a wasm module, and the module that belongs to it: `oriel-bindgen MODULE FOLDER`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let module = arguments.next().context("name the module, and the folder for what is made")?;
    let folder = arguments.next().context("name the folder for what is made")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("runmat").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.web(true)?.generate(folder)
}
