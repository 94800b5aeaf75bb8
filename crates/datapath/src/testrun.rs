//! Programs run on single packets without an interface: equality tests with the simulator, and measurements.
//!
//! Nothing is pinned or attached. The object `bpf/causeway-testrun.bpf.o` is the shipped one, except that it reports
//! its verdict in `skb->cb`; it is read at run time, so that no product carries it.

use std::{collections::BTreeMap, time::Duration};

use abi::{
    Claim, DropCounter, DropCounterKey, DropSample, Flow, FlowKey, attachment, attachment_ifindex, attachment_vlan,
};
use aya::{TestRun as _, TestRunOptions};
use tables::{Delta, Tables};

use crate::{
    Capacities, Error, FlowCounts, MapName,
    bytes::Raw,
    load::{FROM_WORKLOAD, Loaded},
};

/// Bytes of `struct __sk_buff` (`linux/bpf.h`), and where the fields in use begin.
const CONTEXT_LEN: usize = 192;
const MARK: usize = 8;
const IFINDEX: usize = 40;
const CONTROL: usize = 48;

/// Room behind a frame in the output buffer: an answer can be longer than what it answers.
const SLACK: usize = 1024;

/// What a program did with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The pipeline's action as a number; 0 with an object that does not report it, like the next three.
    pub action: u32,
    /// [`abi::DropReason`] as a number.
    pub reason: u32,
    /// Attachment to deliver or reply to (see [`abi::attachment`]).
    pub ifindex: u32,
    /// VPC in which the packet was dropped or delivered.
    pub vni: u32,
    /// The program's result (`TC_ACT_*`).
    pub result: u32,
    /// The frame afterwards.
    pub frame: Vec<u8>,
    /// Time of one run by the kernel's measurement.
    pub duration: Duration,
}

/// A loaded object without pins and interfaces.
#[derive(Debug)]
pub struct TestDatapath {
    loaded: Loaded,
}

impl TestDatapath {
    /// Loads an object, such as the contents of `bpf/causeway-testrun.bpf.o`.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the verifier's words, [`Error::Object`].
    pub fn load(object: &[u8], capacities: &Capacities) -> Result<Self, Error> {
        Ok(Self { loaded: Loaded::new(object, capacities, None)? })
    }

