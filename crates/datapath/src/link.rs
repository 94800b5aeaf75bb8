//! The program on interfaces: TCX links, pinned by the name of the interface.

use std::{
    collections::BTreeMap,
    fs, io,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use aya::programs::{
    LinkOrder, MultiProgLink, ProgramError, SchedClassifier, TcAttachType,
    links::{FdLink, PinnedLink},
    tc::{SchedClassifierLink, TcAttachOptions},
};
use nix::{errno::Errno, net::if_::if_nametoindex};

use crate::{Datapath, Error, bpffs};

/// How long the kernel is waited for to let go of programs.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of a pinned link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// On the interface with this index.
    Attached(u32),
    /// The interface is gone; only the pin is left.
    Gone,
}

/// What [`Datapath::activate`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activated {
    /// Interfaces whose program is now this process's.
    pub updated: Vec<String>,
    /// Interfaces that were gone; their pins were removed.
    pub gone: Vec<String>,
}

impl Datapath {
    /// Puts this process's program into every link that is there, each in one step, and removes the pins of links
    /// whose interface is gone.
    ///
    /// To be called when the tables are as they should be: with maps that [`crate::Found::Replaced`] others, packets
    /// see the new tables from here on.
    ///
    /// # Errors
    ///
    /// [`Error::Attach`], [`Error::Bpffs`]. The other links may or may not have been updated; calling again is fine.
    pub fn activate(&mut self) -> Result<Activated, Error> {
        let mut activated = Activated::default();
        for interface in self.pinned()? {
            match self.open_link(&interface) {
                Some((link, index)) if index != 0 => {
                    self.update(&interface, link)?;
                    activated.updated.push(interface);
                }
                _ => {
                    bpffs::remove(&self.pin_path(&interface))?;
                    activated.gone.push(interface);
                }
            }
        }
        Ok(activated)
    }

    /// Attaches the program to what comes in by `interface`, the host's end of a workload's veth, named in the
    /// caller's network namespace. If it is attached already, the program is replaced by this process's.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`], [`Error::Attach`], [`Error::Bpffs`].
    pub fn attach(&mut self, interface: &str) -> Result<(), Error> {
        let Ok(index) = if_nametoindex(interface) else {
            return Err(Error::NoInterface { interface: interface.into() });
        };
        let path = self.pin_path(interface);
        match self.open_link(interface) {
            Some((link, found)) if found == index => return self.update(interface, link),
            // Of an interface that had the name before, or nothing that we made.
            _ => bpffs::remove(&path)?,
        }
        let program = self.loaded.program()?;
        let first = TcAttachOptions::TcxOrder(LinkOrder::first());
        let id = program
            .attach_with_options(interface, TcAttachType::Ingress, first)
            .map_err(|error| failed(interface, error))?;
        let link = program.take_link(id).map_err(|error| failed(interface, error))?;
        let link: FdLink = link.try_into().map_err(|error| failed(interface, error))?;
        link.pin(&path).map_err(|error| failed(interface, error))?;
        Ok(())
    }

    /// Takes the program off the interface; fine if it is not there, or the interface is not. To be called when the
    /// interface is gone or off: what a workload sends into one without the program comes to the host's own stack, which
    /// would forward it. Does not wait for the
    /// kernel, which lets go of a link some milliseconds after its pin: a packet in between still meets the program
    /// (and is dropped, once the port is out of the tables).
    ///
    /// # Errors
    ///
    /// [`Error::Bpffs`].
    pub fn detach(&mut self, interface: &str) -> Result<(), Error> {
        bpffs::remove(&self.pin_path(interface))
    }

    /// The links that are pinned, by the name that the interface had when the program was attached.
    ///
    /// # Errors
    ///
    /// [`Error::Bpffs`].
    pub fn links(&self) -> Result<BTreeMap<String, LinkState>, Error> {
        let states = self.pinned()?.into_iter().map(|interface| {
            let state = match self.open_link(&interface) {
                Some((_, index)) if index != 0 => LinkState::Attached(index),
                _ => LinkState::Gone,
            };
            (interface, state)
        });
        Ok(states.collect())
    }

    /// Names of interfaces that have a pin.
    fn pinned(&self) -> Result<Vec<String>, Error> {
        Ok(bpffs::names(&self.links)?.iter().map(|name| bpffs::unescape(name)).collect())
    }

    fn pin_path(&self, interface: &str) -> PathBuf {
        self.links.join(bpffs::escape(interface))
    }

    /// The pinned link with the index of its interface, 0 when that is gone; `None` when the pin is no such link.
    fn open_link(&self, interface: &str) -> Option<(SchedClassifierLink, u32)> {
        let pinned = PinnedLink::from_pin(self.pin_path(interface)).ok()?;
        let link = SchedClassifierLink::try_from(FdLink::from(pinned)).ok()?;
        let index = interface_of(&link).ok()?;
        Some((link, index))
    }

    fn update(&mut self, interface: &str, link: SchedClassifierLink) -> Result<(), Error> {
        let program = self.loaded.program()?;
        match program.attach_to_link(link) {
            Ok(id) => {
                // The pin keeps the link; the file descriptor is closed here.
                drop(program.take_link(id).map_err(|error| failed(interface, error))?);
                Ok(())
            }
            // The interface went away meanwhile, and the link with it.
            Err(error) if is_gone(&error) => bpffs::remove(&self.pin_path(interface)),
            Err(error) => Err(failed(interface, error)),
        }
    }
}

/// Removes all pins of links in a folder, and returns when the programs are off the interfaces.
///
/// Nobody holds a link but its pin, so without that the program goes. The kernel takes its time: pins are freed after
/// an RCU grace period, links by a work queue after that (`bpf_link_put` of `kernel/bpf/syscall.c`).
pub(crate) fn remove_all(links: &Path) -> Result<(), Error> {
    let mut attached = Vec::new();
    for name in bpffs::names(links)? {
        let path = links.join(&name);
        let link = PinnedLink::from_pin(&path).map(FdLink::from).and_then(|link| link.info());
        attached.extend(link.map(|info| (bpffs::unescape(&name), info.program_id())));
        bpffs::remove(&path)?;
    }
    let deadline = Instant::now() + PATIENCE;
    for (interface, program) in attached {
        while runs_on(&interface, program) {
            if Instant::now() > deadline {
                return Err(Error::Detach { interface });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

/// Whether a program is on what comes in by an interface; not, when there is no such interface.
fn runs_on(interface: &str, program: u32) -> bool {
    SchedClassifier::query_tcx(interface, TcAttachType::Ingress)
        .is_ok_and(|(_, programs)| programs.iter().any(|info| info.id() == program))
}

/// Index of the interface that a link is on; 0 when it is gone.
///
/// The kernel tells it in `/proc/self/fdinfo` as well (`tcx_link_fdinfo` of `kernel/bpf/tcx.c`), where reading it takes
/// no unsafe code.
fn interface_of(link: &SchedClassifierLink) -> io::Result<u32> {
    let fd = MultiProgLink::fd(link).map_err(io::Error::other)?;
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    let index = text.lines().find_map(|line| line.strip_prefix("ifindex:"));
    index.and_then(|index| index.trim().parse().ok()).ok_or_else(|| io::Error::other("the link has no interface"))
}

fn is_gone(error: &ProgramError) -> bool {
    matches!(error, ProgramError::SyscallError(error) if error.io_error.raw_os_error() == Some(Errno::ENOLINK as i32))
}

fn failed(interface: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Attach { interface: interface.into(), source: source.into() }
}
