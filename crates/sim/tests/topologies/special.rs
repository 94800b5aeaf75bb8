//! Custom tables, overlaps, security groups, edge sites, regions, accounts, firewalls.

use crate::scenario;

/// RT-2, RT-2a. A custom table gives one subnet only access to the peer.
#[test]
fn custom_table_one_subnet() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-A02 VPC-A 172.16.1.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        table rtb-A-custom VPC-A Subnet-A01
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-A02 Subnet-A02 172.16.1.91
        server ECS-B01 Subnet-B01 10.0.0.139
        peering Peering-AB VPC-A VPC-B
        route rtb-A-custom 10.0.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-B01 -> ECS-A01 icmp: ok
        ? ECS-A02 -> ECS-B01 icmp: no_route at VPC-A
        ? ECS-B01 -> ECS-A02 icmp: return no_return_route at VPC-A
        ? ECS-A01 -> ECS-A02 icmp: ok
        ",
    );
}

/// RT-2, RT-2a, PEER-14. Two overlapping VPCs, each peered to one subnet of a central VPC through its own table.
#[test]
fn central_two_subnets_two_tables() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-A02 VPC-A 172.16.1.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 10.0.0.0/24
        table rtb-VPC-A01 VPC-A Subnet-A01
        table rtb-VPC-A02 VPC-A Subnet-A02
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-A02 Subnet-A02 172.16.1.91
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-C01 Subnet-C01 10.0.0.71
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        route rtb-VPC-A01 10.0.0.0/16 Peering-AB
        route rtb-VPC-A02 10.0.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/24 Peering-AB
        route rtb-VPC-C 172.16.1.0/24 Peering-AC
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-A02 -> ECS-C01 icmp: ok
        ? ECS-B01 -> ECS-A01 tcp/80: ok
        ? ECS-C01 -> ECS-A02 tcp/80: ok
        ? ECS-B01 -> ECS-A02 icmp: no_route at VPC-B
        ? ECS-B01 -> ECS-C01 icmp: local_route_preferred at VPC-B
        ? ECS-A01 -> ECS-C01 icmp: misrouted at VPC-B
        ",
    );
}

/// PEER-14, RT-7, DIAG-4. One table cannot serve two overlapping peers; replies go to the wrong VPC.
#[test]
fn central_overlapping_subnets() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-B02 VPC-B 10.0.1.0/24
        subnet Subnet-C01 VPC-C 10.0.0.0/24
        subnet Subnet-C02 VPC-C 10.0.2.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-C01 Subnet-C01 10.0.0.71
        server ECS-C02 Subnet-C02 10.0.2.72
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        route rtb-VPC-A 10.0.0.0/24 Peering-AB
        route rtb-VPC-A 10.0.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-A01 -> ECS-C02 icmp: ok
        ? ECS-A01 -> ECS-C01 icmp: misrouted at VPC-B
        ? ECS-C01 -> ECS-A01 icmp: return misrouted at VPC-B
        ? ECS-C02 -> ECS-A01 icmp: ok
        ",
    );
}

/// RT-7, RT-11. Primary server by /32, everything else by the wide route; removing the /32 moves it to the standby
/// VPC.
#[test]
fn longest_prefix_primary_standby() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        vpc VPC-C 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-C01 VPC-C 10.0.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B-primary Subnet-B01 10.0.0.77
        server ECS-C-standby Subnet-C01 10.0.0.77
        server ECS-C02 Subnet-C01 10.0.0.80
        peering Peering-AB VPC-A VPC-B
        peering Peering-AC VPC-A VPC-C
        route rtb-VPC-A 10.0.0.77/32 Peering-AB
        route rtb-VPC-A 10.0.0.0/16 Peering-AC
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-VPC-C 172.16.0.0/16 Peering-AC
        ? ECS-A01 -> ECS-B-primary tcp/8080: ok
        ? ECS-A01 -> ECS-C02 icmp: ok
        ? ECS-A01 -> ECS-C-standby tcp/8080: misrouted at VPC-B
        delete-route rtb-VPC-A 10.0.0.77/32
        ? ECS-A01 -> ECS-C-standby tcp/8080: ok
        ? ECS-A01 -> ECS-B-primary tcp/8080: misrouted at VPC-C
        ",
    );
}

