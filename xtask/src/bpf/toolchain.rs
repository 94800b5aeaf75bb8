//! The compiler of the kernel objects: one exact version of each part, because their bytes depend on it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// The compiler, as `rustc --version` begins. `bpfel-unknown-none` needs `core` from source, so the compiler's library
/// source has to be installed with it.
const RUSTC: &str = "rustc 1.96.0 ";
/// The linker, as `bpf-linker --version` says. Its LLVM must be as new as the compiler's.
const LINKER_VERSION: &str = "0.13.0";
/// LLVM, as `llvm-objcopy --version` says somewhere.
const LLVM: &str = "22.1.";

const INSTALL: &str = "on Debian: apt-get install rustc-web cargo-web rust-web-src llvm-22 llvm-22-dev \
    (or point CAUSEWAY_BPF_RUST at the bin folder of a Rust 1.96.0 with its library source, CAUSEWAY_BPF_LLVM at an \
    LLVM 22)";

/// Where the parts are.
pub struct Toolchain {
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    /// Folders under which the compiler may say that the sources of `core` are.
    pub library_sources: Vec<PathBuf>,
    /// Where cargo keeps downloaded sources.
    pub cargo_home: PathBuf,
    /// Folder of `bpf-linker`.
    pub linker: PathBuf,
    pub objcopy: PathBuf,
}

impl Toolchain {
    /// Finds every part; installs the linker into `target/tools` when it is not on `PATH`.
    pub fn find(root: &Path) -> Result<Self> {
        let rust = env::var_os("CAUSEWAY_BPF_RUST").map_or_else(|| PathBuf::from("/usr/bin"), PathBuf::from);
        let llvm = env::var_os("CAUSEWAY_BPF_LLVM").map_or_else(|| PathBuf::from("/usr/lib/llvm-22"), PathBuf::from);
        let (cargo, rustc, objcopy) = (rust.join("cargo"), rust.join("rustc"), llvm.join("bin/llvm-objcopy"));

        let version = output(Command::new(&rustc).arg("--version")).context(INSTALL)?;
        if !version.starts_with(RUSTC) {
            bail!("{} is {}, not {RUSTC}: {INSTALL}", rustc.display(), version.trim());
        }
        let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))?;
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
        let canonical =
            library.canonicalize().with_context(|| format!("no library source at {}: {INSTALL}", library.display()))?;
        let objcopy_version = output(Command::new(&objcopy).arg("--version")).context(INSTALL)?;
        if !objcopy_version.contains(LLVM) {
            bail!("{} is not of LLVM {LLVM}x: {INSTALL}", objcopy.display());
        }
        let cargo_home = match env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".cargo"),
        };
        let linker = linker(root, &llvm)?;
        Ok(Self { cargo, rustc, library_sources: vec![library, canonical], cargo_home, linker, objcopy })
    }
}

/// The folder of a `bpf-linker` of the right version.
fn linker(root: &Path, llvm: &Path) -> Result<PathBuf> {
    let tools = root.join("target/tools");
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let fits = |folder: &Path| {
        output(Command::new(folder.join("bpf-linker")).arg("--version")).is_ok_and(|v| v.contains(LINKER_VERSION))
    };
    if let Some(folder) = on_path.into_iter().chain([tools.join("bin")]).find(|folder| fits(folder)) {
        return Ok(folder);
    }
    println!("bpf-linker {LINKER_VERSION} is not installed: building it into {}", tools.display());
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["install", "bpf-linker", "--locked", "--version", LINKER_VERSION])
        .args(["--no-default-features", "--features", "llvm-22", "--root"])
        .arg(&tools)
        .env("LLVM_PREFIX", llvm)
        .status()
        .context("starting cargo install")?;
    if !status.success() {
        bail!("bpf-linker could not be built: {INSTALL}");
    }
    Ok(tools.join("bin"))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{} failed: {}", command.get_program().display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
