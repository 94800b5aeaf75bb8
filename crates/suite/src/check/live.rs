//! A scenario on a server, and the operations that change it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use client::types::{
    NetworkAclCreate, NetworkAclUpdate, Peering, PeeringCreate, PeeringUpdate, PeeringVpc, RouteChanges,
    RouteDestination, RouteSpec, RouteTableCreate, RouteTableFilter, RouteTableUpdate, SecurityGroupCreate,
    ServerCreate, ServerUpdate, VipFilter, VpcCreate,
};
use client::{Client, Error};

use super::action::Action;
use super::stage::Staged;
use crate::access::{Access, AccessError};
use crate::apply::{self, Applied, ApplyError, ApplyOptions, Placed, acl, apply, vip};
use crate::document::{AclRule, Defaults, GroupRule, NetworkAcl, Scenario};

/// An id that no object has.
const NO_ID: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";
/// A project's id that no project has.
const NO_PROJECT: &str = "ffffffffffffffffffffffffffffffff";

/// A server with a scenario on it.
pub(super) struct Live<'a> {
    staged: Staged,
    access: Access,
    scenario: &'a Scenario,
    defaults: &'a Defaults,
    pub(super) applied: Applied,
    /// VPC of each subnet.
    vpc_of_subnet: BTreeMap<String, String>,
    /// Address and VPC of workloads that a step deleted: an expectation may still be about them.
    pub(super) gone: BTreeMap<String, Gone>,
}

/// Where a workload was.
#[derive(Debug)]
pub(super) struct Gone {
    address: String,
    ipv6_address: Option<String>,
    /// Id of its VPC.
    pub(super) vpc: String,
}

impl Gone {
    /// Its address of the family of an expectation.
    pub(super) fn address(&self, family: Option<u8>) -> Option<&str> {
        if family == Some(6) { self.ipv6_address.as_deref() } else { Some(&self.address) }
    }
}

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The server refused it.
    #[error(transparent)]
    Api(#[from] Error),
    /// It cannot be asked for.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Nothing known.
    #[error("there is no operation `{0}`")]
    Unknown(String),
    /// The document's parameters make no request.
    #[error(transparent)]
    Request(Box<ApplyError>),
}

impl<'a> Live<'a> {
    pub(super) fn new(staged: Staged, scenario: &'a Scenario, defaults: &'a Defaults) -> Self {
        let access = Access::new(staged.operator.clone(), true);
        let vpc_of_subnet = scenario.subnets.iter().map(|s| (s.name.clone(), s.vpc.clone())).collect();
        let (applied, gone) = (Applied::default(), BTreeMap::new());
        Self { staged, access, scenario, defaults, applied, vpc_of_subnet, gone }
    }

    /// Makes the server as the scenario says.
    pub(super) async fn apply(&mut self) -> Result<(), ApplyError> {
        let mut options = ApplyOptions { dry_run: false, on_change: &mut |_| {}, on_account: &mut |_, _| {} };
        self.applied = apply(&mut self.access, self.scenario, self.defaults, &mut options).await?;
        Ok(())
    }

    /// The workload of a VPC that the document gives this address.
    pub(super) fn workload_at(&self, vpc: &str, address: &str) -> Option<&str> {
        let mut workloads = self.scenario.workloads.iter();
        let found = workloads.find(|workload| {
            [&workload.ip, &workload.ip6].into_iter().flatten().any(|own| same_address(own, address))
                && self.vpc_of_subnet.get(&workload.subnet).map(String::as_str) == Some(vpc)
        });
        found.map(|workload| workload.name.as_str())
    }

    /// Id and name in the document of a server.
    pub(super) fn server_named(&self, id: &str) -> Option<(String, &str)> {
        let found = self.applied.servers.iter().find(|(_, placed)| placed.id == id);
        found.map(|(name, _)| (id.to_owned(), name.as_str()))
    }

    /// Stops the server.
    pub(super) async fn stop(self) -> Result<(), String> {
        self.staged.stop.await
    }

