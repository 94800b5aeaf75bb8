//! The maps by name: their sizes, and typed handles that read and write entries.

use std::{collections::BTreeMap, fmt};

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Claimed, Crossing,
    CrossingKey, DropCounter, DropCounterKey, Endpoint, EndpointKey, Flow, FlowKey, FragmentKey, FragmentPorts, Id,
    Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet,
};
use aya::{
    Ebpf,
    maps::{
        Array, HashMap, LpmTrie, Map, MapData, MapError, MapType, PerCpuHashMap, ProgramArray, RingBuf, lpm_trie::Key,
    },
};
use nix::errno::Errno;
use tables::Prefix;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Error, bytes::Raw};

/// A map of the kernel programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MapName {
    /// Ports by interface index.
    Ports,
    /// Addresses.
    Endpoints,
    /// Routes.
    Routes,
    /// Peerings by the VPC entered from.
    Crossings,
    /// Address ranges.
    Cidrs,
    /// Remote addresses to classes.
    Identities,
    /// Classes and services to verdicts.
    Rules,
    /// Addresses that ports may use beside their own.
    AddressPairs,
    /// What the guests of a subnet are told.
    Subnets,
    /// Which rules of a network ACL allow.
    Acls,
    /// Which rules of a network ACL match an address.
    AclAddresses,
    /// Which rules of a network ACL match a protocol and port.
    AclPorts,
    /// Generations of VPCs.
    Generations,
    /// Flows seen both ways.
    Flows,
    /// Flows seen one way.
    NewFlows,
    /// Fragmented packets under way.
    Fragments,
    /// Counters of dropped packets.
    Drops,
    /// When examples of dropped packets were taken.
    Sampled,
    /// Examples of dropped packets: a ring buffer.
    Events,
    /// The last claims of virtual IPs that were reported.
    Claimed,
    /// Claims of virtual IPs: a ring buffer.
    Claims,
    /// The programs that the one on the interfaces goes on with.
    Parts,
}

impl MapName {
    /// All maps.
    pub const ALL: [Self; 22] = [
        Self::Ports,
        Self::Endpoints,
        Self::Routes,
        Self::Crossings,
        Self::Cidrs,
        Self::Identities,
        Self::Rules,
        Self::AddressPairs,
        Self::Subnets,
        Self::Acls,
        Self::AclAddresses,
        Self::AclPorts,
        Self::Generations,
        Self::Flows,
        Self::NewFlows,
        Self::Fragments,
        Self::Drops,
        Self::Sampled,
        Self::Events,
        Self::Claimed,
        Self::Claims,
        Self::Parts,
    ];

    /// The name in the object, in the kernel and of the pin.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ports => "PORTS",
            Self::Endpoints => "ENDPOINTS",
            Self::Routes => "ROUTES",
            Self::Crossings => "CROSSINGS",
            Self::Cidrs => "CIDRS",
            Self::Identities => "IDENTITIES",
            Self::Rules => "RULES",
            Self::AddressPairs => "ADDRESS_PAIRS",
            Self::Subnets => "SUBNETS",
            Self::Acls => "ACLS",
            Self::AclAddresses => "ACL_ADDRESSES",
            Self::AclPorts => "ACL_PORTS",
            Self::Generations => "GENERATIONS",
            Self::Flows => "FLOWS",
            Self::NewFlows => "NEW_FLOWS",
            Self::Fragments => "FRAGMENTS",
            Self::Drops => "DROPS",
            Self::Sampled => "SAMPLED",
            Self::Events => "EVENTS",
            Self::Claimed => "CLAIMED",
            Self::Claims => "CLAIMS",
            Self::Parts => "PARTS",
        }
    }
}

impl fmt::Display for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Size of the ring buffer: a power of two and whole pages, some 3,600 examples.
const EVENT_BYTES: u32 = 1 << 18;
/// The same for claims: some 18,000.
const CLAIM_BYTES: u32 = 1 << 20;
/// Virtual IPs whose last claim is kept.
const CLAIMED: u32 = 16_384;

/// Number of the pipeline's parts (`pipeline::Part`), with none counted as well.
const PARTS: u32 = 6;

