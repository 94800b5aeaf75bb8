//! What the programs count and keep.

use std::collections::BTreeMap;

use abi::{DropCounter, DropCounterKey, DropSample};
use zerocopy::FromBytes as _;

use crate::{Datapath, Error, MapName, map::Maps};

/// Number of entries in the flow maps; a flow between two workloads of this host has two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounts {
    /// Seen both ways.
    pub established: u64,
    /// Seen one way.
    pub new: u64,
}

impl Datapath {
    /// Packets dropped since the maps were made, by VPC and reason, summed over the CPUs.
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn drops(&self) -> Result<BTreeMap<DropCounterKey, DropCounter>, Error> {
        self.loaded.maps.drops()
    }

    /// Examples of dropped packets since the last call, oldest first for each CPU: at most one a second for each VPC,
    /// reason and CPU. Nothing is lost but examples when nobody calls: the ring buffer keeps some 3,600.
    #[must_use]
    pub fn drop_samples(&mut self) -> Vec<DropSample> {
        self.loaded.maps.drop_samples()
    }

    /// How many flows there are. Walks the maps: some 0.2 seconds with 100,000 entries.
    ///
    /// # Errors
    ///
    /// [`Error::Map`].
    pub fn flows_len(&self) -> Result<FlowCounts, Error> {
        self.loaded.maps.flows_len()
    }
}

impl Maps {
    /// See [`Datapath::drops`].
    pub fn drops(&self) -> Result<BTreeMap<DropCounterKey, DropCounter>, Error> {
        let mut drops = BTreeMap::new();
        for entry in self.drops.iter() {
            let (key, values) = entry.map_err(|error| Error::Map { map: MapName::Drops, source: Box::new(error) })?;
            let mut sum = DropCounter::default();
            for value in values.iter().map(|value| value.0).filter(|value| value.packets != 0) {
                sum.packets += value.packets;
                sum.bytes += value.bytes;
                sum.latest_port = value.latest_port;
            }
            drops.insert(key.0, sum);
        }
        Ok(drops)
    }

    /// See [`Datapath::drop_samples`].
    pub fn drop_samples(&mut self) -> Vec<DropSample> {
        let mut samples = Vec::new();
        while let Some(record) = self.events.next() {
            samples.extend(DropSample::read_from_bytes(&record));
        }
        samples
    }

    /// See [`Datapath::flows_len`].
    pub fn flows_len(&self) -> Result<FlowCounts, Error> {
        let mut counts = FlowCounts::default();
        for (name, map, count) in [
            (MapName::Flows, &self.flows, &mut counts.established),
            (MapName::NewFlows, &self.new_flows, &mut counts.new),
        ] {
            for key in map.keys() {
                key.map_err(|error| Error::Map { map: name, source: Box::new(error) })?;
                *count += 1;
            }
        }
        Ok(counts)
    }
}
