//! Removing: what a document does not have, all that it names, or all that an account has.

use std::collections::BTreeSet;

use client::types::{
    AddressGroupFilter, PeeringFilter, RouteChanges, RouteDestination, RouteTableFilter, RouteTableUpdate,
    SecurityGroupFilter, ServerFilter, SubnetFilter,
};
use client::{Client, Error};

use super::group::{ALLOW_ALL, DEFAULT};
use super::server::kind;
use super::vpc::gateway;
use super::{Applied, ApplyError, ApplyOptions, ChangeKind, ChangeLine, Run, failed};
use crate::access::Access;
use crate::document::{Defaults, Scenario};

impl Run<'_, '_> {
    /// Removes what is in the document's VPCs and not in the document, and what differs in a way that cannot be
    /// changed. Routes first, then what they name, then subnets.
    pub(super) async fn remove_what_is_too_much(&mut self) -> Result<(), ApplyError> {
        for vpc in &self.scenario.vpcs {
            let placed = Applied::find(&self.done.vpcs, "VPC", &vpc.name)?.clone();
            if placed.id.is_empty() {
                continue;
            }
            let client = self.client(&placed)?;
            self.remove_routes(&client, &placed.id, &vpc.name).await?;
            self.remove_servers(&client, &placed.id).await?;
            self.remove_vips(&client, &placed.id).await?;
            self.remove_peerings(&client, &placed.id).await?;
        }
        // Subnets and tables of a VPC only after the servers of all.
        for vpc in &self.scenario.vpcs {
            let placed = Applied::find(&self.done.vpcs, "VPC", &vpc.name)?.clone();
            if !placed.id.is_empty() {
                let client = self.client(&placed)?;
                self.remove_tables(&client, &placed.id).await?;
                self.remove_subnets(&client, &placed.id).await?;
            }
        }
        Ok(())
    }

    async fn remove_routes(&mut self, client: &Client, vpc_id: &str, vpc: &str) -> Result<(), ApplyError> {
        let filter = RouteTableFilter { vpc_id: Some(vpc_id.to_owned()), ..RouteTableFilter::default() };
        for table in client.list_route_tables(&filter).await.map_err(failed("list the route tables"))? {
            let name = if table.default { Scenario::default_table(vpc) } else { table.name.clone() };
            let full = client.show_route_table(&table.id).await.map_err(failed(format!("read route table {name}")))?;
            let mut changes = RouteChanges::default();
            for route in full.routes.into_iter().filter(|r| r.kind != "local") {
                let wanted = self.scenario.routes.iter().any(|r| r.table == name && r.destination == route.destination);
                if !wanted && self.change(ChangeKind::Delete, format!("route {} in {name}", route.destination)) {
                    changes.delete.push(RouteDestination { destination: route.destination });
                }
            }
            if changes != RouteChanges::default() {
                let update = RouteTableUpdate { routes: Some(changes), ..RouteTableUpdate::default() };
                let done = client.update_route_table(&table.id, &update).await;
                done.map_err(failed(format!("delete routes of {name}")))?;
            }
        }
        Ok(())
    }

    async fn remove_servers(&mut self, client: &Client, vpc_id: &str) -> Result<(), ApplyError> {
        let subnets = client.list_subnets(&SubnetFilter { vpc_id: Some(vpc_id.to_owned()) }).await;
        let subnets = subnets.map_err(failed("list the subnets"))?;
        let filter = ServerFilter { vpc_id: Some(vpc_id.to_owned()), ..ServerFilter::default() };
        for server in client.list_servers(&filter).await.map_err(failed("list the servers"))? {
            let subnet = subnets.iter().find(|s| s.id == server.subnet_id);
            let keeps = |w: &&crate::document::Workload| {
                w.name == server.name
                    && subnet.is_some_and(|s| s.name == w.subnet && self.keeps_subnet(&s.name, &s.cidr, &s.gateway_ip))
                    && w.ip.as_ref().is_none_or(|ip| *ip == server.ip_address)
                    && kind(w).is_ok_and(|k| k.to_string() == server.kind)
            };
            let kept = self.scenario.workloads.iter().any(|w| keeps(&w));
            let replaced = self.scenario.workloads.iter().any(|w| w.name == server.name);
            let why = if replaced { " (replaced)" } else { "" };
            if !kept && self.change(ChangeKind::Delete, format!("server {}{why}", server.name)) {
                client.delete_server(&server.id).await.map_err(failed(format!("delete server {}", server.name)))?;
            }
        }
        Ok(())
    }

