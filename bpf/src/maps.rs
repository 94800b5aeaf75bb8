//! The maps, and the pipeline's view of them.
//!
//! Sizes are the loader's business (it overrides the ones here), as is pinning.

use core::sync::atomic::{Ordering, compiler_fence};

use abi::{
    Acl, AclAddressKey, AclKey, AclPortKey, AclRules, AddressPair, AddressPairKey, CidrKey, Claim, Claimed, Crossing,
    CrossingKey, DropCounter, DropCounterKey, Endpoint, EndpointKey, Flow, FlowKey, FragmentKey, FragmentPorts, Id,
    Identity, IdentityKey, Port, Route, RouteKey, Rule, RuleKey, Subnet, generation_index,
};
use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_NO_PREALLOC},
    helpers::bpf_ktime_get_coarse_ns,
    macros::map,
    maps::{Array, HashMap, LpmTrie, LruHashMap, LruPerCpuHashMap, ProgramArray, RingBuf, lpm_trie},
};
use pipeline::{Flows, Lpm, Tables};

#[map]
static PORTS: HashMap<u32, Port> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
#[map]
static ENDPOINTS: HashMap<EndpointKey, Endpoint> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
#[map]
static ROUTES: LpmTrie<RouteKey, Route> = LpmTrie::with_max_entries(1, 0);
#[map]
static CROSSINGS: HashMap<CrossingKey, Crossing> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
/// The value is a `u32`; a trie's values stand at any address, so it is bytes here.
#[map]
static CIDRS: LpmTrie<CidrKey, [u8; 4]> = LpmTrie::with_max_entries(1, 0);
#[map]
static IDENTITIES: LpmTrie<IdentityKey, Identity> = LpmTrie::with_max_entries(1, 0);
#[map]
static RULES: LpmTrie<RuleKey, Rule> = LpmTrie::with_max_entries(1, 0);
#[map]
static ADDRESS_PAIRS: LpmTrie<AddressPairKey, AddressPair> = LpmTrie::with_max_entries(1, 0);
#[map]
static SUBNETS: HashMap<Id, Subnet> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
#[map]
static ACLS: HashMap<AclKey, Acl> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
#[map]
static ACL_ADDRESSES: LpmTrie<AclAddressKey, AclRules> = LpmTrie::with_max_entries(1, 0);
#[map]
static ACL_PORTS: LpmTrie<AclPortKey, AclRules> = LpmTrie::with_max_entries(1, 0);
#[map]
static GENERATIONS: Array<u64> = Array::with_max_entries(abi::GENERATIONS, 0);
#[map]
static FLOWS: LruHashMap<FlowKey, Flow> = LruHashMap::with_max_entries(1, 0);
#[map]
static NEW_FLOWS: LruHashMap<FlowKey, Flow> = LruHashMap::with_max_entries(1, 0);
#[map]
static FRAGMENTS: LruHashMap<FragmentKey, FragmentPorts> = LruHashMap::with_max_entries(1, 0);
#[map]
pub static DROPS: LruPerCpuHashMap<DropCounterKey, DropCounter> = LruPerCpuHashMap::with_max_entries(1, 0);

/// When the last example was taken, by VPC and reason.
#[map]
pub static SAMPLED: LruPerCpuHashMap<DropCounterKey, u64> = LruPerCpuHashMap::with_max_entries(1, 0);
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);
/// The programs by [`pipeline::Part`].
#[map]
pub static PARTS: ProgramArray = ProgramArray::with_max_entries(1, 0);
/// The last claim of each virtual IP that was reported.
#[map]
static CLAIMED: LruHashMap<EndpointKey, Claimed> = LruHashMap::with_max_entries(1, 0);
#[map]
static CLAIMS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// A port that repeats its claim of a virtual IP is heard again after this time: without it, one that does so as fast
/// as it can would fill the ring buffer, and the claims of others would be lost (rule VIP-3).
const CLAIM_INTERVAL_NS: u64 = 10_000_000;

/// The maps that user space writes.
pub struct Configuration {
    /// What `cidr` refers to: only whether there is a range has a meaning.
    range: u32,
}

impl Configuration {
    #[inline(always)]
    pub const fn new() -> Self {
        Self { range: 0 }
    }
}

/// The maps that the programs write, and the clock.
pub struct State {
    skb: *mut __sk_buff,
}

impl State {
    #[inline(always)]
    pub const fn new(skb: *mut __sk_buff) -> Self {
        Self { skb }
    }
}

/// The key as the kernel wants it.
#[inline(always)]
fn packed<K>(key: &Lpm<K>) -> &lpm_trie::Key<K> {
    // SAFETY: both begin with the number of bits as a `u32` and have the key, whose alignment is 1, right behind it;
    // the packed type is the shorter one.
    unsafe { &*core::ptr::from_ref(key).cast::<lpm_trie::Key<K>>() }
}

impl Tables for Configuration {
    #[inline(always)]
    fn port(&self, ifindex: u32) -> Option<&Port> {
        // SAFETY: the memory stays a port of this map until the program has ended; when the kernel gives it to another
        // key meanwhile, the fields are those of another port, which the pipeline looks out for.
        unsafe { PORTS.get(ifindex) }
    }

    #[inline(always)]
    fn endpoint(&self, key: &EndpointKey) -> Option<&Endpoint> {
        // SAFETY: as for PORTS.
        unsafe { ENDPOINTS.get(key) }
    }

    #[inline(always)]
    fn route(&self, key: &Lpm<RouteKey>) -> Option<&Route> {
        ROUTES.get(packed(key))
    }

