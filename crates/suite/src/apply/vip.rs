//! Virtual IPs: made, bound, and claimed by the servers that are to hold them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use client::Client;
use client::types::{BoundPort, ClaimRequest, FixedIp, PortCreate, VipBinding, VipFilter};

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::Vip;

impl Run<'_, '_> {
    /// Removes virtual IPs that the document does not have, or has with another address.
    pub(super) async fn remove_vips(&mut self, client: &Client, vpc_id: &str) -> Result<(), ApplyError> {
        let filter = VipFilter { vpc_id: Some(vpc_id.to_owned()), ..VipFilter::default() };
        for vip in client.list_vips(&filter).await.map_err(failed("list the virtual IPs"))? {
            let kept = self.scenario.vips.iter().any(|wanted| is(wanted, &vip));
            if !kept && self.change(ChangeKind::Delete, format!("virtual IP {} {}", vip.name, vip.ip_address)) {
                let done = client.delete_port(&vip.id).await;
                done.map_err(failed(format!("delete virtual IP {}", vip.name)))?;
            }
        }
        Ok(())
    }

    pub(super) async fn make_vips(&mut self) -> Result<(), ApplyError> {
        for vip in &self.scenario.vips {
            let vpc = self.vpc_of_subnet(&vip.subnet)?.clone();
            let client = self.client(&vpc)?;
            let subnet = Applied::find(&self.done.subnets, "subnet", &vip.subnet)?.id.clone();
            let mut there = None;
            if !subnet.is_empty() {
                let filter = VipFilter { subnet_id: Some(subnet.clone()), ..VipFilter::default() };
                let all = client.list_vips(&filter).await.map_err(failed("list the virtual IPs"))?;
                there = all.into_iter().find(|present| is(vip, present));
            }
            let mut id = there.as_ref().map(|there| there.id.clone()).unwrap_or_default();
            let text = format!("virtual IP {} {} in {}", vip.name, vip.ip, vip.subnet);
            if there.is_none() && self.change(ChangeKind::Create, &text) {
                let wanted = create(vip, &subnet);
                id = client.create_port(&wanted).await.map_err(failed(format!("create {text}")))?.id;
            }
            self.done.vips.insert(vip.name.clone(), Placed { id: id.clone(), ..vpc });
            self.done.vip_addresses.insert(vip.name.clone(), vip.ip.clone());
            let there = there.unwrap_or_default();
            self.bind(&client, vip, &id, &there.bound).await?;
            self.hold(&client, vip, &id, there.holder.as_ref()).await?;
        }
        Ok(())
    }

    async fn bind(&mut self, client: &Client, vip: &Vip, id: &str, bound: &[BoundPort]) -> Result<(), ApplyError> {
        let mut wanted = BTreeSet::new();
        for name in &vip.bound {
            wanted.insert(Applied::find(&self.done.servers, "server", name)?.id.clone());
        }
        for port in bound.iter().filter(|port| !wanted.contains(&port.server_id)) {
            let text = format!("virtual IP {} is not bound to {}", vip.name, port.server_name);
            if self.change(ChangeKind::Update, &text) {
                let binding = VipBinding { port_id: Some(port.port_id.clone()), ..VipBinding::default() };
                client.unbind_vip(id, &binding).await.map_err(failed(format!("unbind virtual IP {}", vip.name)))?;
            }
        }
        for name in &vip.bound {
            let server = Applied::find(&self.done.servers, "server", name)?.id.clone();
            if bound.iter().any(|port| port.server_id == server) && !server.is_empty() {
                continue;
            }
            let text = format!("virtual IP {} bound to {name}", vip.name);
            if self.change(ChangeKind::Update, &text) {
                let done = client.bind_vip(id, &binding(&server)).await;
                done.map_err(failed(format!("bind virtual IP {} to {name}", vip.name)))?;
            }
        }
        Ok(())
    }

    /// Lets the server that is to hold the virtual IP claim it; takes it away from a holder where nobody is to hold it.
    async fn hold(
        &mut self,
        client: &Client,
        vip: &Vip,
        id: &str,
        holder: Option<&BoundPort>,
    ) -> Result<(), ApplyError> {
        match (&vip.holder, holder) {
            (Some(name), _) => {
                let server = Applied::find(&self.done.servers, "server", name)?.id.clone();
                let held = holder.is_some_and(|holder| holder.server_id == server && !server.is_empty());
                if !held && self.change(ChangeKind::Update, format!("virtual IP {} held by {name}", vip.name)) {
                    let done = client.claim_address(&server, &claim(&vip.ip, true)).await;
                    let claim = done.map_err(failed(format!("let {name} claim virtual IP {}", vip.name)))?;
                    if !claim.effective {
                        return Err(ApplyError::Unsupported(format!(
                            "virtual IP {}: {name} cannot hold it; bind it to {name}",
                            vip.name
                        )));
                    }
                }
            }
            (None, Some(holder)) if vip.bound.contains(&holder.server_name) => {
                if self.change(ChangeKind::Update, format!("virtual IP {} held by nobody", vip.name)) {
                    let again = binding(&holder.server_id);
                    let what = || format!("take virtual IP {} from {}", vip.name, holder.server_name);
                    client.unbind_vip(id, &again).await.map_err(failed(what()))?;
                    client.bind_vip(id, &again).await.map_err(failed(what()))?;
                }
            }
            (None, _) => {}
        }
        Ok(())
    }
}

/// Whether this is the document's virtual IP: its name and its address are the same.
fn is(wanted: &Vip, present: &client::types::Vip) -> bool {
    let address = wanted.ip.parse::<IpAddr>();
    let own = [Some(&present.ip_address), present.ipv6_address.as_ref()];
    wanted.name == present.name && own.into_iter().flatten().any(|text| text.parse() == address)
}

/// The request that makes a virtual IP.
pub(crate) fn create(vip: &Vip, subnet_id: &str) -> PortCreate {
    PortCreate {
        network_id: subnet_id.to_owned(),
        name: Some(vip.name.clone()),
        device_owner: Some("neutron:VIP_PORT".to_owned()),
        fixed_ips: vec![FixedIp { ip_address: vip.ip.clone(), ..FixedIp::default() }],
        ..PortCreate::default()
    }
}

/// A binding to a server. The document says itself which servers have their check off.
pub(crate) fn binding(server_id: &str) -> VipBinding {
    VipBinding { keep_check: Some(true), ..VipBinding::server(server_id) }
}

/// A claim. A server that takes the address over has it on its interface, and the former one no more.
pub(crate) fn claim(address: &str, take_over: bool) -> ClaimRequest {
    ClaimRequest { address: address.to_owned(), port_id: None, configure: Some(take_over), release: Some(take_over) }
}