    /// Calls as the operator.
    pub(super) fn operator(&self) -> &Client {
        &self.staged.operator
    }

    /// Does an operation as account `by`, or as the owner of what it is about. Returns the state of the peering that it
    /// made or changed.
    pub(super) async fn perform(&mut self, action: &Action, by: Option<&str>) -> Result<Option<String>, Refusal> {
        let status = |peering: Peering| Some(peering.status);
        match action {
            Action::CreatePeering { name, local, peer, description, peer_project } => {
                let (local, peer) = (self.placed(&self.applied.vpcs, local), self.placed(&self.applied.vpcs, peer));
                let caller = by.unwrap_or(&local.account);
                // Without the peer's project the server looks in the caller's own.
                let tenant_id = match peer_project {
                    Some(other) if other.is_empty() || other.len() == NO_PROJECT.len() => other.clone(),
                    Some(other) => self.access.project(other, &peer.region).unwrap_or(NO_PROJECT).to_owned(),
                    None if peer.account == caller => String::new(),
                    None => self.access.project(&peer.account, &peer.region)?.to_owned(),
                };
                let request = PeeringCreate {
                    name: name.clone(),
                    description: description.clone(),
                    request_vpc_info: PeeringVpc { vpc_id: local.id.clone(), tenant_id: String::new() },
                    accept_vpc_info: PeeringVpc { vpc_id: peer.id, tenant_id },
                };
                let made = self.access.client(caller, &local.region)?.create_peering(&request).await?;
                let account = caller.to_owned();
                let placed = Placed { id: made.id.clone(), account, region: local.region };
                self.applied.peerings.insert(name.clone(), placed);
                Ok(status(made))
            }
            Action::ShowPeering { peering } => {
                let (client, id) = self.peering(peering, by)?;
                Ok(status(client.show_peering(&id).await?))
            }
            Action::AcceptPeering { peering } => {
                let (client, id) = self.peering(peering, by)?;
                Ok(status(client.accept_peering(&id).await?))
            }
            Action::RejectPeering { peering } => {
                let (client, id) = self.peering(peering, by)?;
                Ok(status(client.reject_peering(&id).await?))
            }
            Action::UpdatePeering { peering, name, description } => {
                let (client, id) = self.peering(peering, by)?;
                let update = PeeringUpdate { name: name.clone(), description: description.clone() };
                Ok(status(client.update_peering(&id, &update).await?))
            }
            Action::DeletePeering { peering } => {
                let (client, id) = self.peering(peering, by)?;
                client.delete_peering(&id).await?;
                Ok(None)
            }
            Action::ChangeRoute { table, destination, kind, next_hop } => {
                let spec = self.route(kind, destination, next_hop);
                self.change_routes(table, by, RouteChanges { modify: vec![spec], ..RouteChanges::default() }).await
            }
            Action::AddTable { table, vpc } => {
                let vpc = self.placed(&self.applied.vpcs, vpc);
                let (vpc_id, name) = (vpc.id.clone(), table.clone());
                let wanted = RouteTableCreate { vpc_id, name, ..RouteTableCreate::default() };
                let made = self.client(&vpc, by)?.create_route_table(&wanted).await?;
                self.applied.tables.insert(table.clone(), Placed { id: made.id, ..vpc });
                Ok(None)
            }
            Action::DeleteTable { table } => {
                let (client, id) = self.calling(&self.applied.tables, table, by)?;
                client.delete_route_table(&id).await?;
                self.applied.tables.remove(table);
                Ok(None)
            }
            Action::AddRoute { table, destination, kind, next_hop } => {
                let spec = self.route(kind, destination, next_hop);
                self.change_routes(table, by, RouteChanges { add: vec![spec], ..RouteChanges::default() }).await
            }
            Action::DeleteRoute { table, destination } => {
                let route = RouteDestination { destination: destination.clone() };
                self.change_routes(table, by, RouteChanges { delete: vec![route], ..RouteChanges::default() }).await
            }
            Action::Associate { subnet, table } => {
                let subnet = self.placed(&self.applied.subnets, subnet);
                let (client, table) = self.calling(&self.applied.tables, table, by)?;
                client.associate_subnets(&table, &[subnet.id]).await?;
                Ok(None)
            }
            Action::Disassociate { subnet, table } => {
                let subnet = self.placed(&self.applied.subnets, subnet);
                let (client, table) = self.calling(&self.applied.tables, table, by)?;
                client.disassociate_subnets(&table, &[subnet.id]).await?;
                Ok(None)
            }
            Action::AddSubnet(subnet) => {
                let vpc = self.placed(&self.applied.vpcs, &subnet.vpc);
                let client = self.client(&vpc, by)?;
                let made = client.create_subnet(&apply::subnet_create(subnet, &vpc.id)).await?;
                self.applied.subnets.insert(subnet.name.clone(), Placed { id: made.id, ..vpc });
                self.vpc_of_subnet.insert(subnet.name.clone(), subnet.vpc.clone());
                Ok(None)
            }
            Action::DeleteSubnet { subnet } => {
                let vpc = self.vpc_of_subnet.get(subnet).cloned().unwrap_or_default();
                let vpc = self.placed(&self.applied.vpcs, &vpc);
                let (client, id) = self.calling(&self.applied.subnets, subnet, by)?;
                client.delete_subnet(&vpc.id, &id).await?;
                self.applied.subnets.remove(subnet);
                Ok(None)
            }
            Action::DeleteVpc { vpc } => {
                let (client, id) = self.calling(&self.applied.vpcs, vpc, by)?;
                client.delete_vpc(&id).await?;
                // Its tables went with it.
                self.applied.tables.remove(&Scenario::default_table(vpc));
                let custom = self.scenario.route_tables.iter().filter(|table| table.vpc == *vpc);
                custom.for_each(|table| drop(self.applied.tables.remove(&table.name)));
                Ok(None)
            }
            Action::AddVpc(vpc) => {
                let account = by.or(vpc.account.as_deref()).unwrap_or(&self.defaults.account).to_owned();
                let region = vpc.region.clone().unwrap_or_else(|| self.defaults.region.clone());
                let client = self.access.client(&account, &region)?;
                let wanted = VpcCreate {
                    name: vpc.name.clone(),
                    cidr: vpc.cidrs.first().cloned().unwrap_or_default(),
                    edge_site: vpc.edge_site.clone(),
                    ..VpcCreate::default()
                };
                let made = client.create_vpc(&wanted).await?;
                let placed = Placed { id: made.id, account, region };
                let filter = RouteTableFilter { vpc_id: Some(placed.id.clone()), ..RouteTableFilter::default() };
                let default = client.list_route_tables(&filter).await?.into_iter().find(|table| table.default);
                if let Some(table) = default {
                    let placed = Placed { id: table.id, ..placed.clone() };
                    self.applied.tables.insert(Scenario::default_table(&vpc.name), placed);
                }
                self.applied.vpcs.insert(vpc.name.clone(), placed.clone());
                for cidr in vpc.cidrs.iter().skip(1) {
                    client.add_extend_cidrs(&placed.id, std::slice::from_ref(cidr)).await?;
                }
                Ok(None)
            }
            Action::AddCidr { vpc, cidr } => {
                let (client, id) = self.calling(&self.applied.vpcs, vpc, by)?;
                client.add_extend_cidrs(&id, std::slice::from_ref(cidr)).await?;
                Ok(None)
            }
            Action::RemoveCidr { vpc, cidr } => {
                let (client, id) = self.calling(&self.applied.vpcs, vpc, by)?;
                client.remove_extend_cidrs(&id, std::slice::from_ref(cidr)).await?;
                Ok(None)
            }
            Action::AddGroup { group } => {
                let account = by.unwrap_or(&self.defaults.account).to_owned();
                let region = self.defaults.region.clone();
                let wanted = SecurityGroupCreate { name: group.clone(), description: None };
                let made = self.access.client(&account, &region)?.create_security_group(&wanted).await?;
                self.applied.groups.insert((account, region, group.clone()), made.id);
                Ok(None)
            }
            Action::DeleteGroup { group } => {
                let group = self.group(group, by);
                self.client(&group, by)?.delete_security_group(&group.id).await?;
                Ok(None)
            }
            Action::DeleteGroupRule { group, rule } => {
                let group = self.group(group, by);
                let client = self.client(&group, by)?;
                let present = client.show_security_group(&group.id).await?;
                let id = apply::find_rule(&self.applied, &group, rule, &present.security_group_rules)
                    .map_err(|error| Refusal::Request(Box::new(error)))?;
                client.delete_security_group_rule(&id).await?;
                Ok(None)
            }
            Action::AddWorkload(workload) => {
                let subnet = self.placed(&self.applied.subnets, &workload.subnet);
                let client = self.client(&subnet, by)?;
                let names = workload.sgs.clone().unwrap_or_else(|| vec![apply::ALLOW_ALL.to_owned()]);
                let mut groups = Vec::new();
                for name in names {
                    let key = (subnet.account.clone(), subnet.region.clone(), name.clone());
                    groups.push(match self.applied.groups.get(&key) {
                        Some(id) => id.clone(),
                        None if name == apply::ALLOW_ALL => self.allow_all(key).await?,
                        None => self.group(&name, Some(&subnet.account)).id,
                    });
                }
                let kind = apply::kind(workload).map_err(|error| Refusal::Request(Box::new(error)))?;
                let wanted = ServerCreate {
                    name: workload.name.clone(),
                    subnet_id: subnet.id.clone(),
                    ip_address: workload.ip.clone(),
                    ipv6_address: workload.ip6.clone(),
                    security_groups: Some(groups),
                    kind: Some(kind),
                    source_dest_check: workload.src_dst_check,
                };
                let made = client.create_server(&wanted).await?;
                self.applied.ports.insert(workload.name.clone(), made.port_id);
                self.applied.servers.insert(workload.name.clone(), Placed { id: made.id, ..subnet });
                self.gone.remove(&workload.name);
                Ok(None)
            }
            Action::AddGroupRule { group, rule } => {
                let group = self.group(group, by);
                let client = self.client(&group, by)?;
                let caller = by.unwrap_or(&group.account);
                let rule = apply::rule_request(&self.applied, caller, &group.region, &group.id, rule);
                let rule = rule.map_err(|error| Refusal::Request(Box::new(error)))?;
                client.create_security_group_rule(&rule).await?;
                Ok(None)
            }
            Action::AddAcl(wanted) => self.add_acl(wanted, by).await.map(|()| None),
            Action::DeleteAcl { acl } => {
                let (client, id) = self.calling(&self.applied.acls, acl, by)?;
                client.delete_network_acl(&id).await?;
                self.applied.acls.remove(acl);
                Ok(None)
            }
            Action::AddAclRule { acl, rule } => self.add_acl_rule(acl, rule, by).await.map(|()| None),
            Action::DeleteAclRule { acl, rule } => self.delete_acl_rule(acl, rule, by).await.map(|()| None),
            Action::GuardSubnet { acl, subnet } => {
                let subnet = self.placed(&self.applied.subnets, subnet);
                let (client, id) = self.calling(&self.applied.acls, acl, by)?;
                client.guard_subnets(&id, &[subnet.id]).await?;
                Ok(None)
            }
            Action::UnguardSubnet { acl, subnet } => {
                let subnet = self.placed(&self.applied.subnets, subnet);
                let (client, id) = self.calling(&self.applied.acls, acl, by)?;
                client.unguard_subnets(&id, &[subnet.id]).await?;
                Ok(None)
            }
            Action::SetAcl { acl, enabled } => {
                let (client, id) = self.calling(&self.applied.acls, acl, by)?;
                let update = NetworkAclUpdate { admin_state_up: Some(*enabled), ..NetworkAclUpdate::default() };
                client.update_network_acl(&id, &update).await?;
                Ok(None)
            }
            Action::DeleteWorkload { workload } => {
                let (client, id) = self.calling(&self.applied.servers, workload, by)?;
                let last = client.show_server(&id).await?;
                client.delete_server(&id).await?;
                self.applied.servers.remove(workload);
                let (address, ipv6_address) = (last.ip_address, last.ipv6_address);
                self.gone.insert(workload.clone(), Gone { address, ipv6_address, vpc: last.vpc_id });
                Ok(None)
            }
            Action::StopWorkload { workload } => {
                let (client, id) = self.calling(&self.applied.servers, workload, by)?;
                client.stop_server(&id).await?;
                Ok(None)
            }
            Action::StartWorkload { workload } => {
                let (client, id) = self.calling(&self.applied.servers, workload, by)?;
                client.start_server(&id).await?;
                Ok(None)
            }
            Action::AddVip(vip) => {
                let subnet = self.placed(&self.applied.subnets, &vip.subnet);
                let client = self.client(&subnet, by)?;
                let made = client.create_port(&vip::create(vip, &subnet.id)).await?;
                self.applied.vips.insert(vip.name.clone(), Placed { id: made.id.clone(), ..subnet });
                self.applied.vip_addresses.insert(vip.name.clone(), vip.ip.clone());
                for name in &vip.bound {
                    let server = self.placed(&self.applied.servers, name);
                    client.bind_vip(&made.id, &vip::binding(&server.id)).await?;
                }
                if let Some(holder) = &vip.holder {
                    self.claim(&vip.name, holder, by).await?;
                }
                Ok(None)
            }
            Action::DeleteVip { vip } => {
                let (client, id) = self.calling(&self.applied.vips, vip, by)?;
                client.delete_port(&id).await?;
                self.applied.vips.remove(vip);
                Ok(None)
            }
            Action::BindVip { vip, workload } => {
                let (client, id) = self.calling(&self.applied.vips, vip, by)?;
                let server = self.placed(&self.applied.servers, workload);
                client.bind_vip(&id, &vip::binding(&server.id)).await?;
                Ok(None)
            }
            Action::UnbindVip { vip, workload } => {
                let (client, id) = self.calling(&self.applied.vips, vip, by)?;
                let server = self.placed(&self.applied.servers, workload);
                client.unbind_vip(&id, &vip::binding(&server.id)).await?;
                Ok(None)
            }
            Action::ClaimVip { vip, workload } => self.claim(vip, workload, by).await.map(|()| None),
            Action::Unknown { op } => Err(Refusal::Unknown(op.clone())),
            Action::SetCheck { workload, check } => {
                let (client, id) = self.calling(&self.applied.servers, workload, by)?;
                let wanted = ServerUpdate { source_dest_check: Some(*check), ..ServerUpdate::default() };
                client.update_server(&id, &wanted).await?;
                Ok(None)
            }
        }
    }