/// RT-5, RT-10. A subnet in a secondary CIDR makes an existing peering route useless.
#[test]
fn secondary_cidr_shadows_peering() {
    scenario(
        "
        vpc VPC-A 192.168.0.0/16,100.20.0.0/16
        vpc VPC-B 172.16.0.0/16,100.20.0.0/24
        subnet Subnet-A01 VPC-A 192.168.0.0/24
        subnet Subnet-B01 VPC-B 172.16.0.0/24
        subnet Subnet-B02 VPC-B 100.20.0.0/24
        server ECS-A01 Subnet-A01 192.168.0.10
        server ECS-B01 Subnet-B01 172.16.0.10
        server ECS-B02 Subnet-B02 100.20.0.10
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 100.20.0.0/24 Peering-AB
        route rtb-VPC-A 172.16.0.0/16 Peering-AB
        route rtb-VPC-B 192.168.0.0/16 Peering-AB
        ? ECS-A01 -> ECS-B02 icmp: ok
        subnet Subnet-A02 VPC-A 100.20.0.0/16
        ? ECS-A01 -> ECS-B02 icmp: local_route_preferred at VPC-A
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-B02 -> ECS-A01 icmp: return local_route_preferred at VPC-A
        delete-subnet Subnet-A02
        ? ECS-A01 -> ECS-B02 icmp: ok
        ",
    );
}

/// EXIT-2, PEER-7, PEER-8, EIP-2. A server with an EIP in the peer gives no Internet access.
#[test]
fn eip_not_shared() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 10.0.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 10.0.0.0/24
        subnet Subnet-B02 VPC-B 10.0.1.0/24
        table rtb-B02 VPC-B Subnet-B02
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 10.0.0.139
        server ECS-B02 Subnet-B02 10.0.1.40
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 10.0.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        route rtb-B02 0.0.0.0/0 Peering-AB
        ? ECS-B01 -> 203.0.113.10 tcp/443: no_route at VPC-B
        ? ECS-B02 -> 203.0.113.10 tcp/443: eip_not_shared at VPC-A
        ? ECS-B02 -> ECS-A01 icmp: ok source=10.0.1.40
        ? ECS-B01 -> ECS-A01 icmp: ok
        ",
    );
}

/// RT-2a, RT-2b, PEER-9, CHK-4, NH-2. Traffic between VPCs is scrubbed by a firewall in a hub VPC.
#[test]
fn third_party_firewall_hub() {
    scenario(
        "
        vpc VPC-A 10.1.0.0/16
        vpc VPC-B 10.2.0.0/16
        vpc VPC-C 10.3.0.0/16
        vpc VPC-X 192.168.0.0/16
        subnet Subnet-A01 VPC-A 10.1.0.0/24
        subnet Subnet-B01 VPC-B 10.2.0.0/24
        subnet Subnet-C01 VPC-C 10.3.0.0/24
        subnet Subnet-X01 VPC-X 192.168.0.0/24
        table rtb-X-firewall VPC-X Subnet-X01
        server ECS-A01 Subnet-A01 10.1.0.139
        server ECS-B01 Subnet-B01 10.2.0.93
        server ECS-C01 Subnet-C01 10.3.0.220
        server ECS-X01 Subnet-X01 192.168.0.5 kind=firewall check=off
        peering Peering-AX VPC-A VPC-X
        peering Peering-BX VPC-B VPC-X
        peering Peering-CX VPC-C VPC-X
        route rtb-VPC-A 10.2.0.0/16 Peering-AX
        route rtb-VPC-A 10.3.0.0/16 Peering-AX
        route rtb-VPC-A 192.168.0.0/16 Peering-AX
        route rtb-VPC-B 10.1.0.0/16 Peering-BX
        route rtb-VPC-B 10.3.0.0/16 Peering-BX
        route rtb-VPC-C 10.1.0.0/16 Peering-CX
        route rtb-VPC-C 10.2.0.0/16 Peering-CX
        route rtb-VPC-X 0.0.0.0/0 ECS-X01
        route rtb-X-firewall 10.1.0.0/16 Peering-AX
        route rtb-X-firewall 10.2.0.0/16 Peering-BX
        route rtb-X-firewall 10.3.0.0/16 Peering-CX
        ? ECS-A01 -> ECS-B01 icmp: ok source=10.1.0.139 via=ECS-X01 return_via=ECS-X01
        ? ECS-B01 -> ECS-C01 tcp/80: ok via=ECS-X01 return_via=ECS-X01
        ? ECS-C01 -> ECS-A01 tcp/80: ok via=ECS-X01 return_via=ECS-X01
        ? ECS-A01 -> ECS-X01 icmp: ok via=
        ? ECS-B01 -> ECS-X01 icmp: no_route at VPC-B
        ? ECS-A01 -> 10.2.99.1 icmp: no_such_host at VPC-B
        check ECS-X01 on
        ? ECS-A01 -> ECS-B01 icmp: source_check at VPC-X
        ? ECS-A01 -> ECS-X01 icmp: ok
        ",
    );
}

