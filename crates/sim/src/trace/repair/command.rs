//! The command lines that repairs are written as: the only place where they are. They can be pasted into a shell and run
//! with the credentials of the account that the repair names.
//!
//! Names are used where they are unique in the project, ids elsewhere; an account with projects in several regions gets
//! `--region` where it is not the region that the command line works in by itself (the first by name).

use catalog::Catalog;
use model::{
    Direction, NetworkAclId, NextHop, PeeringId, PortId, ProjectId, RouteTableId, SecurityGroupId, ServerId, SubnetId,
    VpcId,
};

use super::Change;
use crate::trace::name;

/// The command that makes a change in this catalog.
pub(super) fn line(catalog: &Catalog, change: &Change) -> String {
    let mut words: Vec<String> = vec!["causeway".to_owned()];
    if let Some(region) = change.project(catalog).and_then(|project| other_region(catalog, project)) {
        words.extend(["--region".to_owned(), region]);
    }
    words.extend(arguments(catalog, change));
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn arguments(catalog: &Catalog, change: &Change) -> Vec<String> {
    let fixed = |words: &str| -> Vec<String> { words.split(' ').map(str::to_owned).collect() };
    let mut words;
    match change {
        Change::CreatePeering { name, local, peer, peer_project } => {
            words = fixed("peering create");
            words.extend([name.clone(), "--vpc".to_owned(), vpc(catalog, *local), "--peer-vpc".to_owned()]);
            match peer_project {
                None => words.push(vpc(catalog, *peer)),
                Some(project) => words.extend([peer.to_string(), "--peer-project".to_owned(), project.to_string()]),
            }
        }
        Change::AcceptPeering { peering } => {
            words = fixed("peering accept");
            words.push(self::peering(catalog, *peering));
        }
        Change::DeletePeering { peering } => {
            words = fixed("peering delete");
            words.push(self::peering(catalog, *peering));
        }
        Change::AddRoute { table, destination, next_hop } => {
            words = fixed("route add");
            words.extend([route_table(catalog, *table), destination.to_string(), next_hop.kind().to_string()]);
            words.push(match next_hop {
                NextHop::Peering(id) => self::peering(catalog, *id),
                NextHop::Ecs(id) => server(catalog, *id),
                other => other.to_string(),
            });
        }
        Change::DeleteRoute { table, destination } => {
            words = fixed("route delete");
            words.extend([route_table(catalog, *table), destination.to_string()]);
        }
        Change::DeleteSubnet { subnet } => {
            words = fixed("subnet delete");
            words.push(self::subnet(catalog, *subnet));
        }
        Change::StartServer { server } => {
            words = fixed("server start");
            words.push(self::server(catalog, *server));
        }
        Change::TurnCheckOff { server, .. } => {
            words = fixed("server update");
            words.extend([self::server(catalog, *server), "--source-check".to_owned(), "off".to_owned()]);
        }
        Change::ClaimVip { vip, server, .. } => {
            words = fixed("vip claim");
            words.extend([self::vip(catalog, *vip), self::server(catalog, *server), "--configure".to_owned()]);
        }
        Change::AddRule { group, direction, protocol, service, remote, priority } => {
            words = fixed("security-group rule add");
            words.extend([self::group(catalog, *group), way(*direction).to_owned()]);
            words.extend(protocol.map(|protocol| protocol.to_string()));
            if let Some(port) = service {
                words.extend(["--port".to_owned(), port.to_string()]);
            }
            words.extend(["--remote".to_owned(), remote.to_string()]);
            if *priority != 1 {
                words.extend(["--priority".to_owned(), priority.to_string()]);
            }
            if remote.addr().is_ipv6() {
                words.push("--ipv6".to_owned());
            }
        }
        Change::AddAclRule { acl, direction, protocol, source, destination, source_port, destination_port } => {
            words = fixed("network-acl rule add");
            words.extend([network_acl(catalog, *acl), way(*direction).to_owned(), protocol.to_string()]);
            words.extend(["--source".to_owned(), source.to_string()]);
            words.extend(["--destination".to_owned(), destination.to_string()]);
            if let Some(port) = source_port {
                words.extend(["--source-port".to_owned(), port.to_string()]);
            }
            if let Some(port) = destination_port {
                words.extend(["--port".to_owned(), port.to_string()]);
            }
            if source.is_ipv6() {
                words.push("--ipv6".to_owned());
            }
        }
        Change::DeleteRule { rule, .. } => {
            words = fixed("security-group rule delete");
            words.push(rule.to_string());
        }
    }
    words
}

/// The region to name: that of the project, unless it is the account's first or only one.
fn other_region(catalog: &Catalog, project: ProjectId) -> Option<String> {
    let project = catalog.project(project)?;
    let first = catalog.projects_of(project.account).map(|project| project.region.to_string()).min()?;
    Some(project.region.to_string()).filter(|region| *region != first)
}

const fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Egress => "egress",
        Direction::Ingress => "ingress",
    }
}

