//! Claims of virtual IPs on their way from the data plane to the control plane (rule VIP-3).
//!
//! However fast ports claim, the work stays bounded and everybody has a turn: of each virtual IP only the latest claim
//! waits, virtual IPs take turns in the order in which they were first claimed, and one that was just served rests
//! before it is served again.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use abi::{Address, Claim, FAMILY_V4, FAMILY_V6};
use catalog::{Catalog, VniOwner};
use model::{PortId, Vni};
use tokio::sync::Notify;

/// How long a virtual IP rests: short beside the second within which a move must be in force.
const REST: Duration = Duration::from_millis(100);
/// Virtual IPs that wait at most; claims of more are lost, as in a full ring buffer, and made again by their ports.
const WAITING: usize = 65_536;

/// A virtual IP as the data plane knows it.
type Key = (u32, u8, Address);

/// The claims that wait. Clones are handles to the same ones.
#[derive(Clone, Default)]
pub struct Claims(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Default)]
struct State {
    order: VecDeque<Key>,
    latest: BTreeMap<Key, Claim>,
    /// Until when those that were just served rest.
    resting: BTreeMap<Key, Instant>,
}

impl State {
    fn put(&mut self, claim: Claim) {
        let key = (claim.vni, claim.family, claim.address);
        if self.latest.len() >= WAITING && !self.latest.contains_key(&key) {
            return;
        }
        if self.latest.insert(key, claim).is_none() {
            self.order.push_back(key);
        }
    }

    /// The next claim that may be served, or the time when the first one may.
    fn take(&mut self, now: Instant) -> Result<Claim, Option<Instant>> {
        self.resting.retain(|_, until| *until > now);
        let mut soonest: Option<Instant> = None;
        for _ in 0..self.order.len() {
            let Some(key) = self.order.pop_front() else { break };
            if let Some(until) = self.resting.get(&key) {
                soonest = Some(soonest.map_or(*until, |other| other.min(*until)));
                self.order.push_back(key);
                continue;
            }
            if let Some(claim) = self.latest.remove(&key) {
                self.resting.insert(key, now + REST);
                return Ok(claim);
            }
        }
        Err(soonest)
    }
}

impl Claims {
    /// Adds claims, the oldest first.
    pub fn put(&self, claims: impl IntoIterator<Item = Claim>) {
        {
            let mut state = self.state();
            claims.into_iter().for_each(|claim| state.put(claim));
        }
        self.0.more.notify_one();
    }

    /// Waits for the next claim. For one caller at a time; cancel safe.
    pub async fn next(&self) -> Claim {
        loop {
            let taken = self.state().take(Instant::now());
            match taken {
                Ok(claim) => return claim,
                Err(None) => self.0.more.notified().await,
                Err(Some(until)) => {
                    tokio::select! {
                        () = self.0.more.notified() => {}
                        () = tokio::time::sleep_until(until.into()) => {}
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The port and the address of a claim in the catalog; `None` when the address is no virtual IP bound to the port, or
/// one of them is gone.
#[must_use]
pub fn claimant(catalog: &Catalog, claim: &Claim) -> Option<(PortId, IpAddr)> {
    let VniOwner::Vpc(vpc) = catalog.vni_owner(Vni::new(claim.vni)?)? else { return None };
    let address = match (claim.family, claim.address) {
        (FAMILY_V4, [a, b, c, d, ..]) => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        (FAMILY_V6, octets) => IpAddr::V6(Ipv6Addr::from(octets)),
        _ => return None,
    };
    let vip = catalog.subnets_of(vpc).find_map(|subnet| catalog.vip_at(subnet.id, address))?;
    let port = catalog.bound_ports(vip).find(|port| port.id.table_id() == claim.port)?;
    Some((port.id, address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn claim(vip: u8, port: u8) -> Claim {
        let mut address = [0; 16];
        address[0] = vip;
        Claim { port: [port; 8], vni: 1, ifindex: 1, address, family: FAMILY_V4, pad: [0; 7] }
    }

    /// VIP-3: of several claims of one virtual IP the last one counts, and a storm of them is served once in a while.
    #[test]
    fn a_storm_of_claims_is_one_claim_and_starves_nobody() {
        let mut state = State::default();
        for n in 0..10_000_u32 {
            state.put(claim(1, u8::try_from(n % 2).unwrap()));
        }
        state.put(claim(2, 7));
        let start = Instant::now();
        assert_eq!(state.take(start).unwrap().port, [1; 8], "the last claim of the storm");
        state.put(claim(1, 0));
        assert_eq!(state.take(start).unwrap().port, [7; 8], "the other virtual IP has its turn");
        state.put(claim(1, 1));
        assert_eq!(state.take(start), Err(Some(start + REST)), "the storm rests");
        assert_eq!(state.take(start + REST).unwrap().port, [1; 8]);
        assert_eq!(state.take(start + REST), Err(None));
        assert!(state.order.is_empty() && state.latest.is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut state = State::default();
        for n in 0..100_000_u32 {
            let mut one = claim(1, 1);
            one.address[..4].copy_from_slice(&n.to_be_bytes());
            state.put(one);
        }
        assert_eq!(state.latest.len(), WAITING);
        assert_eq!(state.order.len(), WAITING);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let claims = Claims::default();
        let waiting = tokio::spawn({
            let claims = claims.clone();
            // How many come before the last one depends on who is faster; the last one is never lost.
            async move { while claims.next().await.port != [2; 8] {} }
        });
        claims.put([claim(3, 1)]);
        claims.put([claim(3, 2)]);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    }
}