/// How many entries each map holds. Memory is taken as entries come, but for flows, fragments and drop counters, whose
/// memory is taken at once (some 60 MiB with the defaults).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacities {
    /// Of [`MapName::Ports`].
    pub ports: u32,
    /// Of [`MapName::Endpoints`].
    pub endpoints: u32,
    /// Of [`MapName::Routes`].
    pub routes: u32,
    /// Of [`MapName::Crossings`].
    pub crossings: u32,
    /// Of [`MapName::Cidrs`].
    pub cidrs: u32,
    /// Of [`MapName::Identities`].
    pub identities: u32,
    /// Of [`MapName::Rules`].
    pub rules: u32,
    /// Of [`MapName::AddressPairs`].
    pub address_pairs: u32,
    /// Of [`MapName::Subnets`].
    pub subnets: u32,
    /// Of [`MapName::Acls`], and of the maps of addresses and ports ACLs each sixteen times as many.
    pub acls: u32,
    /// Of [`MapName::Flows`]: two entries for each flow between workloads of this host.
    pub flows: u32,
    /// Of [`MapName::NewFlows`].
    pub new_flows: u32,
    /// Of [`MapName::Fragments`].
    pub fragments: u32,
    /// Of [`MapName::Drops`].
    pub drops: u32,
}

/// Address ranges, and as many port ranges, of an ACL's rules for one direction and family, on average.
const ACL_ENTRIES: u32 = 16;

impl Default for Capacities {
    /// Enough for 100,000 ports, as many routes, and 10,000 peerings.
    fn default() -> Self {
        Self {
            ports: 131_072,
            endpoints: 262_144,
            routes: 262_144,
            crossings: 65_536,
            cidrs: 65_536,
            identities: 524_288,
            rules: 524_288,
            address_pairs: 131_072,
            subnets: 65_536,
            acls: 16_384,
            flows: 262_144,
            new_flows: 65_536,
            fragments: 16_384,
            drops: 16_384,
        }
    }
}

impl Capacities {
    /// The number of entries of one map.
    #[must_use]
    pub const fn of(&self, map: MapName) -> u32 {
        match map {
            MapName::Ports => self.ports,
            MapName::Endpoints => self.endpoints,
            MapName::Routes => self.routes,
            MapName::Crossings => self.crossings,
            MapName::Cidrs => self.cidrs,
            MapName::Identities => self.identities,
            MapName::Rules => self.rules,
            MapName::AddressPairs => self.address_pairs,
            MapName::Subnets => self.subnets,
            MapName::Acls => self.acls,
            MapName::AclAddresses | MapName::AclPorts => self.acls.saturating_mul(ACL_ENTRIES),
            MapName::Generations => abi::GENERATIONS,
            MapName::Flows => self.flows,
            MapName::NewFlows => self.new_flows,
            MapName::Fragments => self.fragments,
            MapName::Drops | MapName::Sampled => self.drops,
            MapName::Events => EVENT_BYTES,
            MapName::Claimed => CLAIMED,
            MapName::Claims => CLAIM_BYTES,
            MapName::Parts => PARTS,
        }
    }
}

/// How full a map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The map.
    pub map: MapName,
    /// Entries in it.
    pub used: u32,
    /// Entries that it can hold.
    pub capacity: u32,
}

/// What a map must be like so that this version can use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    kind: MapType,
    key: u32,
    value: u32,
    entries: u32,
    flags: u32,
}

/// `BPF_F_NO_PREALLOC` of `linux/bpf.h`.
const NO_PREALLOC: u32 = 1;

