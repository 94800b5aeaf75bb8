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
        Ok(loaded)
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