    async fn add_acl(&mut self, wanted: &NetworkAcl, by: Option<&str>) -> Result<(), Refusal> {
        let lists = acl::lists(&wanted.rules).map_err(|error| Refusal::Request(Box::new(error)))?;
        let subnets: Vec<Placed> =
            wanted.subnets.iter().map(|subnet| self.placed(&self.applied.subnets, subnet)).collect();
        let place = subnets.first().cloned().unwrap_or_else(|| self.unplaced(&wanted.name));
        let account = by.or(wanted.account.as_deref()).unwrap_or(&place.account).to_owned();
        let client = self.access.client(&account, &place.region)?;
        let request = NetworkAclCreate {
            name: wanted.name.clone(),
            admin_state_up: wanted.enabled,
            ..NetworkAclCreate::default()
        };
        let made = client.create_network_acl(&request).await?;
        let placed = Placed { id: made.id.clone(), account, region: place.region };
        self.applied.acls.insert(wanted.name.clone(), placed);
        for (direction, rules) in [("ingress", lists.ingress), ("egress", lists.egress)] {
            if !rules.is_empty() {
                client.insert_network_acl_rules(&made.id, &acl::insertion(direction, rules, None)).await?;
            }
        }
        let subnets: Vec<String> = subnets.into_iter().map(|subnet| subnet.id).collect();
        if !subnets.is_empty() {
            client.guard_subnets(&made.id, &subnets).await?;
        }
        Ok(())
    }