    #[inline(always)]
    fn crossing(&self, key: &CrossingKey) -> Option<&Crossing> {
        // SAFETY: as for PORTS.
        unsafe { CROSSINGS.get(key) }
    }

    #[inline(always)]
    fn cidr(&self, key: &Lpm<CidrKey>) -> Option<&u32> {
        let Some(_) = CIDRS.get(packed(key)) else { return None };
        Some(&self.range)
    }

    #[inline(always)]
    fn identity(&self, key: &Lpm<IdentityKey>) -> Option<&Identity> {
        IDENTITIES.get(packed(key))
    }

    #[inline(always)]
    fn rule(&self, key: &Lpm<RuleKey>) -> Option<&Rule> {
        RULES.get(packed(key))
    }

    #[inline(always)]
    fn address_pair(&self, key: &Lpm<AddressPairKey>) -> Option<&AddressPair> {
        ADDRESS_PAIRS.get(packed(key))
    }

    #[inline(always)]
    fn subnet(&self, id: &Id) -> Option<&Subnet> {
        // SAFETY: as for PORTS; guests are told whatever it says.
        unsafe { SUBNETS.get(id) }
    }

    #[inline(always)]
    fn acl(&self, key: &AclKey) -> Option<&Acl> {
        // SAFETY: as for PORTS.
        unsafe { ACLS.get(key) }
    }

    #[inline(always)]
    fn acl_addresses(&self, key: &Lpm<AclAddressKey>) -> Option<&AclRules> {
        ACL_ADDRESSES.get(packed(key))
    }

    #[inline(always)]
    fn acl_ports(&self, key: &Lpm<AclPortKey>) -> Option<&AclRules> {
        ACL_PORTS.get(packed(key))
    }

    #[inline(always)]
    fn generation(&self, vni: u32) -> u64 {
        let Some(generation) = GENERATIONS.get_ptr(generation_index(vni)) else { return 0 };
        // SAFETY: an element of an array lives as long as the array. Volatile: user space writes it at any time, and
        // the tables must be read after it.
        unsafe { generation.read_volatile() }
    }
}

impl Flows for State {
    #[inline(always)]
    fn now(&self) -> u64 {
        // SAFETY: no arguments.
        unsafe { bpf_ktime_get_coarse_ns() }
    }

    #[inline(always)]
    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        // SAFETY: the memory stays a flow of this map; when the kernel gives it to another flow meanwhile, its tag says
        // so.
        unsafe { FLOWS.get(key) }
    }

    #[inline(always)]
    fn holds(&self, flow: &Flow, tag: u64) -> bool {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: the reference is valid; the kernel may write the word meanwhile.
        unsafe { (&raw const flow.tag).read_volatile() == tag }
    }

    #[inline(always)]
    fn new_flow(&self, key: &FlowKey) -> Option<&Flow> {
        // SAFETY: as for FLOWS.
        unsafe { NEW_FLOWS.get(key) }
    }

    #[inline(always)]
    fn put_flow(&mut self, key: &FlowKey, flow: &Flow) {
        let _ = FLOWS.insert(key, flow, 0);
    }

    #[inline(always)]
    fn put_new_flow(&mut self, key: &FlowKey, flow: &Flow) {
        let _ = NEW_FLOWS.insert(key, flow, 0);
    }

    #[inline(always)]
    fn delete_flow(&mut self, key: &FlowKey) {
        let _ = FLOWS.remove(key);
    }

    #[inline(always)]
    fn delete_new_flow(&mut self, key: &FlowKey) {
        let _ = NEW_FLOWS.remove(key);
    }

    #[inline(always)]
    fn touch_flow(&mut self, key: &FlowKey, seen: u64) -> bool {
        let Some(flow) = FLOWS.get_ptr_mut(key) else { return false };
        // SAFETY: the pointer was just returned by the map; an aligned word is written at once.
        unsafe { (&raw mut (*flow).seen).write_volatile(seen) };
        true
    }

    #[inline(always)]
    fn touch_new_flow(&mut self, key: &FlowKey, seen: u64) -> bool {
        let Some(flow) = NEW_FLOWS.get_ptr_mut(key) else { return false };
        // SAFETY: as for FLOWS.
        unsafe { (&raw mut (*flow).seen).write_volatile(seen) };
        true
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<&FragmentPorts> {
        // SAFETY: as for FLOWS.
        unsafe { FRAGMENTS.get(key) }
    }

    #[inline(always)]
    fn put_fragment(&mut self, key: &FragmentKey, ports: &FragmentPorts) {
        let _ = FRAGMENTS.insert(key, ports, 0);
    }

    #[inline(always)]
    fn forget(&mut self, number: u32) -> u32 {
        // SAFETY: the context of the program, whose control block is the program's own. The verifier takes what it reads
        // of the context for any number.
        unsafe {
            (&raw mut (*self.skb).cb[4]).write_volatile(number);
            (&raw const (*self.skb).cb[4]).read_volatile()
        }
    }

    #[inline(always)]
    fn claim(&mut self, claim: &Claim) {
        let vip = EndpointKey { vni: claim.vni, family: claim.family, pad: [0; 3], address: claim.address };
        let now = self.now();
        // SAFETY: as for PORTS; when another claim is written meanwhile, one is reported once too often, or is lost as
        // one of two at the same time.
        if let Some(last) = unsafe { CLAIMED.get(vip) } {
            if last.port == claim.port && now.saturating_sub(last.time) < CLAIM_INTERVAL_NS {
                return;
            }
        }
        // A full ring loses it; whoever claims an address says so again.
        if CLAIMS.output::<Claim>(claim, 0).is_ok() {
            let _ = CLAIMED.insert(vip, Claimed { port: claim.port, time: now }, 0);
        }
    }
}