impl Shape {
    /// The shape that `name` must have.
    pub fn of(name: MapName, capacities: &Capacities) -> Self {
        let entries = capacities.of(name);
        let shape = |kind, key: usize, value: usize, flags| Self {
            kind,
            // Sizes of types, a few dozen bytes.
            key: key as u32,
            value: value as u32,
            entries,
            flags,
        };
        let hash = |key, value| shape(MapType::Hash, key, value, NO_PREALLOC);
        let trie = |key, value| shape(MapType::LpmTrie, 4 + key, value, NO_PREALLOC);
        let lru = |key, value| shape(MapType::LruHash, key, value, 0);
        match name {
            MapName::Ports => hash(4, size_of::<Port>()),
            MapName::Endpoints => hash(size_of::<EndpointKey>(), size_of::<Endpoint>()),
            MapName::Routes => trie(size_of::<RouteKey>(), size_of::<Route>()),
            MapName::Crossings => hash(size_of::<CrossingKey>(), size_of::<Crossing>()),
            MapName::Cidrs => trie(size_of::<CidrKey>(), 4),
            MapName::Identities => trie(size_of::<IdentityKey>(), size_of::<Identity>()),
            MapName::Rules => trie(size_of::<RuleKey>(), size_of::<Rule>()),
            MapName::AddressPairs => trie(size_of::<AddressPairKey>(), size_of::<AddressPair>()),
            MapName::Subnets => hash(size_of::<Id>(), size_of::<Subnet>()),
            MapName::Acls => hash(size_of::<AclKey>(), size_of::<Acl>()),
            MapName::AclAddresses => trie(size_of::<AclAddressKey>(), size_of::<AclRules>()),
            MapName::AclPorts => trie(size_of::<AclPortKey>(), size_of::<AclRules>()),
            MapName::Generations => shape(MapType::Array, 4, 8, 0),
            MapName::Flows | MapName::NewFlows => lru(size_of::<FlowKey>(), size_of::<Flow>()),
            MapName::Fragments => lru(size_of::<FragmentKey>(), size_of::<FragmentPorts>()),
            MapName::Claimed => lru(size_of::<EndpointKey>(), size_of::<Claimed>()),
            MapName::Sampled => shape(MapType::LruPerCpuHash, size_of::<DropCounterKey>(), 8, 0),
            MapName::Events | MapName::Claims => shape(MapType::RingBuf, 0, 0, 0),
            MapName::Parts => shape(MapType::ProgramArray, 4, 4, 0),
            MapName::Drops => shape(MapType::LruPerCpuHash, size_of::<DropCounterKey>(), size_of::<DropCounter>(), 0),
        }
    }

    /// Whether a map of the kernel has the shape and the name.
    pub fn fits(&self, name: MapName, data: &MapData) -> bool {
        data.info().is_ok_and(|info| {
            info.map_type().is_ok_and(|kind| kind == self.kind)
                && info.key_size() == self.key
                && info.value_size() == self.value
                && info.max_entries() == self.entries
                && info.map_flags() == self.flags
                && info.name_as_str() == Some(name.as_str())
        })
    }
}

/// A type of `abi` that is a key or a value.
pub(crate) trait Plain: FromBytes + IntoBytes + Immutable + Copy + 'static {}
impl<T: FromBytes + IntoBytes + Immutable + Copy + 'static> Plain for T {}

/// A configuration map: the entries that user space wrote.
pub(crate) trait Table {
    type Key: Ord + Copy;
    type Value: Copy;

    /// Writes an entry.
    fn put(&mut self, key: Self::Key, value: Self::Value) -> Result<(), Error>;
    /// Removes an entry; fine if it is not there.
    fn delete(&mut self, key: Self::Key) -> Result<(), Error>;
    /// All entries.
    fn read(&self) -> Result<BTreeMap<Self::Key, Self::Value>, Error>;
    /// How full it is.
    fn usage(&self) -> Usage;
}

/// Number of entries, kept up to date by every write.
struct Count {
    map: MapName,
    used: u32,
    capacity: u32,
}

impl Count {
    fn usage(&self) -> Usage {
        Usage { map: self.map, used: self.used, capacity: self.capacity }
    }

    /// Writes an entry by `insert`, which gets the flags, and counts it if it is new.
    fn put(&mut self, mut insert: impl FnMut(u64) -> Result<(), MapError>) -> Result<(), Error> {
        const NO_EXIST: u64 = 1;
        const EXIST: u64 = 2;
        match patiently(|| insert(NO_EXIST)) {
            Ok(()) => {
                self.used += 1;
                Ok(())
            }
            Err(error) => match errno(&error) {
                Some(Errno::EEXIST) => patiently(|| insert(EXIST)).map_err(|error| self.failed(error)),
                Some(Errno::E2BIG | Errno::ENOSPC) => Err(Error::Full { map: self.map, capacity: self.capacity }),
                _ => Err(self.failed(error)),
            },
        }
    }

