//! The documented examples, from two VPCs to a half-configured peering.

use crate::scenario;

/// PEER-1, PEER-2, RT-2, RT-2a, NET-7. Two VPCs peered together, business servers use databases (Figure 1 of the
/// introduction).
#[test]
fn two_vpcs_ipv4() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-A02 VPC-A 172.16.1.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        subnet Subnet-B02 VPC-B 172.17.1.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-A02 Subnet-A02 172.16.1.91
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
        server RDS-B02 Subnet-B02 172.17.1.38 kind=rds
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 icmp: ok source=172.16.0.111
        ? ECS-A01 -> RDS-B02 tcp/3306: ok
        ? ECS-A02 -> RDS-B01 tcp/3306: ok
        ? ECS-A02 -> RDS-B02 tcp/3306: ok
        ? RDS-B01 -> ECS-A01 icmp: ok
        ? ECS-A01 -> ECS-A02 icmp: ok
        ? ECS-A01 -> 172.17.0.99 icmp: no_such_host at VPC-B
        ? ECS-A01 -> 172.17.9.9 icmp: no_such_host at VPC-B
        ? ECS-A01 -> 203.0.113.10 tcp/443: no_route at VPC-A
        ",
    );
}

/// NET-5, SG-2. Without a peering connection two VPCs are isolated, even with the same security group.
#[test]
fn isolated_without_peering() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        group sg-same
        rule sg-same in allow 1 all sg:sg-same
        rule sg-same out allow 1 all 0.0.0.0/0
        server ECS-A01 Subnet-A01 172.16.0.111 groups=sg-same
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds groups=sg-same
        ? ECS-A01 -> RDS-B01 icmp: no_route at VPC-A
        ? RDS-B01 -> ECS-A01 icmp: no_route at VPC-B
        ",
    );
}

/// PEER-2, PEER-8. Three VPCs fully meshed with three peering connections.
#[test]
fn three_vpcs_meshed() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 192.168.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 192.168.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-C01 Subnet-C01 192.168.0.194
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        peering Peering-BC VPC-B VPC-C
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-A 192.168.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-B 192.168.0.0/16 Peering-BC
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        route rtb-VPC-C 10.0.0.0/16 Peering-BC
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-A01 -> ECS-C01 icmp: ok
        ? ECS-B01 -> ECS-C01 tcp/80: ok source=10.0.0.139
        ? ECS-C01 -> ECS-A01 tcp/80: ok
        ? ECS-C01 -> ECS-B01 udp/53: ok
        ",
    );
}

/// PEER-8. One central VPC peered with six VPCs; spokes stay apart.
#[test]
fn hub_and_spoke() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 192.168.0.0/16
        vpc VPC-D 10.2.0.0/16
        vpc VPC-E 10.3.0.0/16
        vpc VPC-F 172.17.0.0/16
        vpc VPC-G 10.4.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 192.168.0.0/24
        subnet Subnet-D01 VPC-D 10.2.0.0/24
        subnet Subnet-E01 VPC-E 10.3.0.0/24
        subnet Subnet-F01 VPC-F 172.17.0.0/24
        subnet Subnet-G01 VPC-G 10.4.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.10
        server ECS-B01 Subnet-B01 10.0.0.10
        server ECS-C01 Subnet-C01 192.168.0.10
        server ECS-D01 Subnet-D01 10.2.0.10
        server ECS-E01 Subnet-E01 10.3.0.10
        server ECS-F01 Subnet-F01 172.17.0.10
        server ECS-G01 Subnet-G01 10.4.0.10
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        peering Peering-AD VPC-A VPC-D
        peering Peering-AE VPC-A VPC-E
        peering Peering-AF VPC-A VPC-F
        peering Peering-AG VPC-A VPC-G
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-A 192.168.0.0/16 Peering-AC
        route rtb-VPC-A 10.2.0.0/16 Peering-AD
        route rtb-VPC-A 10.3.0.0/16 Peering-AE
        route rtb-VPC-A 172.17.0.0/16 Peering-AF
        route rtb-VPC-A 10.4.0.0/16 Peering-AG
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        route rtb-VPC-D 172.16.0.0/16 Peering-AD
        route rtb-VPC-E 172.16.0.0/16 Peering-AE
        route rtb-VPC-F 172.16.0.0/16 Peering-AF
        route rtb-VPC-G 172.16.0.0/16 Peering-AG
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-A01 -> ECS-F01 icmp: ok
        ? ECS-C01 -> ECS-A01 tcp/443: ok
        ? ECS-G01 -> ECS-A01 tcp/443: ok
        ? ECS-B01 -> ECS-C01 icmp: no_route at VPC-B
        ? ECS-D01 -> ECS-E01 icmp: no_route at VPC-D
        ? ECS-F01 -> ECS-G01 icmp: no_route at VPC-F
        ",
    );
}

