//! Opening an instance's data plane, and taking it away.

use std::path::{Path, PathBuf};

use crate::{
    Damage, Error, Unsupported,
    bpffs::{self, Lock},
    link,
    load::{self, Loaded},
    map::Capacities,
    pin::{self, Pins},
    support,
};

/// Layout of keys and values; another one gets other pins, so that an old process cannot misread them.
const VERSION: &str = "v1";

/// Which data plane to open.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the instance: 1 to 32 of `a-z`, `0-9` and `-`. Instances on one machine do not see each other.
    pub instance: String,
    /// Mount point of the BPF file system, `/sys/fs/bpf` by convention. Mounted when it is not.
    pub bpffs: PathBuf,
    /// Sizes of the maps. Other sizes than those of the pinned maps mean new, empty maps.
    pub capacities: Capacities,
}

impl Options {
    /// The instance `instance` with the usual mount point and sizes.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        Self { instance: instance.into(), bpffs: bpffs::DEFAULT.into(), capacities: Capacities::default() }
    }
}

/// What was there when a data plane was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the maps are new and empty.
    Nothing,
    /// The maps of an earlier process, now in use.
    Adopted,
    /// Pins that cannot be used. They are replaced: the maps are new and empty. Programs in place go on with the maps
    /// that they have until [`Datapath::activate`].
    Replaced(Vec<Damage>),
}

/// An instance's programs and maps in the kernel. See the crate's documentation.
#[derive(Debug)]
pub struct Datapath {
    pub(crate) loaded: Loaded,
    pub(crate) links: PathBuf,
    folder: PathBuf,
    found: Found,
    _lock: Lock,
}

impl Datapath {
    /// Says precisely what this machine or process lacks for the kernel data plane, if anything. Changes nothing.
    pub fn supported() -> Result<(), Unsupported> {
        support::supported()
    }

    /// Loads the programs and makes or adopts the maps pinned under `<bpffs>/causeway-<instance>/v1`.
    ///
    /// Links that are there keep their programs, and flows go on, but are decided again. The way on: [`Self::snapshot`], [`Self::apply`] what differs from the
    /// intent, then [`Self::activate`].
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`], [`Error::Busy`] when another process owns the instance and does not end within
    /// a second, and what the kernel says.
    pub fn open(options: &Options) -> Result<Self, Error> {
        support::supported()?;
        let folder = bpffs::instance_folder(&options.bpffs, &options.instance)?;
        bpffs::ensure_mounted(&options.bpffs)?;
        bpffs::make_folder(&folder)?;
        let lock = Lock::take(&folder)?;
        let version = folder.join(VERSION);
        let (maps, links) = (version.join("maps"), version.join("links"));
        for folder in [&version, &maps, &links] {
            replace_unless_folder(folder)?;
            bpffs::make_folder(folder)?;
        }
        let found = match pin::inspect(&maps, &options.capacities)? {
            Pins::None => Found::Nothing,
            Pins::Fit => Found::Adopted,
            Pins::Damaged(damages) => {
                for damage in &damages {
                    tracing::warn!(folder = %maps.display(), %damage, "the pinned maps are replaced");
                }
                bpffs::remove(&maps)?;
                bpffs::make_folder(&maps)?;
                Found::Replaced(damages)
            }
        };
        let mut loaded = Loaded::new(load::OBJECT, &options.capacities, Some(&maps))?;
        if found == Found::Adopted {
            // The process before may have died between a change of tables and the generations that go with it. Its
            // flows would go on for ever by what is no longer so.
            loaded.maps.bump_all()?;
        }
        Ok(Self { loaded, links, folder, found, _lock: lock })
    }

    /// What was there when this data plane was opened.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Takes everything away: programs from interfaces, maps, pins. Returns when the programs are off the interfaces.
    ///
    /// # Errors
    ///
    /// [`Error::Bpffs`], [`Error::Detach`]; then something is left and [`remove_instance`] can be tried again.
    pub fn remove_all(self) -> Result<(), Error> {
        remove_folder(&self.folder)
    }
}

/// Takes everything of an instance away although it is not open, whatever state it is in.
///
/// # Errors
///
/// [`Error::Busy`] when a process has the instance open, [`Error::Bpffs`], [`Error::Detach`].
pub fn remove_instance(options: &Options) -> Result<(), Error> {
    let folder = bpffs::instance_folder(&options.bpffs, &options.instance)?;
    if !bpffs::is_mounted(&options.bpffs) || !folder.exists() {
        return Ok(());
    }
    let _lock = Lock::take(&folder)?;
    remove_folder(&folder)
}

/// Links first, so that no program is left that looks into maps which nobody can reach.
fn remove_folder(folder: &Path) -> Result<(), Error> {
    link::remove_all(&folder.join(VERSION).join("links"))?;
    bpffs::remove(folder)
}

/// Removes something foreign that stands where a folder has to be.
fn replace_unless_folder(path: &Path) -> Result<(), Error> {
    if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        bpffs::remove(path)?;
    }
    Ok(())
}
