//! What the pipeline writes: flows and fragments; and the clock.

use abi::{Claim, Flow, FlowKey, FragmentKey, FragmentPorts};

use super::lru::Lru;

/// Sizes of the LRU maps, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSize {
    /// Of the map of established flows.
    pub flows: usize,
    /// Of the map of new flows.
    pub new_flows: usize,
    /// Of the map of fragmented packets.
    pub fragments: usize,
}

impl Default for StateSize {
    fn default() -> Self {
        Self { flows: 65_536, new_flows: 65_536, fragments: 4_096 }
    }
}

/// Claims that are kept until somebody takes them; more are lost, as in a full ring.
const CLAIMS: usize = 1024;

/// The maps that the pipeline writes, and the clock.
#[derive(Debug)]
pub struct FlowState {
    flows: Lru<FlowKey, Flow>,
    new_flows: Lru<FlowKey, Flow>,
    fragments: Lru<FragmentKey, FragmentPorts>,
    /// Claims of virtual IPs that nobody has taken yet.
    pub(super) claims: Vec<Claim>,
    /// Nanoseconds.
    pub(super) clock: u64,
}

impl Default for FlowState {
    fn default() -> Self {
        Self::new(StateSize::default())
    }
}

impl FlowState {
    pub(super) fn new(size: StateSize) -> Self {
        Self {
            flows: Lru::new(size.flows),
            new_flows: Lru::new(size.new_flows),
            fragments: Lru::new(size.fragments),
            claims: Vec::new(),
            clock: 0,
        }
    }

    /// Forgets everything but the time.
    pub(super) fn clear(&mut self) {
        self.flows.clear();
        self.new_flows.clear();
        self.fragments.clear();
    }

    /// The established flows, by key; expired ones are among them.
    pub fn established(&self) -> impl Iterator<Item = (&FlowKey, &Flow)> {
        self.flows.iter()
    }

    /// All other flows, by key; expired ones are among them.
    pub fn embryonic(&self) -> impl Iterator<Item = (&FlowKey, &Flow)> {
        self.new_flows.iter()
    }

    /// Number of entries of both maps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len() + self.new_flows.len()
    }

    /// Whether there are no flows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl pipeline::Flows for FlowState {
    fn now(&self) -> u64 {
        self.clock
    }

    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        self.flows.lookup(key)
    }

    fn new_flow(&self, key: &FlowKey) -> Option<&Flow> {
        self.new_flows.lookup(key)
    }

    fn put_flow(&mut self, key: &FlowKey, flow: &Flow) {
        self.flows.put(*key, *flow);
    }

    fn put_new_flow(&mut self, key: &FlowKey, flow: &Flow) {
        self.new_flows.put(*key, *flow);
    }

    fn delete_flow(&mut self, key: &FlowKey) {
        self.flows.delete(key);
    }

    fn delete_new_flow(&mut self, key: &FlowKey) {
        self.new_flows.delete(key);
    }

    fn touch_flow(&mut self, key: &FlowKey, seen: u64) -> bool {
        touch(&mut self.flows, key, seen)
    }

    fn touch_new_flow(&mut self, key: &FlowKey, seen: u64) -> bool {
        touch(&mut self.new_flows, key, seen)
    }

    fn fragment(&self, key: &FragmentKey) -> Option<&FragmentPorts> {
        self.fragments.lookup(key)
    }

    fn put_fragment(&mut self, key: &FragmentKey, ports: &FragmentPorts) {
        self.fragments.put(*key, *ports);
    }

    fn claim(&mut self, claim: &Claim) {
        if self.claims.len() < CLAIMS {
            self.claims.push(*claim);
        }
    }
}

fn touch(flows: &mut Lru<FlowKey, Flow>, key: &FlowKey, seen: u64) -> bool {
    match flows.lookup_mut(key) {
        Some(flow) => {
            flow.seen = seen;
            true
        }
        None => false,
    }
}