/// PEER-7, PEER-8, PEER-9, PEER-10. Spokes point wide prefixes at the hub, the hub knows only some of them.
#[test]
fn hub_wide_spoke_routes() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 10.1.0.0/16
        vpc VPC-D 10.2.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 10.1.0.0/24
        subnet Subnet-D01 VPC-D 10.2.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.10
        server ECS-B01 Subnet-B01 10.0.0.10
        server ECS-C01 Subnet-C01 10.1.0.10
        server ECS-D01 Subnet-D01 10.2.0.10
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        peering Peering-AD VPC-A VPC-D
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-A 10.1.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-B 10.0.0.0/8 Peering-AB
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        route rtb-VPC-D 10.0.0.0/16 Peering-AD
        route rtb-VPC-D 172.16.0.0/16 Peering-AD
        ? ECS-B01 -> ECS-A01 icmp: ok
        ? ECS-B01 -> ECS-C01 icmp: return no_return_route at VPC-C
        ? ECS-B01 -> ECS-D01 icmp: non_transitive at VPC-A
        ? ECS-D01 -> ECS-B01 icmp: return non_transitive at VPC-A
        ? ECS-D01 -> ECS-A01 icmp: return no_return_route at VPC-A
        ? ECS-B01 -> 10.0.77.7 icmp: routing_loop at VPC-A
        ",
    );
}

/// PEER-9, RT-2a. Three VPCs, two peerings, full communication by explicit routes on every hop.
#[test]
fn hub_explicit_transit() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 192.168.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 192.168.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-C01 Subnet-C01 192.168.0.194
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-A 192.168.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-B 192.168.0.0/16 Peering-AB
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        route rtb-VPC-C 10.0.0.0/16 Peering-AC
        ? ECS-B01 -> ECS-C01 icmp: ok source=10.0.0.139
        ? ECS-C01 -> ECS-B01 tcp/22: ok
        ? ECS-A01 -> ECS-C01 icmp: ok
        ? ECS-A01 -> ECS-B01 icmp: ok
        ",
    );
}

/// RT-5, RT-6, PEER-13. Overlapping VPCs connected through their disjoint subnets.
#[test]
fn overlapping_vpcs_subnet_routes() {
    scenario(
        "
        vpc VPC-A 10.0.0.0/16
        vpc VPC-B 10.0.0.0/16
        subnet Subnet-A01 VPC-A 10.0.0.0/24
        subnet Subnet-A02 VPC-A 10.0.1.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-B02 VPC-B 10.0.2.0/24
        server ECS-A01 Subnet-A01 10.0.0.11
        server ECS-A02 Subnet-A02 10.0.1.12
        server ECS-B01 Subnet-B01 10.0.0.21
        server ECS-B02 Subnet-B02 10.0.2.22
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 10.0.2.0/24 Peering-AB
        route rtb-VPC-B 10.0.1.0/24 Peering-AB
        ? ECS-A02 -> ECS-B02 icmp: ok
        ? ECS-B02 -> ECS-A02 tcp/80: ok
        ? ECS-A01 -> ECS-B02 icmp: return local_route_preferred at VPC-B
        ? ECS-A02 -> ECS-B01 icmp: local_route_preferred at VPC-A
        ? ECS-A01 -> ECS-B01 icmp: local_route_preferred at VPC-A
        ? ECS-B02 -> ECS-A01 icmp: local_route_preferred at VPC-B
        ",
    );
}

