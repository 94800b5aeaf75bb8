//! A copy of the sources in which all of our crates are members of one workspace.
//!
//! Cargo tells the compiler a hash of each package's place (`-C metadata`), which becomes part of every mangled name,
//! and items of other crates are compiled in the order of their names. A package under the workspace's root is hashed by
//! its path from there, any other by its path from `/`. In the repository `bpf/` is a workspace of its own, with
//! `crates/abi` and `crates/pipeline` outside, so what the linker gets depends on where the repository is; from here it
//! always gets the same.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::sources;

/// The manifest and the lock file of the kernel programs.
const BPF_MANIFEST: &str = "bpf/Cargo.toml";
const BPF_LOCK: &str = "bpf/Cargo.lock";

/// Crates that the kernel programs share with user space.
const SHARED_CRATES: [&str; 2] = ["crates/abi", "crates/pipeline"];

/// Makes the copy at `to`, in place of what was there.
pub fn lay_out(root: &Path, to: &Path) -> Result<()> {
    // A module that the repository no longer has must not be found here either.
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("removing {}", to.display()))?;
    }
    for path in sources::files(root)? {
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::copy(root.join(&path), &target).with_context(|| format!("copying {path}"))?;
    }
    // Cargo reads the lock file of the workspace's root alone.
    fs::rename(to.join(BPF_LOCK), to.join("Cargo.lock")).with_context(|| format!("moving {BPF_LOCK}"))?;

    let mut workspace = read(&root.join("Cargo.toml"))?;
    let mut programs = read(&root.join(BPF_MANIFEST))?;
    join(&mut workspace, &mut programs)?;
    write(&to.join("Cargo.toml"), &workspace)?;
    write(&to.join(BPF_MANIFEST), &programs)?;
    for name in SHARED_CRATES {
        let manifest = Path::new(name).join("Cargo.toml");
        let mut member = read(&root.join(&manifest))?;
        // A workspace's lock file has to cover its members' tests, and that of `bpf/` was made without.
        member.remove("dev-dependencies");
        write(&to.join(manifest), &member)?;
    }
    Ok(())
}

/// Makes the kernel programs a member of the workspace: only a root may have members and profiles.
fn join(workspace: &mut Table, programs: &mut Table) -> Result<()> {
    let section = workspace.get_mut("workspace").and_then(Value::as_table_mut);
    let section = section.context("Cargo.toml: no [workspace] to inherit from")?;
    let members = ["bpf"].into_iter().chain(SHARED_CRATES).map(Value::from).collect();
    section.insert("members".to_owned(), Value::Array(members));
    section.remove("exclude");
    programs.remove("workspace").with_context(|| format!("{BPF_MANIFEST}: no [workspace] to replace"))?;
    let profiles = programs.remove("profile").with_context(|| format!("{BPF_MANIFEST}: no [profile] to build with"))?;
    workspace.insert("profile".to_owned(), profiles);
    Ok(())
}

fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.parse().with_context(|| format!("parsing {}", path.display()))
}

fn write(path: &Path, manifest: &Table) -> Result<()> {
    let text = toml::to_string(manifest).with_context(|| format!("composing {}", path.display()))?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_become_a_member_and_their_profiles_those_of_the_workspace() {
        let mut workspace: Table =
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\nexclude = [\"bpf\"]\n\
             [workspace.package]\nversion = \"1.0.0\"\n[profile.release]\nlto = \"thin\"\n[profile.dev]\ndebug = 1\n"
                .parse()
                .expect("a manifest");
        let mut programs: Table =
            "[package]\nname = \"programs\"\n[workspace]\n[profile.release]\nlto = true\n".parse().expect("a manifest");
        join(&mut workspace, &mut programs).expect("both have what they need");
        let expected: Table =
            "[workspace]\nresolver = \"3\"\nmembers = [\"bpf\", \"crates/abi\", \"crates/pipeline\"]\n\
             [workspace.package]\nversion = \"1.0.0\"\n[profile.release]\nlto = true\n"
                .parse()
                .expect("a manifest");
        assert_eq!(workspace, expected);
        assert_eq!(programs, "[package]\nname = \"programs\"\n".parse().expect("a manifest"));
    }

    #[test]
    fn programs_without_profiles_of_their_own_are_refused() {
        let mut workspace: Table = "[workspace]\n".parse().expect("a manifest");
        let mut programs: Table = "[workspace]\n".parse().expect("a manifest");
        let error = join(&mut workspace, &mut programs).expect_err("no profile");
        assert_eq!(error.to_string(), "bpf/Cargo.toml: no [profile] to build with");
    }
}
