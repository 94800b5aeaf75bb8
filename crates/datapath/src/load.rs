//! The object in the kernel: maps made or adopted, the program verified.

use std::{fmt, path::Path};

use aya::{Ebpf, EbpfLoader, VerifierLogLevel, programs::SchedClassifier};

use crate::{
    Error,
    map::{Capacities, MapName, Maps},
};

/// The object that ships. `cargo xtask bpf` makes it.
pub(crate) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bpf/causeway.bpf.o"));

/// The program for frames from workloads.
pub(crate) const FROM_WORKLOAD: &str = "from_workload";

/// The programs that it goes on with, by their place in map `PARTS`: the number of `pipeline::Part`.
const PARTS: [(u32, &str); 5] = [(1, "ipv6"), (2, "neighbour"), (3, "dhcp"), (4, "too_big"), (5, "dhcpv6")];

/// The programs that ship.
pub(crate) fn program_names() -> impl Iterator<Item = &'static str> {
    std::iter::once(FROM_WORKLOAD).chain(PARTS.map(|(_, name)| name))
}

/// A loaded object.
pub(crate) struct Loaded {
    ebpf: Ebpf,
    pub maps: Maps,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

impl Loaded {
    /// Loads `object`. With `pins`, maps pinned in that folder are used and others are pinned there.
    pub fn new(object: &[u8], capacities: &Capacities, pins: Option<&Path>) -> Result<Self, Error> {
        let mut loader = EbpfLoader::new();
        loader.verifier_log_level(VerifierLogLevel::STATS);
        for name in MapName::ALL {
            loader.map_max_entries(name.as_str(), capacities.of(name));
            if let Some(folder) = pins {
                loader.map_pin_path(name.as_str(), folder.join(name.as_str()));
            }
        }
        let mut ebpf = loader.load(object)?;
        let maps = Maps::take(&mut ebpf, capacities)?;
        let mut loaded = Self { ebpf, maps };
        loaded.program()?.load()?;
        loaded.load_parts()?;
        Ok(loaded)
    }

    /// Loads the programs that the one on the interfaces goes on with, and puts each into its place. A program of an
    /// earlier process that is still on an interface goes on with these from now on: the maps are the same.
    fn load_parts(&mut self) -> Result<(), Error> {
        for (index, name) in PARTS {
            self.program_named(name)?.load()?;
            let Self { ebpf, maps } = self;
            let Some(program) = ebpf.program(name) else { return Err(Error::Object { what: name }) };
            let fd = <&SchedClassifier>::try_from(program).and_then(SchedClassifier::fd)?;
            maps.parts
                .set(index, fd, 0)
                .map_err(|error| Error::Map { map: MapName::Parts, source: Box::new(error) })?;
        }
        Ok(())
    }

    /// The program for frames from workloads.
    pub fn program(&mut self) -> Result<&mut SchedClassifier, Error> {
        self.program_named(FROM_WORKLOAD)
    }

    /// A program of the object by name.
    pub fn program_named(&mut self, name: &'static str) -> Result<&mut SchedClassifier, Error> {
        let Some(program) = self.ebpf.program_mut(name) else { return Err(Error::Object { what: name }) };
        program.try_into().map_err(|_| Error::Object { what: name })
    }
}