    async fn add_acl_rule(&self, acl: &str, rule: &AclRule, by: Option<&str>) -> Result<(), Refusal> {
        let direction = acl::direction(rule).map_err(|error| Refusal::Request(Box::new(error)))?;
        let (client, id) = self.calling(&self.applied.acls, acl, by)?;
        let now = client.show_network_acl(&id).await?;
        let list = if direction == "ingress" { &now.ingress_rules } else { &now.egress_rules };
        let after = acl::place(rule.priority, list).map(|rule| rule.id.clone());
        let insertion = acl::insertion(direction, vec![acl::wanted_rule(rule)], after);
        client.insert_network_acl_rules(&id, &insertion).await?;
        Ok(())
    }

    /// Removes the rule that is as the document says; of one without priority, whatever its priority is. Where there is
    /// none, the server judges an id that nothing has.
    async fn delete_acl_rule(&self, acl: &str, rule: &AclRule, by: Option<&str>) -> Result<(), Refusal> {
        let direction = acl::direction(rule).map_err(|error| Refusal::Request(Box::new(error)))?;
        let (client, id) = self.calling(&self.applied.acls, acl, by)?;
        let now = client.show_network_acl(&id).await?;
        let list = if direction == "ingress" { &now.ingress_rules } else { &now.egress_rules };
        let wanted = acl::wanted_rule(rule);
        let found = list.iter().find(|present| {
            let mut present = acl::as_created(present);
            if rule.priority.is_none() {
                present.description = None;
            }
            present == wanted
        });
        let found = vec![found.map_or_else(|| NO_ID.to_owned(), |rule| rule.id.clone())];
        let (ingress, egress) = if direction == "ingress" { (found, Vec::new()) } else { (Vec::new(), found) };
        client.remove_network_acl_rules(&id, &ingress, &egress).await?;
        Ok(())
    }