    async fn remove_peerings(&mut self, client: &Client, vpc_id: &str) -> Result<(), ApplyError> {
        let filter = PeeringFilter { vpc_id: Some(vpc_id.to_owned()), ..PeeringFilter::default() };
        let all = client.list_peerings(&filter).await.map_err(failed("list the peerings"))?;
        for peering in all.into_iter().filter(|p| p.request_vpc_info.vpc_id == vpc_id) {
            let ends = [&peering.request_vpc_info.vpc_id, &peering.accept_vpc_info.vpc_id];
            let wanted = self.scenario.peerings.iter().any(|p| {
                [&p.local, &p.peer].iter().all(|v| self.done.vpcs.get(*v).is_some_and(|v| ends.contains(&&v.id)))
            });
            if !wanted && self.change(ChangeKind::Delete, format!("peering {}", peering.name)) {
                let done = client.delete_peering(&peering.id).await;
                done.map_err(failed(format!("delete peering {}", peering.name)))?;
            }
        }
        Ok(())
    }

    async fn remove_tables(&mut self, client: &Client, vpc_id: &str) -> Result<(), ApplyError> {
        let filter = RouteTableFilter { vpc_id: Some(vpc_id.to_owned()), ..RouteTableFilter::default() };
        for table in client.list_route_tables(&filter).await.map_err(failed("list the route tables"))? {
            let wanted = table.default || self.scenario.route_tables.iter().any(|t| t.name == table.name);
            if !wanted && self.change(ChangeKind::Delete, format!("route table {}", table.name)) {
                let ids: Vec<String> = table.subnets.iter().map(|s| s.id.clone()).collect();
                if !ids.is_empty() {
                    let done = client.disassociate_subnets(&table.id, &ids).await;
                    done.map_err(failed(format!("free the subnets of route table {}", table.name)))?;
                }
                let done = client.delete_route_table(&table.id).await;
                done.map_err(failed(format!("delete route table {}", table.name)))?;
            }
        }
        Ok(())
    }

    async fn remove_subnets(&mut self, client: &Client, vpc_id: &str) -> Result<(), ApplyError> {
        let filter = SubnetFilter { vpc_id: Some(vpc_id.to_owned()) };
        for subnet in client.list_subnets(&filter).await.map_err(failed("list the subnets"))? {
            let kept = self.keeps_subnet(&subnet.name, &subnet.cidr, &subnet.gateway_ip);
            if !kept && self.change(ChangeKind::Delete, format!("subnet {} {}", subnet.name, subnet.cidr)) {
                let done = client.delete_subnet(vpc_id, &subnet.id).await;
                done.map_err(failed(format!("delete subnet {}", subnet.name)))?;
            }
        }
        Ok(())
    }

    fn keeps_subnet(&self, name: &str, cidr: &str, gateway_ip: &str) -> bool {
        self.scenario.subnets.iter().any(|s| s.name == name && s.cidr == cidr && gateway(s) == gateway_ip)
    }
}

