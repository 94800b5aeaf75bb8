//! What can go wrong with the kernel.

use std::{io, path::PathBuf};

use crate::{MapName, Unsupported};

/// Why the kernel did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This machine or process cannot run the kernel data plane.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The instance's name cannot be the name of a folder: 1 to 32 of `a-z`, `0-9` and `-`.
    #[error("`{name}` is no name for an instance: 1 to 32 lower-case letters, digits and hyphens")]
    InstanceName {
        /// The name.
        name: String,
    },
    /// Another process owns the instance.
    #[error("another process owns the data plane at {}", path.display())]
    Busy {
        /// Folder of the instance.
        path: PathBuf,
    },
    /// The BPF file system cannot be used.
    #[error("the BPF file system at {} cannot be used", path.display())]
    Bpffs {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refused the programs or maps.
    #[error("the kernel programs cannot be loaded")]
    Load(#[source] Box<aya::EbpfError>),
    /// The embedded object and this crate do not belong together.
    #[error("the kernel object has no {what} as this version expects")]
    Object {
        /// The missing or different part.
        what: &'static str,
    },
    /// The map has no place for another entry. Entries of the same change that were written before stay.
    #[error("the map {map} is full: it holds {capacity} entries")]
    Full {
        /// The map.
        map: MapName,
        /// Its number of entries.
        capacity: u32,
    },
    /// The kernel refused to read or write a map.
    #[error("the map {map} cannot be read or written")]
    Map {
        /// The map.
        map: MapName,
        /// Why.
        #[source]
        source: Box<aya::maps::MapError>,
    },
    /// The caller's network namespace has no such interface.
    #[error("there is no interface {interface}")]
    NoInterface {
        /// Its name.
        interface: String,
    },
    /// The kernel refused to attach the program or to pin the link.
    #[error("the program cannot be attached to {interface}")]
    Attach {
        /// Name of the interface.
        interface: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The pin is gone, but the program is still on the interface: another process holds the link.
    #[error("the program does not leave {interface}: another process holds its link")]
    Detach {
        /// Name of the interface.
        interface: String,
    },
    /// The kernel refused a test run.
    #[error("the program cannot be run on a test packet")]
    TestRun(#[source] Box<aya::programs::ProgramError>),
}

impl From<aya::EbpfError> for Error {
    fn from(error: aya::EbpfError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl From<aya::programs::ProgramError> for Error {
    fn from(error: aya::programs::ProgramError) -> Self {
        Self::Load(Box::new(error.into()))
    }
}
