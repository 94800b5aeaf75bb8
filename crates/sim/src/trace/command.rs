//! The command lines that fixes are written as. Names are used where they are unique, ids elsewhere.

use catalog::Catalog;
use ipnet::Ipv4Net;
use model::{Direction, PeeringId, Protocol, RouteTableId, SecurityGroupId, VpcId};

use super::name;

pub(super) fn add_route(catalog: &Catalog, table: RouteTableId, destination: Ipv4Net, peering: PeeringId) -> String {
    let (table, peering) = (route_table(catalog, table), self::peering(catalog, peering));
    format!("causeway route add {table} {destination} peering {peering}")
}

pub(super) fn create_peering(catalog: &Catalog, peering: &str, local: VpcId, peer: VpcId) -> String {
    let same = name::owner(catalog, local) == name::owner(catalog, peer);
    let (local, peer_name) = (vpc(catalog, local), vpc(catalog, peer));
    if same {
        return format!("causeway peering create {peering} --vpc {local} --peer-vpc {peer_name}");
    }
    let project = catalog.vpc(peer).map(|peer| peer.project.to_string()).unwrap_or_default();
    format!("causeway peering create {peering} --vpc {local} --peer-vpc {peer} --peer-project {project}")
}

pub(super) fn accept_peering(catalog: &Catalog, id: PeeringId) -> String {
    format!("causeway peering accept {}", peering(catalog, id))
}

pub(super) fn delete_peering(catalog: &Catalog, id: PeeringId) -> String {
    format!("causeway peering delete {}", peering(catalog, id))
}

pub(super) fn add_rule(
    catalog: &Catalog,
    id: SecurityGroupId,
    direction: Direction,
    protocol: Protocol,
    port: Option<u16>,
    remote: Ipv4Net,
) -> String {
    let direction = if direction == Direction::Egress { "egress" } else { "ingress" };
    let port = port.map(|port| format!(" --port {port}")).unwrap_or_default();
    let group = group(catalog, id);
    format!("causeway security-group rule add {group} {direction} {protocol}{port} --remote {remote}")
}

fn route_table(catalog: &Catalog, id: RouteTableId) -> String {
    let Some(table) = catalog.route_table(id) else { return id.to_string() };
    let alike = catalog.route_tables_of_project(table.project).filter(|other| other.name == table.name).count();
    if alike == 1 { name::table(catalog, id) } else { id.to_string() }
}

fn peering(catalog: &Catalog, id: PeeringId) -> String {
    let Some(peering) = catalog.peering(id) else { return id.to_string() };
    let unique =
        peering.vpcs().iter().filter_map(|vpc| catalog.vpc(*vpc)).all(|vpc| {
            catalog.peerings_of_project(vpc.project).filter(|other| other.name == peering.name).count() == 1
        });
    if unique { name::peering(catalog, id) } else { id.to_string() }
}

fn vpc(catalog: &Catalog, id: VpcId) -> String {
    let Some(vpc) = catalog.vpc(id) else { return id.to_string() };
    let alike = catalog.vpcs_of(vpc.project).filter(|other| other.name == vpc.name).count();
    if alike == 1 { name::vpc(catalog, id) } else { id.to_string() }
}

fn group(catalog: &Catalog, id: SecurityGroupId) -> String {
    let Some(group) = catalog.security_group(id) else { return id.to_string() };
    let alike = catalog.security_groups_of(group.project).filter(|other| other.name == group.name).count();
    if alike == 1 { name::group(catalog, id) } else { id.to_string() }
}