    fn delete(&mut self, remove: impl FnOnce() -> Result<(), MapError>) -> Result<(), Error> {
        match remove() {
            Ok(()) => {
                self.used = self.used.saturating_sub(1);
                Ok(())
            }
            Err(error) if errno(&error) == Some(Errno::ENOENT) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: MapError) -> Error {
        Error::Map { map: self.map, source: Box::new(error) }
    }
}

/// Elements come from per-CPU caches that the kernel fills in the background; a burst of writes can be faster.
fn patiently(mut write: impl FnMut() -> Result<(), MapError>) -> Result<(), MapError> {
    const PATIENCE: u32 = 1000;
    for _ in 0..PATIENCE {
        match write() {
            Err(error) if errno(&error) == Some(Errno::ENOMEM) => std::thread::yield_now(),
            done => return done,
        }
    }
    write()
}

fn errno(error: &MapError) -> Option<Errno> {
    match error {
        MapError::SyscallError(error) => error.io_error.raw_os_error().map(Errno::from_raw),
        _ => None,
    }
}

/// A hash map of configuration.
pub(crate) struct Hash<K: Plain, V: Plain> {
    map: HashMap<MapData, Raw<K>, Raw<V>>,
    count: Count,
}

impl<K: Plain + Ord, V: Plain> Table for Hash<K, V> {
    type Key = K;
    type Value = V;

    fn put(&mut self, key: K, value: V) -> Result<(), Error> {
        self.count.put(|flags| self.map.insert(Raw(key), Raw(value), flags))
    }

    fn delete(&mut self, key: K) -> Result<(), Error> {
        self.count.delete(|| self.map.remove(&Raw(key)))
    }

    fn read(&self) -> Result<BTreeMap<K, V>, Error> {
        let entries = self.map.iter().map(|entry| entry.map(|(Raw(key), Raw(value))| (key, value)));
        entries.collect::<Result<_, _>>().map_err(|error| self.count.failed(error))
    }

    fn usage(&self) -> Usage {
        self.count.usage()
    }
}

/// A longest-prefix-match map of configuration.
pub(crate) struct Trie<K: Plain, V: Plain> {
    map: LpmTrie<MapData, Raw<K>, Raw<V>>,
    count: Count,
}

impl<K: Plain + Ord, V: Plain> Table for Trie<K, V> {
    type Key = Prefix<K>;
    type Value = V;

    fn put(&mut self, prefix: Prefix<K>, value: V) -> Result<(), Error> {
        let key = Key::new(prefix.bits, Raw(prefix.key));
        self.count.put(|flags| self.map.insert(&key, Raw(value), flags))
    }

    fn delete(&mut self, prefix: Prefix<K>) -> Result<(), Error> {
        self.count.delete(|| self.map.remove(&Key::new(prefix.bits, Raw(prefix.key))))
    }

    fn read(&self) -> Result<BTreeMap<Prefix<K>, V>, Error> {
        let entries = self
            .map
            .iter()
            .map(|entry| entry.map(|(key, Raw(value))| (Prefix { bits: key.prefix_len(), key: key.data().0 }, value)));
        entries.collect::<Result<_, _>>().map_err(|error| self.count.failed(error))
    }