/// A word as a POSIX shell has to read it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The name, if nothing else among `alike` goes by it and it cannot be taken for an option.
fn unique(name: String, id: impl ToString, alike: usize) -> String {
    if alike == 1 && !name.is_empty() && !name.starts_with('-') { name } else { id.to_string() }
}

fn route_table(catalog: &Catalog, id: RouteTableId) -> String {
    let Some(table) = catalog.route_table(id) else { return id.to_string() };
    let alike = catalog.route_tables_of_project(table.project).filter(|other| other.name == table.name).count();
    unique(name::table(catalog, id), id, alike)
}

fn peering(catalog: &Catalog, id: PeeringId) -> String {
    let Some(peering) = catalog.peering(id) else { return id.to_string() };
    let projects = peering.vpcs().map(|vpc| catalog.vpc(vpc).map(|vpc| vpc.project));
    let alike = projects
        .iter()
        .flatten()
        .map(|project| catalog.peerings_of_project(*project).filter(|other| other.name == peering.name).count());
    unique(name::peering(catalog, id), id, alike.max().unwrap_or(0))
}

fn vpc(catalog: &Catalog, id: VpcId) -> String {
    let Some(vpc) = catalog.vpc(id) else { return id.to_string() };
    let alike = catalog.vpcs_of(vpc.project).filter(|other| other.name == vpc.name).count();
    unique(name::vpc(catalog, id), id, alike)
}

fn subnet(catalog: &Catalog, id: SubnetId) -> String {
    let Some(subnet) = catalog.subnet(id) else { return id.to_string() };
    let alike = catalog.subnets_of_project(subnet.project).filter(|other| other.name == subnet.name).count();
    unique(name::subnet(catalog, id), id, alike)
}

fn server(catalog: &Catalog, id: ServerId) -> String {
    let Some(server) = catalog.server(id) else { return id.to_string() };
    let alike = catalog.servers_of(server.project).filter(|other| other.name == server.name).count();
    unique(name::server(catalog, id), id, alike)
}

fn vip(catalog: &Catalog, id: PortId) -> String {
    let Some(vip) = catalog.port(id) else { return id.to_string() };
    let alike = catalog.ports_of_project(vip.project).filter(|other| other.is_vip() && other.name == vip.name).count();
    unique(vip.name.clone(), id, alike)
}

fn group(catalog: &Catalog, id: SecurityGroupId) -> String {
    let Some(group) = catalog.security_group(id) else { return id.to_string() };
    let alike = catalog.security_groups_of(group.project).filter(|other| other.name == group.name).count();
    unique(name::group(catalog, id), id, alike)
}

fn network_acl(catalog: &Catalog, id: NetworkAclId) -> String {
    let Some(acl) = catalog.network_acl(id) else { return id.to_string() };
    let alike = catalog.network_acls_of(acl.project).filter(|other| other.name == acl.name).count();
    unique(name::network_acl(catalog, id), id, alike)
}