    /// Lets a workload announce a virtual IP: really, whether it is bound to it or not.
    async fn claim(&self, vip: &str, workload: &str, by: Option<&str>) -> Result<(), Refusal> {
        let (client, server) = self.calling(&self.applied.servers, workload, by)?;
        let address = self.applied.vip_addresses.get(vip).cloned().unwrap_or_default();
        // What it announces is an address in its own VPC, whichever virtual IP the document means.
        let filter = VipFilter { vpc_id: Some(client.show_server(&server).await?.vpc_id), ..VipFilter::default() };
        let near = client.list_vips(&filter).await?;
        let bound = near.iter().any(|near| {
            let own = [Some(&near.ip_address), near.ipv6_address.as_ref()];
            own.into_iter().flatten().any(|text| same_address(text, &address))
                && near.bound.iter().any(|port| port.server_id == server)
        });
        // With the address on its interface, one that it is not bound to would answer its own questions.
        client.claim_address(&server, &vip::claim(&address, bound)).await?;
        Ok(())
    }

    /// Address and VPC of a virtual IP, and the server that holds it.
    pub(super) async fn vip(&self, name: &str) -> client::Result<(String, String, Option<String>)> {
        let placed = self.placed(&self.applied.vips, name);
        let vip = self.operator().show_vip(&placed.id).await?;
        let address = self.applied.vip_addresses.get(name).cloned().unwrap_or_default();
        Ok((address, vip.vpc_id, vip.holder.map(|holder| holder.server_id)))
    }

