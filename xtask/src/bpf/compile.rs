//! One run of the BPF compiler, so that the bytes do not depend on where and when it runs.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{Object, btf, toolchain::Toolchain};

const TARGET: &str = "bpfel-unknown-none";

/// The stripped bytes of `object`, built in the folder `target` from the copy of the sources at `sources`.
pub fn object(toolchain: &Toolchain, sources: &Path, target: &Path, object: &Object) -> Result<Vec<u8>> {
    let status = Command::new(&toolchain.cargo)
        // Where cargo finds `.cargo/config.toml` with the target and its flags.
        .current_dir(sources.join("bpf"))
        .args(["build", "--release", "--locked", "--quiet", "--config", &remaps(toolchain, sources)])
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
    finish(toolchain, &target.join(TARGET).join("release/causeway"), &stripped)?;
    fs::read(&stripped).with_context(|| format!("reading {}", stripped.display()))
}

/// Removes debug sections, but not the symbols, through which the loader finds maps and programs, nor the type and line
/// information; brings the types into an order that does not depend on the linker's luck.
fn finish(toolchain: &Toolchain, linked: &Path, finished: &Path) -> Result<()> {
    let types = finished.with_extension("btf");
    let argument = |flag: &str| {
        let mut argument = OsString::from(format!("{flag}=.BTF="));
        argument.push(&types);
        argument
    };
    objcopy(toolchain, &["-g".as_ref(), &argument("--dump-section"), linked.as_ref(), finished.as_ref()])?;
    let section = fs::read(&types).with_context(|| format!("reading {}", types.display()))?;
    let settled = btf::settle(&section).with_context(|| format!("the types of {}", finished.display()))?;
    fs::write(&types, settled).with_context(|| format!("writing {}", types.display()))?;
    objcopy(toolchain, &[&argument("--update-section"), finished.as_ref()])
}

fn objcopy(toolchain: &Toolchain, arguments: &[&OsStr]) -> Result<()> {
    let program = &toolchain.objcopy;
    let status =
        Command::new(program).args(arguments).status().with_context(|| format!("starting {}", program.display()))?;
    if !status.success() {
        bail!("{} {} failed", program.display(), arguments.join(" ".as_ref()).display());
    }
    Ok(())
}

/// A cargo configuration that adds to the compiler's flags what takes paths out of line and debug information.
fn remaps(toolchain: &Toolchain, sources: &Path) -> String {
    let registry = toolchain.cargo_home.join("registry/src");
    let pairs = toolchain
        .library_sources
        .iter()
        .map(|source| (source.as_path(), "/rust"))
        .chain([(registry.as_path(), "/cargo"), (sources, "/causeway")]);
    let flags: Vec<String> =
        pairs.map(|(from, to)| quoted(&format!("--remap-path-prefix={}={to}", from.display()))).collect();
    format!("target.{TARGET}.rustflags=[{}]", flags.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn path_with(folder: &Path) -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(folder.to_path_buf()).chain(env::split_paths(&rest)).collect();
    env::join_paths(folders).context("composing PATH")
}
