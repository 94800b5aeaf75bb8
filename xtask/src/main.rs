//! Build steps longer than a line: the kernel object, tidiness.
//!
//!     cargo xtask bpf              build bpf/*.o from their sources and record the hashes
//!     cargo xtask bpf --check      fail when sources and objects do not belong together (fast, needs no BPF compiler)
//!     cargo xtask bpf --verify     rebuild in another folder and compare byte by byte
//!     cargo xtask tidy             what reviewers should not have to say: arrows, sizes, words
//!
//! Nothing here is part of the product.

mod bpf;
mod tidy;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask bpf [--check | --verify] | cargo xtask tidy";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    let root = root()?;
    match arguments {
        ["bpf"] => bpf::build(&root),
        ["bpf", "--check"] => bpf::check(&root),
        ["bpf", "--verify"] => bpf::verify(&root),
        ["tidy"] => tidy::run(&root),
        _ => bail!(USAGE),
    }
}

/// The folder of the repository.
fn root() -> Result<PathBuf> {
    match Path::new(env!("CARGO_MANIFEST_DIR")).parent() {
        Some(root) => Ok(root.canonicalize()?),
        None => bail!("the manifest of xtask has no folder above it"),
    }
}