    /// The custom routes of all tables, as `destination in table`, in order.
    pub(super) async fn custom_routes(&self) -> Result<Vec<String>, Refusal> {
        let mut routes = Vec::new();
        for (name, placed) in &self.applied.tables {
            let table = self.client(placed, None)?.show_route_table(&placed.id).await?;
            let custom = table.routes.into_iter().filter(|route| route.kind != "local" && route.kind != "system");
            routes.extend(custom.map(|route| format!("{} in {name}", route.destination)));
        }
        routes.sort_unstable();
        Ok(routes)
    }

    async fn change_routes(
        &self,
        table: &str,
        by: Option<&str>,
        changes: RouteChanges,
    ) -> Result<Option<String>, Refusal> {
        let (client, id) = self.calling(&self.applied.tables, table, by)?;
        let update = RouteTableUpdate { routes: Some(changes), ..RouteTableUpdate::default() };
        client.update_route_table(&id, &update).await?;
        Ok(None)
    }

    /// Makes the group that allows everything, where the scenario's own workloads did not need it.
    async fn allow_all(&mut self, key: (String, String, String)) -> Result<String, Refusal> {
        let client = self.access.client(&key.0, &key.1)?;
        let wanted = SecurityGroupCreate { name: key.2.clone(), description: None };
        let id = client.create_security_group(&wanted).await?.id;
        // What a new group lacks is the way in.
        for version in [4, 6] {
            let rule = GroupRule { dir: "in".to_owned(), version: Some(version), ..GroupRule::default() };
            let rule = apply::rule_request(&self.applied, &key.0, &key.1, &id, &rule);
            client.create_security_group_rule(&rule.map_err(|error| Refusal::Request(Box::new(error)))?).await?;
        }
        self.applied.groups.insert(key, id.clone());
        Ok(id)
    }