    fn usage(&self) -> Usage {
        self.count.usage()
    }
}

/// Handles of all maps.
pub(crate) struct Maps {
    pub ports: Hash<u32, Port>,
    pub endpoints: Hash<EndpointKey, Endpoint>,
    pub routes: Trie<RouteKey, Route>,
    pub crossings: Hash<CrossingKey, Crossing>,
    pub cidrs: Trie<CidrKey, u32>,
    pub identities: Trie<IdentityKey, Identity>,
    pub rules: Trie<RuleKey, Rule>,
    pub address_pairs: Trie<AddressPairKey, AddressPair>,
    pub subnets: Hash<Id, Subnet>,
    pub acls: Hash<AclKey, Acl>,
    pub acl_addresses: Trie<AclAddressKey, AclRules>,
    pub acl_ports: Trie<AclPortKey, AclRules>,
    pub generations: Array<MapData, u64>,
    pub flows: HashMap<MapData, Raw<FlowKey>, Raw<Flow>>,
    pub new_flows: HashMap<MapData, Raw<FlowKey>, Raw<Flow>>,
    pub fragments: HashMap<MapData, Raw<FragmentKey>, Raw<FragmentPorts>>,
    pub drops: PerCpuHashMap<MapData, Raw<DropCounterKey>, Raw<DropCounter>>,
    pub events: RingBuf<MapData>,
    /// `None` once [`crate::ClaimReader`] has it.
    pub claims: Option<RingBuf<MapData>>,
    pub parts: ProgramArray<MapData>,
}

impl Maps {
    /// Takes the maps out of a loaded object and checks that each is as this version expects.
    pub fn take(ebpf: &mut Ebpf, capacities: &Capacities) -> Result<Self, Error> {
        for name in MapName::ALL {
            let data = match ebpf.map(name.as_str()) {
                Some(
                    Map::HashMap(data)
                    | Map::LruHashMap(data)
                    | Map::LpmTrie(data)
                    | Map::Array(data)
                    | Map::PerCpuLruHashMap(data)
                    | Map::RingBuf(data)
                    | Map::ProgramArray(data),
                ) => data,
                _ => return Err(Error::Object { what: name.as_str() }),
            };
            if !Shape::of(name, capacities).fits(name, data) {
                return Err(Error::Object { what: name.as_str() });
            }
        }
        Ok(Self {
            ports: hash(ebpf, MapName::Ports, capacities)?,
            endpoints: hash(ebpf, MapName::Endpoints, capacities)?,
            routes: trie(ebpf, MapName::Routes, capacities)?,
            crossings: hash(ebpf, MapName::Crossings, capacities)?,
            cidrs: trie(ebpf, MapName::Cidrs, capacities)?,
            identities: trie(ebpf, MapName::Identities, capacities)?,
            rules: trie(ebpf, MapName::Rules, capacities)?,
            address_pairs: trie(ebpf, MapName::AddressPairs, capacities)?,
            subnets: hash(ebpf, MapName::Subnets, capacities)?,
            acls: hash(ebpf, MapName::Acls, capacities)?,
            acl_addresses: trie(ebpf, MapName::AclAddresses, capacities)?,
            acl_ports: trie(ebpf, MapName::AclPorts, capacities)?,
            generations: taken(ebpf, MapName::Generations)?,
            flows: taken(ebpf, MapName::Flows)?,
            new_flows: taken(ebpf, MapName::NewFlows)?,
            fragments: taken(ebpf, MapName::Fragments)?,
            drops: taken(ebpf, MapName::Drops)?,
            events: taken(ebpf, MapName::Events)?,
            claims: Some(taken(ebpf, MapName::Claims)?),
            parts: taken(ebpf, MapName::Parts)?,
        })
    }
}

fn taken<T: TryFrom<Map, Error = MapError>>(ebpf: &mut Ebpf, map: MapName) -> Result<T, Error> {
    let Some(data) = ebpf.take_map(map.as_str()) else { return Err(Error::Object { what: map.as_str() }) };
    T::try_from(data).map_err(|error| Error::Map { map, source: Box::new(error) })
}

fn hash<K: Plain, V: Plain>(ebpf: &mut Ebpf, map: MapName, capacities: &Capacities) -> Result<Hash<K, V>, Error> {
    let data: HashMap<MapData, Raw<K>, Raw<V>> = taken(ebpf, map)?;
    let count = counted(map, data.keys(), capacities)?;
    Ok(Hash { map: data, count })
}

fn trie<K: Plain, V: Plain>(ebpf: &mut Ebpf, map: MapName, capacities: &Capacities) -> Result<Trie<K, V>, Error> {
    let data: LpmTrie<MapData, Raw<K>, Raw<V>> = taken(ebpf, map)?;
    let count = counted(map, data.keys(), capacities)?;
    Ok(Trie { map: data, count })
}

fn counted<K>(
    map: MapName,
    keys: impl Iterator<Item = Result<K, MapError>>,
    capacities: &Capacities,
) -> Result<Count, Error> {
    let mut count = Count { map, used: 0, capacity: capacities.of(map) };
    for key in keys {
        key.map_err(|error| count.failed(error))?;
        count.used += 1;
    }
    Ok(count)
}
