//! Route tables with their subnets, and servers.

use client::types::{
    PortUpdate, RouteTableCreate, RouteTableFilter, ServerCreate, ServerFilter, ServerKind, ServerUpdate,
};

use super::group::group_names;
use super::{Applied, ApplyError, ChangeKind, Placed, Run, failed};
use crate::document::{Scenario, Workload};

impl Run<'_, '_> {
    /// Custom tables and which subnets use which table.
    pub(super) async fn make_tables(&mut self) -> Result<(), ApplyError> {
        for vpc in &self.scenario.vpcs {
            let placed = Applied::find(&self.done.vpcs, "VPC", &vpc.name)?.clone();
            let client = self.client(&placed)?;
            let default = Scenario::default_table(&vpc.name);
            let mut there = Vec::new();
            if !placed.id.is_empty() {
                let filter = RouteTableFilter { vpc_id: Some(placed.id.clone()), ..RouteTableFilter::default() };
                there = client.list_route_tables(&filter).await.map_err(failed("list the route tables"))?;
            }
            let default_id = there.iter().find(|t| t.default).map(|t| t.id.clone()).unwrap_or_default();
            self.done.tables.insert(default.clone(), Placed { id: default_id, ..placed.clone() });
            for table in self.scenario.route_tables.iter().filter(|t| t.vpc == vpc.name) {
                let mut id =
                    there.iter().find(|t| !t.default && t.name == table.name).map(|t| t.id.clone()).unwrap_or_default();
                if id.is_empty()
                    && self.change(ChangeKind::Create, format!("route table {} in {}", table.name, vpc.name))
                {
                    let wanted = RouteTableCreate {
                        vpc_id: placed.id.clone(),
                        name: table.name.clone(),
                        ..RouteTableCreate::default()
                    };
                    let made = client.create_route_table(&wanted).await;
                    id = made.map_err(failed(format!("create route table {}", table.name)))?.id;
                }
                self.done.tables.insert(table.name.clone(), Placed { id, ..placed.clone() });
            }
            for subnet in self.scenario.subnets.iter().filter(|s| s.vpc == vpc.name) {
                let custom = self.scenario.route_tables.iter().find(|t| t.subnets.contains(&subnet.name));
                let table = custom.map_or(default.as_str(), |t| t.name.as_str());
                self.associate(&subnet.name, table).await?;
            }
        }
        Ok(())
    }

    async fn associate(&mut self, subnet: &str, table: &str) -> Result<(), ApplyError> {
        let wanted = Applied::find(&self.done.tables, "route table", table)?.clone();
        let subnet_id = Applied::find(&self.done.subnets, "subnet", subnet)?.id.clone();
        let client = self.client(&wanted)?;
        if !subnet_id.is_empty() {
            let filter = RouteTableFilter { subnet_id: Some(subnet_id.clone()), ..RouteTableFilter::default() };
            let now = client.list_route_tables(&filter).await.map_err(failed("list the route tables"))?;
            if now.iter().any(|t| t.id == wanted.id) {
                return Ok(());
            }
        } else if table.starts_with("rtb-") && !self.scenario.route_tables.iter().any(|t| t.name == table) {
            return Ok(());
        }
        if self.change(ChangeKind::Update, format!("subnet {subnet} uses route table {table}")) {
            let moved = client.associate_subnets(&wanted.id, &[subnet_id]).await;
            moved.map_err(failed(format!("associate subnet {subnet} with route table {table}")))?;
        }
        Ok(())
    }

    pub(super) async fn make_servers(&mut self) -> Result<(), ApplyError> {
        for workload in &self.scenario.workloads {
            let vpc = self.vpc_of_subnet(&workload.subnet)?.clone();
            let client = self.client(&vpc)?;
            let subnet = Applied::find(&self.done.subnets, "subnet", &workload.subnet)?.clone();
            let groups = self.group_ids(workload, &vpc)?;
            let check = workload.src_dst_check.unwrap_or(true);
            let mut placed = Placed { id: String::new(), ..vpc.clone() };
            if !subnet.id.is_empty() {
                let filter = ServerFilter { subnet_id: Some(subnet.id.clone()), ..ServerFilter::default() };
                let there = client.list_servers(&filter).await.map_err(failed("list the servers"))?;
                if let Some(server) = there.into_iter().find(|s| s.name == workload.name) {
                    if server.source_dest_check != check {
                        let state = if check { "on" } else { "off" };
                        let text = format!("server {} source/destination check {state}", workload.name);
                        if self.change(ChangeKind::Update, &text) {
                            let wanted = ServerUpdate { source_dest_check: Some(check), ..ServerUpdate::default() };
                            client.update_server(&server.id, &wanted).await.map_err(failed(text))?;
                        }
                    }
                    if workload.ip6.is_some() && server.ipv6_address.is_none() {
                        let text = format!("server {} IPv6 address", workload.name);
                        if self.change(ChangeKind::Update, &text) {
                            let ipv6_address = workload.ip6.clone();
                            let wanted = ServerUpdate { ipv6_address, ..ServerUpdate::default() };
                            client.update_server(&server.id, &wanted).await.map_err(failed(text))?;
                        }
                    }
                    if server.security_groups != groups {
                        let text = format!("server {} security groups", workload.name);
                        if self.change(ChangeKind::Update, &text) {
                            let wanted = PortUpdate { security_groups: Some(groups), ..PortUpdate::default() };
                            client.update_port(&server.port_id, &wanted).await.map_err(failed(text))?;
                        }
                    }
                    self.done.ports.insert(workload.name.clone(), server.port_id);
                    placed.id = server.id;
                    self.done.servers.insert(workload.name.clone(), placed);
                    continue;
                }
            }
            let address = workload.ip.as_deref().unwrap_or("next free address");
            let text = format!("server {} {address} in {}", workload.name, workload.subnet);
            if self.change(ChangeKind::Create, &text) {
                let wanted = ServerCreate {
                    name: workload.name.clone(),
                    subnet_id: subnet.id.clone(),
                    ip_address: workload.ip.clone(),
                    ipv6_address: workload.ip6.clone(),
                    security_groups: Some(groups),
                    kind: Some(kind(workload)?),
                    source_dest_check: Some(check),
                };
                let made = client.create_server(&wanted).await.map_err(failed(format!("create {text}")))?;
                self.done.ports.insert(workload.name.clone(), made.port_id);
                placed.id = made.id;
            }
            self.done.servers.insert(workload.name.clone(), placed);
        }
        Ok(())
    }

    fn group_ids(&self, workload: &Workload, vpc: &Placed) -> Result<Vec<String>, ApplyError> {
        group_names(workload)
            .iter()
            .map(|name| {
                let key = (vpc.account.clone(), vpc.region.clone(), name.clone());
                self.done.groups.get(&key).cloned().ok_or_else(|| ApplyError::Unknown {
                    kind: "security group",
                    name: name.clone(),
                    suggestion: String::new(),
                })
            })
            .collect()
    }
}

/// The kind of a workload.
pub(crate) fn kind(workload: &Workload) -> Result<ServerKind, ApplyError> {
    match workload.kind.as_deref() {
        None | Some("ecs") => Ok(ServerKind::Ecs),
        Some("rds") => Ok(ServerKind::Rds),
        Some("firewall") => Ok(ServerKind::Firewall),
        Some("snat-server") => Ok(ServerKind::SnatServer),
        Some(other) => Err(ApplyError::Unsupported(format!(
            "workload {}: kind `{other}` is not known; write ecs, rds, firewall or snat-server",
            workload.name
        ))),
    }
}
