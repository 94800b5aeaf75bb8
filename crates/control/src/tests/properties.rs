use std::sync::Arc;

use catalog::Catalog;
use model::{Direction, NextHopType, Remote};
use proptest::prelude::*;

use super::fixture::{World, dest, net, server_request};
use super::invariants::check;
use crate::{
    Caller, Changes, Context, CreatePort, CreateRouteTable, CreateSecurityGroup, CreateSecurityGroupRules,
    CreateSubnet, CreateVpc, Error, Limits, NewRoute, NewSecurityGroupRule, Outcome, UpdateAssociations, UpdatePort,
    UpdateRouteTable, UpdateVpc, accept_peering, add_secondary_cidrs, attach_port, bind_vip, claim_vip, create_peering,
    create_port, create_route_table, create_security_group, create_security_group_rules, create_server, create_subnet,
    create_vpc, delete_peering, delete_port, delete_route, delete_route_table, delete_security_group,
    delete_security_group_rule, delete_server, delete_subnet, delete_vpc, detach_port, expire_due, reject_peering,
    remove_secondary_cidrs, unbind_vip, update_associations, update_port, update_route_table, update_vpc,
};

/// One random call: which, by whom, on what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) operation: u8,
    pub(super) caller: u8,
    pub(super) a: u16,
    pub(super) b: u16,
    pub(super) c: u16,
}

fn pick<'a, T>(objects: impl Iterator<Item = &'a Arc<T>>, n: u16) -> Option<&'a Arc<T>>
where
    T: 'a,
{
    let objects: Vec<_> = objects.collect();
    objects.get(usize::from(n).checked_rem(objects.len())?).copied()
}

/// Small quotas, so that they are met.
pub(super) fn tight() -> Limits {
    Limits {
        vpcs: 6,
        subnets: 10,
        routes_per_vpc: 4,
        route_tables_per_vpc: 3,
        peerings: 4,
        security_groups: 3,
        rules_per_group: 8,
        ..Limits::default()
    }
}