/// PEER-14, RT-7. One central VPC, single servers of two overlapping VPCs connected by /32 routes.
#[test]
fn ecs_level_routes() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 10.0.0.0/24
        server ECS-A01-1 Subnet-A01 172.16.0.111
        server ECS-A01-2 Subnet-A01 172.16.0.218
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-B01-2 Subnet-B01 10.0.0.140
        server ECS-C01 Subnet-C01 10.0.0.71
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        route rtb-VPC-A 10.0.0.139/32 Peering-AB
        route rtb-VPC-A 10.0.0.71/32 Peering-AC
        route rtb-VPC-B 172.16.0.111/32 Peering-AB
        route rtb-VPC-C 172.16.0.218/32 Peering-AC
        ? ECS-A01-1 -> ECS-B01 icmp: ok
        ? ECS-A01-2 -> ECS-C01 icmp: ok
        ? ECS-B01 -> ECS-A01-1 tcp/80: ok
        ? ECS-A01-1 -> ECS-C01 icmp: return no_return_route at VPC-C
        ? ECS-A01-2 -> ECS-B01 icmp: return no_return_route at VPC-B
        ? ECS-B01 -> ECS-A01-2 icmp: no_route at VPC-B
        ? ECS-B01-2 -> ECS-A01-1 icmp: return no_return_route at VPC-A
        ",
    );
}

/// RT-5, RT-9, PEER-13. Identical VPCs and subnets, the peering is useless.
#[test]
fn fully_overlapping_invalid() {
    scenario(
        "
        vpc VPC-A 10.0.0.0/16
        vpc VPC-B 10.0.0.0/16
        subnet Subnet-A01 VPC-A 10.0.0.0/24
        subnet Subnet-A02 VPC-A 10.0.1.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-B02 VPC-B 10.0.1.0/24
        server ECS-A01 Subnet-A01 10.0.0.11
        server ECS-A02 Subnet-A02 10.0.1.22
        server ECS-B01 Subnet-B01 10.0.0.21
        server ECS-B02 Subnet-B02 10.0.1.22
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-B 10.0.0.0/16 Peering-AB
        ? ECS-A01 -> ECS-B01 icmp: local_route_preferred at VPC-A
        ? ECS-A01 -> ECS-B02 icmp: local_route_preferred at VPC-A
        ? ECS-B01 -> ECS-A02 icmp: local_route_preferred at VPC-B
        ? ECS-A01 -> ECS-A02 icmp: ok
        ? ECS-A01 -> 10.0.9.9 icmp: routing_loop at VPC-B
        ",
    );
}

/// PEER-4, PEER-5. Cross-account request not yet accepted.
#[test]
fn cross_account_pending() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16 account=acct-b
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
        peering Peering-AB VPC-A VPC-B status=PENDING_ACCEPTANCE
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 icmp: peering_not_active at VPC-A
        ? RDS-B01 -> ECS-A01 icmp: no_route at VPC-B
        ",
    );
}

/// PEER-4, PEER-5, RT-12. Cross-account request rejected; a left-over route drops traffic.
#[test]
fn cross_account_rejected() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16 account=acct-b
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
        peering Peering-AB VPC-A VPC-B status=REJECTED
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 icmp: peering_not_active at VPC-A
        ",
    );
}

/// PEER-4, PEER-5, PEER-6, RT-11. Request, accept, use, delete by the peer; established traffic stops.
#[test]
fn cross_account_lifecycle() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16 account=acct-b
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
        peering Peering-AB VPC-A VPC-B status=PENDING_ACCEPTANCE
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 tcp/3306: peering_not_active at VPC-A
        status Peering-AB ACTIVE
        ? ECS-A01 -> RDS-B01 tcp/3306: return no_return_route at VPC-B
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 tcp/3306: ok
        delete-peering Peering-AB
        ? ECS-A01 -> RDS-B01 tcp/3306: no_route at VPC-A
        ? RDS-B01 -> ECS-A01 icmp: no_route at VPC-B
        ",
    );
}

/// PEER-2. Route added on the local side only.
#[test]
fn missing_one_side() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 icmp: return no_return_route at VPC-B
        ? RDS-B01 -> ECS-A01 icmp: no_route at VPC-B
        ",
    );
}
