//! `bindgen MODULE.wasm FOLDER` writes the module and the JavaScript around it. A program of this workspace, so that its version
//! and that of the crate `wasm-bindgen`, which have to be the same, are in one lock file.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else { bail!("usage: bindgen MODULE.wasm FOLDER") };
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(true)
        .out_name("crypto")
        .generate(folder)
        .with_context(|| format!("cannot write the bindings of {module} to {folder}"))
}
