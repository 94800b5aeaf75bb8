//! VPCs, their secondary CIDRs, and subnets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use client::types::{SubnetCreate, SubnetFilter, VpcCreate, VpcFilter, VpcUpdate};
use ipnet::{Ipv4Net, Ipv6Net};

use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::Subnet;

impl Run<'_, '_> {
    /// Finds the VPCs of the document that are there already.
    pub(super) async fn find_vpcs(&mut self) -> Result<(), ApplyError> {
        for vpc in &self.scenario.vpcs {
            let account = vpc.account.clone().unwrap_or_else(|| self.defaults.account.clone());
            let region = vpc.region.clone().unwrap_or_else(|| self.defaults.region.clone());
            let mut placed = Placed { id: String::new(), account, region };
            let filter = VpcFilter { name: vec![vpc.name.clone()], ..VpcFilter::default() };
            let found = self.client(&placed)?.list_vpcs_v3(&filter).await.map_err(failed("list the VPCs"))?;
            placed.id = found.into_iter().find(|v| v.name == vpc.name).map(|v| v.id).unwrap_or_default();
            self.done.vpcs.insert(vpc.name.clone(), placed);
        }
        Ok(())
    }

    pub(super) async fn make_vpcs(&mut self) -> Result<(), ApplyError> {
        for vpc in &self.scenario.vpcs {
            let placed = Applied::find(&self.done.vpcs, "VPC", &vpc.name)?.clone();
            let client = self.client(&placed)?;
            let what = format!("vpc {} {}", vpc.name, vpc.cidrs.join(" "));
            let primary = vpc.cidrs.first().cloned().unwrap_or_default();
            let secondary: BTreeSet<String> = vpc.cidrs.iter().skip(1).cloned().collect();
            if placed.id.is_empty() {
                if !self.change(ChangeKind::Create, &what) {
                    continue;
                }
                let wanted = VpcCreate {
                    name: vpc.name.clone(),
                    cidr: primary,
                    edge_site: vpc.edge_site.clone(),
                    ..VpcCreate::default()
                };
                let made = client.create_vpc(&wanted).await.map_err(failed(format!("create {what}")))?;
                if let Some(placed) = self.done.vpcs.get_mut(&vpc.name) {
                    placed.id.clone_from(&made.id);
                }
                if !secondary.is_empty() {
                    let cidrs: Vec<String> = vpc.cidrs.iter().skip(1).cloned().collect();
                    client.add_extend_cidrs(&made.id, &cidrs).await.map_err(failed(format!("add CIDRs to {what}")))?;
                }
                continue;
            }
            let now = client.show_vpc(&placed.id).await.map_err(failed(format!("read {what}")))?;
            if now.edge_site != vpc.edge_site.clone().unwrap_or_default() {
                return Err(ApplyError::Unsupported(format!(
                    "vpc {} is at edge site `{}`; the place of a VPC cannot change: delete it first",
                    vpc.name, now.edge_site
                )));
            }
            if now.cidr != primary && self.change(ChangeKind::Update, format!("vpc {} CIDR {primary}", vpc.name)) {
                let wanted = VpcUpdate { cidr: Some(primary), ..VpcUpdate::default() };
                client.update_vpc(&placed.id, &wanted).await.map_err(failed(format!("update {what}")))?;
            }
            let now = client.show_vpc_v3(&placed.id).await.map_err(failed(format!("read {what}")))?;
            let there: BTreeSet<String> = now.extend_cidrs.into_iter().collect();
            for cidr in there.difference(&secondary) {
                if self.change(ChangeKind::Delete, format!("vpc {} secondary CIDR {cidr}", vpc.name)) {
                    let cidrs = [cidr.clone()];
                    let removed = client.remove_extend_cidrs(&placed.id, &cidrs).await;
                    removed.map_err(failed(format!("remove {cidr} from vpc {}", vpc.name)))?;
                }
            }
            for cidr in secondary.difference(&there) {
                if self.change(ChangeKind::Create, format!("vpc {} secondary CIDR {cidr}", vpc.name)) {
                    let added = client.add_extend_cidrs(&placed.id, std::slice::from_ref(cidr)).await;
                    added.map_err(failed(format!("add {cidr} to vpc {}", vpc.name)))?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn make_subnets(&mut self) -> Result<(), ApplyError> {
        for subnet in &self.scenario.subnets {
            let vpc = Applied::find(&self.done.vpcs, "VPC", &subnet.vpc)?.clone();
            let client = self.client(&vpc)?;
            let mut placed = Placed { id: String::new(), ..vpc.clone() };
            if !vpc.id.is_empty() {
                let filter = SubnetFilter { vpc_id: Some(vpc.id.clone()) };
                let there = client.list_subnets(&filter).await.map_err(failed("list the subnets"))?;
                if let Some(there) = there.into_iter().find(|s| s.name == subnet.name) {
                    same_prefix(subnet, &there)?;
                    placed.id = there.id;
                }
            }
            if placed.id.is_empty() {
                let what = format!("subnet {} {}", subnet.name, subnet.cidr);
                if self.change(ChangeKind::Create, format!("{what} in {}", subnet.vpc)) {
                    let wanted = subnet_create(subnet, &vpc.id);
                    let made = client.create_subnet(&wanted).await.map_err(failed(format!("create {what}")))?;
                    placed.id = made.id;
                }
            }
            self.done.subnets.insert(subnet.name.clone(), placed);
        }
        Ok(())
    }
}

/// A subnet's IPv6 range never changes, and one that is turned on later cannot be chosen (rule V6-1): a subnet that is
/// there must have the document's.
fn same_prefix(wanted: &Subnet, there: &client::types::Subnet) -> Result<(), ApplyError> {
    let Some(text) = &wanted.cidr6 else { return Ok(()) };
    let same = match (text.parse::<Ipv6Net>(), there.cidr_v6.as_deref().map(str::parse::<Ipv6Net>)) {
        (Ok(wanted), Some(Ok(has))) => wanted == has,
        _ => false,
    };
    if same {
        return Ok(());
    }
    let has = there.cidr_v6.as_deref().unwrap_or("none");
    Err(ApplyError::Unsupported(format!(
        "subnet {}: its IPv6 range is to be {text}, and the subnet that is there has {has}; delete that subnet first",
        wanted.name
    )))
}

/// The request that makes a subnet of the document.
pub(crate) fn subnet_create(subnet: &Subnet, vpc_id: &str) -> SubnetCreate {
    SubnetCreate {
        name: subnet.name.clone(),
        cidr: subnet.cidr.clone(),
        gateway_ip: gateway(subnet),
        vpc_id: vpc_id.to_owned(),
        ipv6_enable: subnet.cidr6.is_some().then_some(true),
        cidr_v6: subnet.cidr6.clone(),
        ..SubnetCreate::default()
    }
}

/// The subnet's gateway: the one given, else the first address (rule NET-4).
pub(super) fn gateway(subnet: &Subnet) -> String {
    subnet.gateway.clone().unwrap_or_else(|| {
        // A CIDR that cannot be read is the server's to refuse.
        subnet
            .cidr
            .parse::<Ipv4Net>()
            .map(|net| Ipv4Addr::from(u32::from(net.network()).saturating_add(1)).to_string())
            .unwrap_or_default()
    })
}