impl Step {
    /// Runs the call. Objects are picked from everything there is, also from what the caller must not touch.
    pub(super) fn run(
        self,
        catalog: &Catalog,
        ctx: &mut Context<'_>,
        callers: &[Caller],
    ) -> Result<Outcome<()>, Error> {
        let who = &callers[usize::from(self.caller) % callers.len()];
        let nothing = || Ok(Outcome::new((), Changes::new()));
        macro_rules! picked {
            ($all:ident, $n:ident) => {
                match pick(catalog.$all(), self.$n) {
                    Some(object) => object,
                    None => return nothing(),
                }
            };
        }
        fn done<T>(outcome: Outcome<T>) -> Outcome<()> {
            Outcome { value: (), changes: outcome.changes, warnings: outcome.warnings }
        }
        let range = |n: u16, length: u8| net(&format!("10.{}.{}.0/24", n % 3, n / 3 % 4)).trunc_to(length);
        match self.operation % 33 {
            0 | 1 => {
                let name = if self.a.is_multiple_of(4) { String::new() } else { format!("v{}", self.a % 9) };
                let request = CreateVpc { name, cidr: Some(range(self.b, 16)), ..CreateVpc::default() };
                create_vpc(catalog, who, ctx, request).map(done)
            }
            2 => delete_vpc(catalog, who, ctx, picked!(vpcs, a).id),
            3 => add_secondary_cidrs(catalog, who, ctx, picked!(vpcs, a).id, &[range(self.b, 16)]).map(done),
            4 => remove_secondary_cidrs(catalog, who, ctx, picked!(vpcs, a).id, &[range(self.b, 16)]).map(done),
            5 => {
                let name = Some(format!("v{}", self.b % 9));
                let request = UpdateVpc { name, cidr: Some(range(self.c, 16)), ..UpdateVpc::default() };
                update_vpc(catalog, who, ctx, picked!(vpcs, a).id, request).map(done)
            }
            6..=8 => {
                let length = [24, 25, 29][usize::from(self.c % 3)];
                let mut request = CreateSubnet::new(picked!(vpcs, a).id, "s", range(self.b, length));
                request.ipv6 = self.c.is_multiple_of(2);
                // Few prefixes, so that many calls want the same one.
                let wanted = || format!("2001:db8:0:{:x}::/64", self.c % 7).parse().ok();
                request.cidr_v6 = if self.c.is_multiple_of(4) { wanted() } else { None };
                create_subnet(catalog, who, ctx, request).map(done)
            }
            9 => delete_subnet(catalog, who, ctx, picked!(subnets, a).id, None),
            10 | 11 => {
                let mut request = server_request(picked!(subnets, a).id, "s");
                if let (true, Some(group), crate::ServerPort::New(port)) =
                    (self.b.is_multiple_of(2), pick(catalog.security_groups(), self.b), &mut request.port)
                {
                    port.security_groups = Some(vec![group.id]);
                }
                create_server(catalog, who, ctx, request).map(done)
            }
            12 => delete_server(catalog, who, ctx, picked!(servers, a).id),
            13 => {
                let device_owner = if self.b.is_multiple_of(2) { "neutron:VIP_PORT" } else { "" }.to_owned();
                let request = CreatePort { device_owner, ..CreatePort::new(picked!(subnets, a).id) };
                create_port(catalog, who, ctx, request).map(done)
            }
            14 => delete_port(catalog, who, ctx, picked!(ports, a).id),
            15 => {
                let groups = Some(vec![picked!(security_groups, b).id]);
                let request = UpdatePort { security_groups: groups, ..UpdatePort::default() };
                update_port(catalog, who, ctx, picked!(ports, a).id, request).map(done)
            }
            16 => {
                let vpc = picked!(vpcs, a).id;
                let request =
                    CreateRouteTable { vpc, name: String::new(), description: String::new(), routes: Vec::new() };
                create_route_table(catalog, who, ctx, request).map(done)
            }
            17 => delete_route_table(catalog, who, ctx, picked!(route_tables, a).id),
            18 => {
                let subnet = vec![picked!(subnets, b).id];
                let mut request = UpdateAssociations::default();
                if self.c.is_multiple_of(3) {
                    request.disassociate = subnet
                } else {
                    request.associate = subnet
                }
                update_associations(catalog, who, ctx, picked!(route_tables, a).id, &request).map(done)
            }
            19..=21 => {
                let destination = dest(&format!("10.{}.{}.0/24", self.c % 3, self.c / 3 % 4));
                let (kind, next_hop) = match self.b % 5 {
                    0 => (NextHopType::Ecs, picked!(servers, b).id.to_string()),
                    1 => (NextHopType::Eni, picked!(ports, b).id.to_string()),
                    2 => (NextHopType::Vip, picked!(ports, b).ipv4.to_string()),
                    _ => (NextHopType::Peering, picked!(peerings, b).id.to_string()),
                };
                let route = NewRoute::new(destination, kind, next_hop);
                let request = UpdateRouteTable { add: vec![route], ..UpdateRouteTable::default() };
                update_route_table(catalog, who, ctx, picked!(route_tables, a).id, request).map(done)
            }
            22 => delete_route(catalog, who, ctx, picked!(routes, a).id),
            23 | 24 => {
                let (local, peer) = (picked!(vpcs, a), picked!(vpcs, b));
                let request = crate::CreatePeering {
                    name: "p".into(),
                    description: String::new(),
                    local_vpc: local.id,
                    local_project: None,
                    peer_vpc: peer.id,
                    peer_project: Some(peer.project),
                };
                create_peering(catalog, who, ctx, request).map(done)
            }
            25 => {
                let id = picked!(peerings, a).id;
                match self.b % 6 {
                    0 => delete_peering(catalog, who, ctx, id).map(done),
                    1 => reject_peering(catalog, who, ctx, id).map(done),
                    2 => Ok(done(expire_due(catalog, ctx.now.plus_seconds(8 * 24 * 3600), 1))),
                    _ => accept_peering(catalog, who, ctx, id).map(done),
                }
            }
            26 => match self.b % 2 {
                0 => {
                    let request = CreateSecurityGroup { name: "g".into(), ..CreateSecurityGroup::default() };
                    create_security_group(catalog, who, ctx, request).map(done)
                }
                _ => delete_security_group(catalog, who, ctx, picked!(security_groups, a).id),
            },
            27 => {
                let group = picked!(security_groups, a);
                match (self.b % 3, group.rules.first()) {
                    (0, Some(rule)) => delete_security_group_rule(catalog, who, ctx, rule.id).map(done),
                    _ => {
                        let remote = Remote::Group(picked!(security_groups, c).id);
                        let rule = NewSecurityGroupRule { remote, ..NewSecurityGroupRule::allow(Direction::Ingress) };
                        let request =
                            CreateSecurityGroupRules { group: group.id, rules: vec![rule], ignore_duplicates: false };
                        create_security_group_rules(catalog, who, ctx, request).map(done)
                    }
                }
            }
            28 | 29 => {
                bind_vip(catalog, who, ctx, picked!(ports, a).id, picked!(ports, b).id, self.c.is_multiple_of(2))
                    .map(done)
            }
            30 => unbind_vip(catalog, who, ctx, picked!(ports, a).id, picked!(ports, b).id).map(done),
            31 => {
                let vip = picked!(ports, a);
                claim_vip(catalog, picked!(ports, b).id, vip.ipv4.into()).map(done)
            }
            _ => match self.c % 3 {
                0 => detach_port(catalog, who, ctx, picked!(servers, a).id, picked!(ports, b).id).map(done),
                _ => attach_port(catalog, who, ctx, picked!(servers, a).id, picked!(ports, b).id).map(done),
            },
        }
    }
}

