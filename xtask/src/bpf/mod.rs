//! The kernel objects: built with one exact compiler, committed, and proved to belong to their sources.
//!
//! Everybody builds Causeway with a stable compiler alone, so the objects are in the repository. Three things keep them
//! honest: `bpf/sources.sha256` names the bytes of every source and of both objects (checked in a moment, without a BPF
//! compiler), a rebuild in any folder gives the same bytes, and the tests load what is committed into a kernel. For the
//! second, the sources are built in a copy that has no paths of its own (see `workspace`), and what the linker leaves to
//! chance is put in order (see `btf`).

mod btf;
mod compile;
mod sources;
mod toolchain;
mod workspace;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

use toolchain::Toolchain;

/// An object to build: the file's name in `bpf/`, and the features of the crate.
struct Object {
    file: &'static str,
    features: &'static [&'static str],
}

/// What ships, and the same with the verdict readable in a test run.
const OBJECTS: [Object; 2] = [
    Object { file: "causeway.bpf.o", features: &[] },
    Object { file: "causeway-testrun.bpf.o", features: &["testrun"] },
];

/// Builds both objects into `bpf/` and records the hashes.
pub fn build(root: &Path) -> Result<()> {
    // Always the same folder, so that `core` is compiled once.
    for (object, bytes) in objects(root, &root.join("target/bpf"))? {
        let path = root.join("bpf").join(object.file);
        fs::write(&path, &bytes).with_context(|| format!("writing {}", path.display()))?;
        println!("bpf/{}: {} bytes", object.file, bytes.len());
    }
    sources::record(root)
}

/// Compares the recorded hashes with the files.
pub fn check(root: &Path) -> Result<()> {
    let differences = sources::differences(root)?;
    if differences.is_empty() {
        println!("bpf: sources and objects belong together");
        return Ok(());
    }
    for difference in &differences {
        eprintln!("  {difference}");
    }
    bail!("the kernel objects are not those of the sources: run `cargo xtask bpf` and commit bpf/")
}

/// Rebuilds both objects from a copy in another folder and compares the bytes with the committed ones.
pub fn verify(root: &Path) -> Result<()> {
    check(root)?;
    let temporary =
        tempfile::Builder::new().prefix("causeway-bpf-").tempdir().context("making a folder for the copy")?;
    // The compiler is told what to make of the folder's name and has to meet it in that spelling, without links.
    let folder = temporary.path().canonicalize().context("finding the folder for the copy")?.join("a rebuild");
    for (object, built) in objects(root, &folder)? {
        let path = root.join("bpf").join(object.file);
        let committed = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if built != committed {
            bail!(
                "bpf/{}: rebuilding gives other bytes ({} against {} committed)",
                object.file,
                built.len(),
                committed.len()
            );
        }
        println!("bpf/{}: a rebuild in another folder gives the same {} bytes", object.file, built.len());
    }
    Ok(())
}

/// The bytes of both objects, built inside `folder` from a copy of the sources that is made there.
fn objects(root: &Path, folder: &Path) -> Result<Vec<(&'static Object, Vec<u8>)>> {
    let toolchain = Toolchain::find(root)?;
    let sources = folder.join("sources");
    workspace::lay_out(root, &sources)?;
    OBJECTS.iter().map(|object| Ok((object, compile::object(&toolchain, &sources, folder, object)?))).collect()
}