    /// Loads the object that ships.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_shipped(capacities: &Capacities) -> Result<Self, Error> {
        Self::load(crate::load::OBJECT, capacities)
    }

    /// Number of instructions that the verifier walked through, for each program; grows with the number of paths.
    ///
    /// # Errors
    ///
    /// [`Error::Load`].
    pub fn verified_instructions(&mut self) -> Result<BTreeMap<&'static str, u32>, Error> {
        let mut walked = BTreeMap::new();
        for name in crate::load::program_names() {
            let info = self.loaded.program_named(name)?.info()?;
            walked.insert(name, info.verified_instruction_count().unwrap_or(0));
        }
        Ok(walked)
    }

    /// See [`crate::Datapath::apply`].
    ///
    /// # Errors
    ///
    /// [`Error::Full`], [`Error::Map`].
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Error> {
        self.loaded.maps.apply(delta)
    }

    /// See [`crate::Datapath::snapshot`].
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn snapshot(&self) -> Result<Tables, Error> {
        self.loaded.maps.snapshot()
    }

    /// See [`crate::Datapath::drops`].
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn drops(&self) -> Result<BTreeMap<DropCounterKey, DropCounter>, Error> {
        self.loaded.maps.drops()
    }

    /// See [`crate::Datapath::drop_samples`].
    #[must_use]
    pub fn drop_samples(&mut self) -> Vec<DropSample> {
        self.loaded.maps.drop_samples()
    }

    /// Claims of virtual IPs since the last call, oldest first (rule VIP-3). One that repeats the last one
    /// of its virtual IP within 10 ms is left out. The ring buffer keeps some 18,000.
    #[must_use]
    pub fn claims(&mut self) -> Vec<Claim> {
        self.loaded.maps.claims()
    }

    /// See [`crate::Datapath::flows_len`].
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn flows_len(&self) -> Result<FlowCounts, Error> {
        self.loaded.maps.flows_len()
    }

    /// The entries of map `FLOWS`, then those of `NEW_FLOWS`.
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn flows(&self) -> Result<[BTreeMap<FlowKey, Flow>; 2], Error> {
        let read = |name, map: &aya::maps::HashMap<_, Raw<FlowKey>, Raw<Flow>>| {
            let entries = map.iter().map(|entry| entry.map(|(Raw(key), Raw(flow))| (key, flow)));
            entries.collect::<Result<_, _>>().map_err(|error| Error::Map { map: name, source: Box::new(error) })
        };
        let maps = &self.loaded.maps;
        Ok([read(MapName::Flows, &maps.flows)?, read(MapName::NewFlows, &maps.new_flows)?])
    }

    /// Forgets all flows and fragments.
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn forget_flows(&mut self) -> Result<(), Error> {
        let maps = &mut self.loaded.maps;
        for (name, map) in [(MapName::Flows, &mut maps.flows), (MapName::NewFlows, &mut maps.new_flows)] {
            let keys: Vec<_> = map.keys().collect::<Result<_, _>>().map_err(|error| failed(name, error))?;
            for key in keys {
                map.remove(&key).map_err(|error| failed(name, error))?;
            }
        }
        let keys: Vec<_> =
            maps.fragments.keys().collect::<Result<_, _>>().map_err(|error| failed(MapName::Fragments, error))?;
        for key in keys {
            maps.fragments.remove(&key).map_err(|error| failed(MapName::Fragments, error))?;
        }
        Ok(())
    }

    /// Runs the program on `frame` as if it had come in by an attachment (see [`abi::attachment`]), whose interface is one of
    /// the caller's network namespace.
    ///
    /// # Errors
    ///
    /// [`Error::TestRun`]: the kernel refuses frames without a whole Ethernet header, or too short for their type.
    pub fn run(&mut self, frame: &[u8], attachment: u32) -> Result<Outcome, Error> {
        self.run_program(FROM_WORKLOAD, frame, attachment, 1)
    }

    /// Runs a program `repeat` times on a frame, which each run finds as the one before left it. `program` is
    /// `from_workload`, or in the test object also `empty`, which does nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub fn run_program(
        &mut self,
        program: &'static str,
        frame: &[u8],
        from: u32,
        repeat: u32,
    ) -> Result<Outcome, Error> {
        let mut context = [0; CONTEXT_LEN];
        context[IFINDEX..IFINDEX + 4].copy_from_slice(&attachment_ifindex(from).to_ne_bytes());
        // Without a tag beside the frame there is no other way to say so: the object gives it the one that it is marked with.
        context[MARK..MARK + 4].copy_from_slice(&attachment_vlan(from).to_ne_bytes());
        let mut context_out = [0; CONTEXT_LEN];
        let mut out = vec![0; frame.len() + SLACK];
        let program = self.loaded.program_named(program)?;
        // The shipped program is loaded from the start, others when they are used.
        if program.fd().is_err() {
            program.load()?;
        }
        let ran = program
            .test_run(TestRunOptions {
                data_in: Some(frame),
                data_out: Some(&mut out),
                ctx_in: Some(&context),
                ctx_out: Some(&mut context_out),
                repeat,
                ..TestRunOptions::default()
            })
            .map_err(|error| Error::TestRun(Box::new(error)))?;
        out.truncate(ran.data_size_out as usize);
        let word = |index: usize| {
            let start = CONTROL + 4 * index;
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&context_out[start..start + 4]);
            u32::from_ne_bytes(bytes)
        };
        Ok(Outcome {
            action: word(0),
            reason: word(1),
            ifindex: attachment(word(2), word(4)),
            vni: word(3),
            result: ran.return_value,
            frame: out,
            duration: ran.duration,
        })
    }
}

fn failed(map: MapName, error: aya::maps::MapError) -> Error {
    Error::Map { map, source: Box::new(error) }
}
