//! Peering connections and the state they are to be in.

use client::Client;
use client::types::{Peering as Present, PeeringCreate, PeeringFilter, PeeringUpdate, PeeringVpc};

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::{Peering, Route};

const ACTIVE: &str = "ACTIVE";
const PENDING: &str = "PENDING_ACCEPTANCE";
const REJECTED: &str = "REJECTED";
const EXPIRED: &str = "EXPIRED";

impl Run<'_, '_> {
    /// Refuses states that a peering cannot come to, before anything is changed.
    pub(super) fn check_peerings(&self) -> Result<(), ApplyError> {
        for peering in &self.scenario.peerings {
            let wanted = wanted_status(peering)?;
            let local = Applied::find(&self.done.vpcs, "VPC", &peering.local)?;
            let peer = Applied::find(&self.done.vpcs, "VPC", &peering.peer)?;
            if wanted != ACTIVE && local.account == peer.account {
                return Err(ApplyError::Unsupported(format!(
                    "peering {}: both VPCs are of account {}, so it is ACTIVE at once; only a request to another account can be {wanted}",
                    peering.name, local.account
                )));
            }
        }
        Ok(())
    }

    /// Makes peerings, and accepts those that are to be ACTIVE: with `ended` the ones that are to be rejected or expired,
    /// else the others. The first stay pending until [`Run::end_peerings`].
    pub(super) async fn make_peerings(&mut self, ended: bool) -> Result<(), ApplyError> {
        for peering in &self.scenario.peerings {
            let wanted = wanted_status(peering)?;
            if is_ended(wanted) != ended {
                continue;
            }
            let local = Applied::find(&self.done.vpcs, "VPC", &peering.local)?.clone();
            let peer = Applied::find(&self.done.vpcs, "VPC", &peering.peer)?.clone();
            let client = self.client(&local)?;
            // Another one of the document between the same two VPCs is not this one.
            let taken: Vec<String> = self.done.peerings.values().map(|placed| placed.id.clone()).collect();
            let mut present = find_peering(&client, &local, &peer, &taken, (&peering.name, wanted)).await?;
            if let Some(there) = &present
                && !reachable_from(&there.status, wanted)
            {
                let text = format!("peering {} ({}, replaced to become {wanted})", there.name, there.status);
                if self.change(ChangeKind::Delete, &text) {
                    client.delete_peering(&there.id).await.map_err(failed(format!("delete {text}")))?;
                }
                present = None;
            }
            let description = peering.description.clone().unwrap_or_default();
            let (id, status) = match present {
                Some(there) => {
                    if there.name != peering.name || there.description != description {
                        let text = format!("peering {}", peering.name);
                        if self.change(ChangeKind::Update, &text) {
                            let wanted = PeeringUpdate {
                                name: Some(peering.name.clone()),
                                description: Some(description.clone()),
                            };
                            let updated = client.update_peering(&there.id, &wanted).await;
                            updated.map_err(failed(format!("update {text}")))?;
                        }
                    }
                    (there.id, there.status)
                }
                None => {
                    let text = format!("peering {} {} – {}", peering.name, peering.local, peering.peer);
                    if self.change(ChangeKind::Create, &text) {
                        let wanted = self.request(peering, &local, &peer)?;
                        let made = client.create_peering(&wanted).await.map_err(failed(format!("create {text}")))?;
                        (made.id, made.status)
                    } else {
                        (String::new(), PENDING.to_owned())
                    }
                }
            };
            if wanted == ACTIVE && status == PENDING && local.account != peer.account {
                let text = format!("peering {} accepted by {}", peering.name, peer.account);
                if self.change(ChangeKind::Update, &text) {
                    let accepted = self.client(&peer)?.accept_peering(&id).await;
                    accepted.map_err(failed(format!("accept peering {}", peering.name)))?;
                }
            }
            self.done.peerings.insert(peering.name.clone(), Placed { id, ..local });
        }
        Ok(())
    }

