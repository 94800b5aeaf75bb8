//! One run of the BPF compiler, so that the bytes do not depend on where it runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{Object, toolchain::Toolchain};

const TARGET: &str = "bpfel-unknown-none";

/// The stripped bytes of `object`, built from the repository (or a copy) at `root` in the folder `target`.
pub fn object(toolchain: &Toolchain, root: &Path, target: &Path, object: &Object) -> Result<Vec<u8>> {
    let status = Command::new(&toolchain.cargo)
        .current_dir(root.join("bpf"))
        .args(["build", "--release", "--locked", "--quiet", "--config", &remaps(toolchain, root)])
        .arg("--target-dir")
        .arg(target)
        .args(["--features", &object.features.join(",")])
        .env("PATH", path_with(&toolchain.linker)?)
        .env("RUSTC", &toolchain.rustc)
        // `core` is built from source, which cargo lets only nightly compilers do unless told otherwise.
        .env("RUSTC_BOOTSTRAP", "1")
        // What an outer cargo, rustup or the user set for the other compiler.
        .envs(env::vars_os().filter(|(name, _)| name == "CARGO_HOME"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .with_context(|| format!("starting {}", toolchain.cargo.display()))?;
    if !status.success() {
        bail!("the kernel programs do not compile");
    }
    let stripped = target.join(object.file);
    strip(toolchain, &target.join(TARGET).join("release/causeway"), &stripped)?;
    fs::read(&stripped).with_context(|| format!("reading {}", stripped.display()))
}

/// Removes debug sections alone: the loader finds maps and programs through the symbols, and the verifier's messages
/// quote source lines from `.BTF.ext`.
fn strip(toolchain: &Toolchain, from: &Path, to: &Path) -> Result<()> {
    let status = Command::new(&toolchain.strip)
        .arg("-g")
        .arg("-o")
        .args([to, from])
        .status()
        .with_context(|| format!("starting {}", toolchain.strip.display()))?;
    if !status.success() {
        bail!("{} failed on {}", toolchain.strip.display(), from.display());
    }
    Ok(())
}

/// A cargo configuration that adds to the compiler's flags what takes paths out of line and debug information.
fn remaps(toolchain: &Toolchain, root: &Path) -> String {
    let registry = toolchain.cargo_home.join("registry/src");
    let pairs = toolchain
        .library_sources
        .iter()
        .map(|source| (source.as_path(), "/rust"))
        .chain([(registry.as_path(), "/cargo"), (root, "/causeway")]);
    let flags: Vec<String> =
        pairs.map(|(from, to)| quoted(&format!("--remap-path-prefix={}={to}", from.display()))).collect();
    format!("target.{TARGET}.rustflags=[{}]", flags.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(folder.to_path_buf()).chain(env::split_paths(&rest)).collect();
    env::join_paths(folders).context("composing PATH")
}
