//! Peering connections and the state they are to be in.

use client::Client;
use client::types::{Peering as Present, PeeringCreate, PeeringFilter, PeeringUpdate, PeeringVpc};

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::Peering;

const ACTIVE: &str = "ACTIVE";
const PENDING: &str = "PENDING_ACCEPTANCE";
const REJECTED: &str = "REJECTED";

impl Run<'_, '_> {
    /// Makes and accepts peerings. Those that are to be rejected stay pending until their routes are there: a route
    /// can name a pending peering, not a rejected one.
    pub(super) async fn make_peerings(&mut self) -> Result<(), ApplyError> {
        for peering in &self.scenario.peerings {
            let wanted = wanted_status(peering)?;
            let local = Applied::find(&self.done.vpcs, "VPC", &peering.local)?.clone();
            let peer = Applied::find(&self.done.vpcs, "VPC", &peering.peer)?.clone();
            let client = self.client(&local)?;
            let mut present = find_peering(&client, &local, &peer).await?;
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

    /// Rejects those that are to be rejected.
    pub(super) async fn reject_peerings(&mut self) -> Result<(), ApplyError> {
        for peering in &self.scenario.peerings {
            if wanted_status(peering)? != REJECTED {
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

/// The peering of the two VPCs, a live one rather than one that has ended.
async fn find_peering(client: &Client, local: &Placed, peer: &Placed) -> Result<Option<Present>, ApplyError> {
    if local.id.is_empty() || peer.id.is_empty() {
        return Ok(None);
    }
    let filter = PeeringFilter { vpc_id: Some(local.id.clone()), ..PeeringFilter::default() };
    let all = client.list_peerings(&filter).await.map_err(failed("list the peerings"))?;
    let mut between: Vec<Present> = all
        .into_iter()
        .filter(|p| {
            let ends = [&p.request_vpc_info.vpc_id, &p.accept_vpc_info.vpc_id];
            ends.contains(&&local.id) && ends.contains(&&peer.id)
        })
        .collect();
    between.sort_by_key(|p| p.status != ACTIVE && p.status != PENDING);
    Ok(between.into_iter().next())
}

fn wanted_status(peering: &Peering) -> Result<&'static str, ApplyError> {
    match peering.status.as_deref() {
        None | Some(ACTIVE) => Ok(ACTIVE),
        Some(PENDING) => Ok(PENDING),
        Some(REJECTED) => Ok(REJECTED),
        Some("EXPIRED") => Err(ApplyError::Unsupported(format!(
            "peering {}: only time makes a request EXPIRED; write another status",
            peering.name
        ))),
        Some(other) => Err(ApplyError::Unsupported(format!("peering {}: status `{other}` is not known", peering.name))),
    }
}

/// Whether a peering in state `now` can come to `wanted` without being replaced.
fn reachable_from(now: &str, wanted: &str) -> bool {
    now == wanted || (now == PENDING && (wanted == ACTIVE || wanted == REJECTED))
}
