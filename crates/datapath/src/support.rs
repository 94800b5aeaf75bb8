//! Whether this machine and process can run the kernel data plane, and what is missing if not.

use std::{fs, path::PathBuf};

use aya::{
    maps::{Array, MapError},
    util::KernelVersion,
};

use crate::bpffs;

/// The oldest kernel with TCX links.
const OLDEST: (u8, u8) = (6, 6);

/// Capabilities needed, by number (`linux/capability.h`). `CAP_SYS_ADMIN` stands for the BPF ones as well.
const CAPABILITIES: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (38, "CAP_PERFMON"), (39, "CAP_BPF")];
const CAP_SYS_ADMIN: u32 = 21;

/// What is missing for the kernel data plane.
#[derive(Debug, thiserror::Error)]
pub enum Unsupported {
    /// The process lacks rights.
    #[error("the process lacks {}: run as root or grant them", missing.join(", "))]
    Capabilities {
        /// Names of the missing capabilities.
        missing: Vec<&'static str>,
    },
    /// The kernel is too old.
    #[error("the kernel is {found}, TCX links need {}.{} or newer", OLDEST.0, OLDEST.1)]
    Kernel {
        /// Its version.
        found: String,
    },
    /// The kernel has no BPF file system.
    #[error("the kernel has no BPF file system (CONFIG_BPF_SYSCALL)")]
    NoBpffs,
    /// The BPF file system is not mounted, and the process may not mount it.
    #[error("no BPF file system is mounted at {} and mounting it takes CAP_SYS_ADMIN", path.display())]
    NotMounted {
        /// Where it is looked for.
        path: PathBuf,
    },
    /// The kernel refuses BPF to this process although it seems to have the rights: a container's or lockdown's policy.
    #[error("the kernel refuses to make a BPF map (a container's seccomp profile, a user namespace, or lockdown)")]
    Refused(#[source] Box<MapError>),
}

/// Says precisely what is missing, if anything. Changes nothing.
pub(crate) fn supported() -> Result<(), Unsupported> {
    let version = KernelVersion::current();
    if !version.as_ref().is_ok_and(|version| *version >= KernelVersion::new(OLDEST.0, OLDEST.1, 0)) {
        let found = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "unknown".into());
        return Err(Unsupported::Kernel { found: found.trim().into() });
    }
    let effective = effective_capabilities();
    let has = |number: u32| effective & (1 << number) != 0;
    let missing: Vec<&str> = CAPABILITIES
        .into_iter()
        .filter(|(number, _)| !(has(*number) || *number > CAP_SYS_ADMIN && has(CAP_SYS_ADMIN)))
        .map(|(_, name)| name)
        .collect();
    if !missing.is_empty() {
        return Err(Unsupported::Capabilities { missing });
    }
    if !fs::read_to_string("/proc/filesystems")
        .is_ok_and(|list| list.lines().any(|line| line.trim_end().ends_with("\tbpf")))
    {
        return Err(Unsupported::NoBpffs);
    }
    let path = PathBuf::from(bpffs::DEFAULT);
    if !has(CAP_SYS_ADMIN) && !bpffs::is_mounted(&path) {
        return Err(Unsupported::NotMounted { path });
    }
    Array::<_, u32>::create(1, 0).map_err(|error| Unsupported::Refused(Box::new(error)))?;
    Ok(())
}

/// Bit set of the process's effective capabilities; none when they cannot be read.
fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}