/// EDGE-1, EDGE-2, EDGE-3, EDGE-4. VPCs at different edge sites cannot communicate through peering.
#[test]
fn edge_sites() {
    scenario(
        "
        vpc VPC-E1 10.1.0.0/16 edge=edge-1
        vpc VPC-E2 10.2.0.0/16 edge=edge-2
        vpc VPC-E1b 10.3.0.0/16 edge=edge-1
        vpc VPC-M 10.9.0.0/16
        subnet Subnet-E1 VPC-E1 10.1.0.0/24
        subnet Subnet-E2 VPC-E2 10.2.0.0/24
        subnet Subnet-E1b VPC-E1b 10.3.0.0/24
        subnet Subnet-M VPC-M 10.9.0.0/24
        server ECS-E1 Subnet-E1 10.1.0.10
        server ECS-E2 Subnet-E2 10.2.0.10
        server ECS-E1b Subnet-E1b 10.3.0.10
        server ECS-M Subnet-M 10.9.0.10
        peering Peering-E1E2 VPC-E1 VPC-E2
        peering Peering-E1E1b VPC-E1 VPC-E1b
        peering Peering-E1M VPC-E1 VPC-M
        peering Peering-E2M VPC-E2 VPC-M
        peering Peering-E1bM VPC-E1b VPC-M
        route rtb-VPC-E1 10.2.0.0/16 Peering-E1E2
        route rtb-VPC-E1 10.3.0.0/16 Peering-E1E1b
        route rtb-VPC-E1 10.9.0.0/16 Peering-E1M
        route rtb-VPC-E2 10.1.0.0/16 Peering-E1E2
        route rtb-VPC-E2 10.9.0.0/16 Peering-E2M
        route rtb-VPC-E2 10.3.0.0/16 Peering-E2M
        route rtb-VPC-E1b 10.1.0.0/16 Peering-E1E1b
        route rtb-VPC-E1b 10.2.0.0/16 Peering-E1bM
        route rtb-VPC-M 10.1.0.0/16 Peering-E1M
        route rtb-VPC-M 10.2.0.0/16 Peering-E2M
        route rtb-VPC-M 10.3.0.0/16 Peering-E1bM
        ? ECS-E1 -> ECS-E2 icmp: edge_site at VPC-E1
        ? ECS-E2 -> ECS-E1 icmp: edge_site at VPC-E2
        ? ECS-E1 -> ECS-E1b icmp: ok
        ? ECS-E1 -> ECS-M icmp: ok
        ? ECS-M -> ECS-E2 icmp: ok
        ? ECS-E1b -> ECS-E2 icmp: edge_site at VPC-M
        ",
    );
}