/// Deletes the VPCs that a document names, with all that is in them, and the groups and network ACLs that it names.
///
/// # Errors
/// [`ApplyError`]; what was deleted before stays deleted.
pub async fn remove(
    access: &mut Access,
    scenario: &Scenario,
    defaults: &Defaults,
    options: &mut ApplyOptions<'_>,
) -> Result<Vec<ChangeLine>, ApplyError> {
    // The same VPCs with nothing in them: all that is inside is too much.
    let bare = Scenario { vpcs: scenario.vpcs.clone(), ..Scenario::default() };
    let mut run = Run { access, scenario: &bare, defaults, options, done: Applied::default() };
    run.find_vpcs().await?;
    run.remove_what_is_too_much().await?;
    for (name, placed) in run.done.vpcs.clone() {
        if !placed.id.is_empty() && run.change(ChangeKind::Delete, format!("vpc {name}")) {
            run.client(&placed)?.delete_vpc(&placed.id).await.map_err(failed(format!("delete vpc {name}")))?;
        }
    }
    let mut names: BTreeSet<&str> = scenario.security_groups.iter().map(|g| g.name.as_str()).collect();
    names.insert(ALLOW_ALL);
    names.remove(DEFAULT);
    let places: BTreeSet<(String, String)> =
        run.done.vpcs.values().map(|v| (v.account.clone(), v.region.clone())).collect();
    for (account, region) in places {
        let client = run.access.client(&account, &region)?;
        run.remove_groups(&client, |name| names.contains(name)).await?;
        run.remove_acls(&client, |name| scenario.network_acls.iter().any(|acl| acl.name == name)).await?;
    }
    Ok(run.done.changes)
}

/// Deletes all servers, peerings, routes, tables, subnets, VPCs, custom groups, network ACLs and address groups of the
/// account's projects in the regions.
///
/// # Errors
/// [`ApplyError`]; what was deleted before stays deleted.
pub async fn remove_all(
    access: &mut Access,
    account: &str,
    regions: &[String],
    options: &mut ApplyOptions<'_>,
) -> Result<Vec<ChangeLine>, ApplyError> {
    let mut changes = Vec::new();
    for region in regions {
        let client = access.client(account, region)?;
        let vpcs = client.list_vpcs().await.map_err(failed("list the VPCs"))?;
        let scenario = Scenario {
            vpcs: vpcs
                .iter()
                .map(|v| crate::document::Vpc {
                    name: v.name.clone(),
                    cidrs: vec![v.cidr.clone()],
                    region: Some(region.clone()),
                    account: Some(account.to_owned()),
                    ..crate::document::Vpc::default()
                })
                .collect(),
            ..Scenario::default()
        };
        let defaults = Defaults { region: region.clone(), account: account.to_owned(), ..Defaults::default() };
        changes.extend(remove(access, &scenario, &defaults, options).await?);
        let bare = Scenario::default();
        let mut run = Run { access, scenario: &bare, defaults: &defaults, options, done: Applied::default() };
        run.remove_groups(&client, |name| name != DEFAULT).await?;
        run.remove_acls(&client, |_| true).await?;
        run.remove_address_groups(&client).await?;
        changes.extend(run.done.changes);
    }
    Ok(changes)
}

impl Run<'_, '_> {
    async fn remove_address_groups(&mut self, client: &Client) -> Result<(), ApplyError> {
        let filter = AddressGroupFilter::default();
        for group in client.list_address_groups(&filter).await.map_err(failed("list the address groups"))? {
            if !self.change(ChangeKind::Delete, format!("address group {}", group.name)) {
                continue;
            }
            match client.delete_address_group(&group.id).await {
                // A rule of the default security group names it: it stays.
                Err(Error::Api { status: 409, .. }) => drop(self.done.changes.pop()),
                done => done.map_err(failed(format!("delete address group {}", group.name)))?,
            }
        }
        Ok(())
    }

    async fn remove_groups(&mut self, client: &Client, named: impl Fn(&str) -> bool) -> Result<(), ApplyError> {
        let filter = SecurityGroupFilter::default();
        for group in client.list_security_groups(&filter).await.map_err(failed("list the security groups"))? {
            if !named(&group.name) || !self.change(ChangeKind::Delete, format!("security group {}", group.name)) {
                continue;
            }
            match client.delete_security_group(&group.id).await {
                // Still used by a server of another VPC, or named by a rule of another group: it stays.
                Err(Error::Api { status: 409, .. }) => {
                    self.done.changes.pop();
                }
                done => done.map_err(failed(format!("delete security group {}", group.name)))?,
            }
        }
        Ok(())
    }
}