/// Cuts a /24 to a range of another length with the same first address where possible.
trait TruncTo {
    fn trunc_to(self, length: u8) -> Self;
}

impl TruncTo for ipnet::Ipv4Net {
    fn trunc_to(self, length: u8) -> Self {
        Self::new(self.addr(), length).unwrap().trunc()
    }
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<u8>(), 0..5_u8, any::<u16>(), any::<u16>(), any::<u16>());
    let step = step.prop_map(|(operation, caller, a, b, c)| Step { operation, caller, a, b, c });
    proptest::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_calls_breaks_an_invariant(seed: u64, steps in steps()) {
        let mut world = World::seeded(seed);
        let abroad = world.elsewhere(&world.a);
        let callers = [world.a.clone(), world.a.clone(), world.b.clone(), world.c.clone(), abroad];
        world.limits = tight();
        for step in steps {
            // Refusals change nothing; their texts must not be empty.
            match world.call(|catalog, ctx| step.run(catalog, ctx, &callers)) {
                Ok(_) => check(&world.catalog, &world.limits),
                Err(error) => prop_assert!(!error.code().is_empty() && !error.to_string().is_empty()),
            }
        }
        let claims = world.catalog.vpcs().count() + 2 * world.catalog.peerings().count()
            + world.catalog.ports().count() + world.catalog.accounts().count() + 1
            + world.catalog.subnets().filter(|subnet| subnet.ipv6.is_some()).count();
        let objects = [
            world.catalog.accounts().count(), world.catalog.projects().count(), world.catalog.users().count(),
            world.catalog.vpcs().count(), world.catalog.subnets().count(), world.catalog.route_tables().count(),
            world.catalog.routes().count(), world.catalog.peerings().count(), world.catalog.security_groups().count(),
            world.catalog.ports().count(), world.catalog.servers().count(),
        ];
        prop_assert_eq!(world.catalog.len(), objects.iter().sum::<usize>() + claims, "claims are given back");
    }
}