    fn route(&self, kind: &str, destination: &str, next_hop: &str) -> RouteSpec {
        RouteSpec {
            kind: kind.to_owned(),
            destination: destination.to_owned(),
            nexthop: apply::next_hop(&self.applied, kind, next_hop),
            description: None,
        }
    }

    /// A security group; of several accounts' groups of one name the caller's own.
    fn group(&self, group: &str, by: Option<&str>) -> Placed {
        let named = |((account, region, name), id): (&(String, String, String), &String)| {
            let placed = Placed { id: id.clone(), account: account.clone(), region: region.clone() };
            (name == group).then_some(placed)
        };
        let mut groups: Vec<Placed> = self.applied.groups.iter().filter_map(named).collect();
        groups.sort_by_key(|placed| Some(placed.account.as_str()) != by);
        groups.into_iter().next().unwrap_or_else(|| self.unplaced(group))
    }

    fn peering(&self, name: &str, by: Option<&str>) -> Result<(Client, String), Refusal> {
        self.calling(&self.applied.peerings, name, by)
    }

    /// A client of `by`, or of the object's owner, and the object's id.
    fn calling(
        &self,
        objects: &BTreeMap<String, Placed>,
        name: &str,
        by: Option<&str>,
    ) -> Result<(Client, String), Refusal> {
        let placed = self.placed(objects, name);
        Ok((self.client(&placed, by)?, placed.id))
    }

    fn client(&self, placed: &Placed, by: Option<&str>) -> Result<Client, Refusal> {
        Ok(self.access.client(by.unwrap_or(&placed.account), &placed.region)?)
    }

    fn placed(&self, objects: &BTreeMap<String, Placed>, name: &str) -> Placed {
        objects.get(name).cloned().unwrap_or_else(|| self.unplaced(name))
    }

    /// What the document does not have: an id that nothing has stands for it, and the server judges it.
    fn unplaced(&self, name: &str) -> Placed {
        let is_id = name.len() == NO_ID.len() && name.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
        Placed {
            id: if is_id { name } else { NO_ID }.to_owned(),
            account: self.defaults.account.clone(),
            region: self.defaults.region.clone(),
        }
    }
}

/// Whether two texts are the same address, however it is written.
fn same_address(a: &str, b: &str) -> bool {
    match (a.parse::<IpAddr>(), b.parse::<IpAddr>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}