    /// Whether a route names a peering that is to be rejected or expired.
    pub(super) fn leads_to_ended(&self, route: &Route) -> bool {
        let named = self.scenario.peerings.iter().find(|p| p.name == route.next_hop);
        route.next_hop_type == "peering" && named.and_then(|p| p.status.as_deref()).is_some_and(is_ended)
    }

    /// Rejects those that are to be rejected, and ends the time of those that are to be expired.
    pub(super) async fn end_peerings(&mut self) -> Result<(), ApplyError> {
        for peering in &self.scenario.peerings {
            let wanted = wanted_status(peering)?;
            if !is_ended(wanted) {
                continue;
            }
            let placed = Applied::find(&self.done.peerings, "peering", &peering.name)?.clone();
            let peer = Applied::find(&self.done.vpcs, "VPC", &peering.peer)?.clone();
            let client = self.client(&peer)?;
            let now = if placed.id.is_empty() {
                PENDING.to_owned()
            } else {
                client.show_peering(&placed.id).await.map_err(failed("read a peering"))?.status
            };
            if wanted == EXPIRED {
                if now == PENDING && self.change(ChangeKind::Update, format!("peering {} expired", peering.name)) {
                    let expired = self.access.base().expire_peering(&placed.id).await;
                    expired.map_err(failed(format!("expire peering {} (operators may)", peering.name)))?;
                }
                continue;
            }
            let text = format!("peering {} rejected by {}", peering.name, peer.account);
            if now == PENDING && self.change(ChangeKind::Update, text) {
                let rejected = client.reject_peering(&placed.id).await;
                rejected.map_err(failed(format!("reject peering {}", peering.name)))?;
            }
        }
        Ok(())
    }

    fn request(&self, peering: &Peering, local: &Placed, peer: &Placed) -> Result<PeeringCreate, ApplyError> {
        let tenant_id = if local.account == peer.account {
            String::new()
        } else {
            self.access.project(&peer.account, &peer.region)?.to_owned()
        };
        Ok(PeeringCreate {
            name: peering.name.clone(),
            description: peering.description.clone(),
            request_vpc_info: PeeringVpc { vpc_id: local.id.clone(), tenant_id: String::new() },
            accept_vpc_info: PeeringVpc { vpc_id: peer.id.clone(), tenant_id },
        })
    }
}

/// The peering of the two VPCs that is not among `taken` and is nearest to the wanted name and state.
async fn find_peering(
    client: &Client,
    local: &Placed,
    peer: &Placed,
    taken: &[String],
    (name, wanted): (&str, &str),
) -> Result<Option<Present>, ApplyError> {
    if local.id.is_empty() || peer.id.is_empty() {
        return Ok(None);
    }
    let filter = PeeringFilter { vpc_id: Some(local.id.clone()), ..PeeringFilter::default() };
    let all = client.list_peerings(&filter).await.map_err(failed("list the peerings"))?;
    let mut between: Vec<Present> = all
        .into_iter()
        .filter(|p| {
            let ends = [&p.request_vpc_info.vpc_id, &p.accept_vpc_info.vpc_id];
            ends.contains(&&local.id) && ends.contains(&&peer.id) && !taken.contains(&p.id)
        })
        .collect();
    between.sort_by_key(|p| (!reachable_from(&p.status, wanted), p.name != name, is_ended(&p.status)));
    Ok(between.into_iter().next())
}

fn wanted_status(peering: &Peering) -> Result<&'static str, ApplyError> {
    match peering.status.as_deref() {
        None | Some(ACTIVE) => Ok(ACTIVE),
        Some(PENDING) => Ok(PENDING),
        Some(REJECTED) => Ok(REJECTED),
        Some(EXPIRED) => Ok(EXPIRED),
        Some(other) => Err(ApplyError::Unsupported(format!("peering {}: status `{other}` is not known", peering.name))),
    }
}

/// Whether a peering in this state is over.
fn is_ended(status: &str) -> bool {
    status == REJECTED || status == EXPIRED
}

/// Whether a peering in state `now` can come to `wanted` without being replaced.
fn reachable_from(now: &str, wanted: &str) -> bool {
    now == wanted || (now == PENDING && [ACTIVE, REJECTED, EXPIRED].contains(&wanted))
}