/// REG-1, REG-2, EIP-6. Peering between regions is refused; EIPs still work.
#[test]
fn different_regions_refused() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16 region=region-1
        vpc VPC-B 172.17.0.0/16 region=region-2
        vpc VPC-Z 172.18.0.0/16 account=acct-b region=region-2
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 172.17.0.21
        ? ECS-A01 -> ECS-B01 icmp: different_region
        ",
    );
}

/// SITE-1, SG-8. China-site and international-site VPCs in the same region can be peered.
#[test]
fn china_and_international_site() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16 account=acct-cn region=hong-kong
        vpc VPC-B 172.17.0.0/16 account=acct-intl region=hong-kong
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111
        server ECS-B01 Subnet-B01 172.17.0.21
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A01 -> ECS-B01 icmp: ok
        ? ECS-B01 -> ECS-A01 tcp/443: ok
        ",
    );
}

/// SG-2, SG-3, SG-4, SG-7, SG-9, SG-10. Default group, remote group and one-way rules across a peering.
#[test]
fn security_groups_across_peering() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        group default
        group sg-web
        group sg-db
        rule default out allow 100 all 0.0.0.0/0
        rule default in allow 100 all sg:default
        rule default in allow 100 tcp/22 0.0.0.0/0
        rule default in allow 100 tcp/3389 0.0.0.0/0
        rule sg-web out allow 1 all 0.0.0.0/0
        rule sg-db in allow 10 tcp/3306 sg:sg-web
        rule sg-db in deny 5 tcp/5432 172.16.0.0/16
        rule sg-db in allow 20 tcp/5432 0.0.0.0/0
        rule sg-db in allow 30 tcp/6379 172.16.0.0/16
        rule sg-db in deny 30 tcp/6379 172.16.0.20/32
        server ECS-A-def Subnet-A01 172.16.0.10 groups=default
        server ECS-A-web Subnet-A01 172.16.0.20 groups=sg-web
        server ECS-B-def Subnet-B01 172.17.0.10 groups=default
        server RDS-B-db Subnet-B01 172.17.0.30 kind=rds groups=sg-db
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A-def -> ECS-B-def icmp: ok
        ? ECS-B-def -> ECS-A-def tcp/8080: ok
        ? ECS-A-web -> ECS-B-def icmp: security_group at VPC-B
        ? ECS-A-web -> ECS-B-def tcp/22: ok
        ? ECS-A-web -> RDS-B-db tcp/3306: ok
        ? ECS-A-def -> RDS-B-db tcp/3306: security_group at VPC-B
        ? ECS-A-web -> RDS-B-db tcp/5432: security_group at VPC-B
        ? ECS-B-def -> RDS-B-db tcp/5432: ok
        ? ECS-A-def -> RDS-B-db tcp/6379: ok
        ? ECS-A-web -> RDS-B-db tcp/6379: security_group at VPC-B
        ? RDS-B-db -> ECS-A-web tcp/80: security_group at VPC-B
        ",
    );
}

/// SG-4, SG-8, SG-9. Cross-account peering uses CIDR rules; stateful answers pass.
#[test]
fn cross_account_cidr_rules() {
    scenario(
        "
        vpc VPC-A 172.16.0.0/16
        vpc VPC-B 172.17.0.0/16 account=acct-b
        subnet Subnet-A01 VPC-A 172.16.0.0/24
        subnet Subnet-B01 VPC-B 172.17.0.0/24
        group sg-a
        group sg-b account=acct-b
        rule sg-a out allow 1 all 0.0.0.0/0
        rule sg-b in allow 1 tcp/3306 172.16.0.0/24
        server ECS-A01 Subnet-A01 172.16.0.111 groups=sg-a
        server RDS-B01 Subnet-B01 172.17.0.21 kind=rds groups=sg-b
        peering Peering-AB VPC-A VPC-B
        route rtb-VPC-A 172.17.0.0/16 Peering-AB
        route rtb-VPC-B 172.16.0.0/16 Peering-AB
        ? ECS-A01 -> RDS-B01 tcp/3306: ok
        ? ECS-A01 -> RDS-B01 icmp: security_group at VPC-B
        ? RDS-B01 -> ECS-A01 tcp/80: security_group at VPC-B
        ",
    );
}
