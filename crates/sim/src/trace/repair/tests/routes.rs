//! Routes and peerings.

use super::*;

/// DIAG-1 `no_route`: route by the peering that is there, to the subnet.
#[test]
fn no_route_gets_one() {
    let mut fixture = joined("");
    fixture.run("delete-route rtb-VPC-A 172.17.0.0/16");
    let question = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &question, DropReason::NoRoute, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-VPC-A 172.17.0.0/24 peering Peering-AB"]);
    assert_eq!(warnings(&found), ["carries packets to all of 172.17.0.0/24, not only to 172.17.0.21"]);
}

/// RT-2: a custom table without the route gets what the default table has, be it by a firewall.
#[test]
fn a_custom_table_gets_the_next_hop_of_the_default_table() {
    let fixture = joined("server hop Subnet-A01 172.16.0.9 kind=firewall check=off\ntable rtb-web VPC-A Subnet-A01");
    let question = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &question, DropReason::NoRoute, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-web 172.17.0.0/24 peering Peering-AB"]);
}

/// PEER-9: two routes by the hub are fewer changes than a peering with two routes.
#[test]
fn the_way_by_a_hub_that_knows_both_is_shortest() {
    let fixture = Fixture::new(
        "vpc A 10.1.0.0/16\nvpc B 10.2.0.0/16\nvpc C 10.3.0.0/16
         subnet SA A 10.1.0.0/24\nsubnet SC C 10.3.0.0/24
         server EA SA 10.1.0.5\nserver EC SC 10.3.0.5
         peering AB A B\npeering BC B C
         route rtb-B 10.1.0.0/16 AB\nroute rtb-B 10.3.0.0/16 BC",
    );
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::NoRoute, Leg::Forward);
    assert_eq!(
        commands(&found),
        ["causeway route add rtb-A 10.3.0.0/24 peering AB", "causeway route add rtb-C 10.1.0.0/24 peering BC"]
    );
    assert!(warnings(&found)[0].ends_with("sends the packets through B"), "{found:?}");
}

/// DIAG-1 `no_return_route`.
#[test]
fn no_return_route_gets_one() {
    let mut fixture = joined("");
    fixture.run("delete-route rtb-VPC-B 172.16.0.0/16");
    let question = question(&fixture, "ECS-A01", "RDS-B01");
    let found = repaired(&fixture, &question, DropReason::NoReturnRoute, Leg::Return);
    assert_eq!(commands(&found), ["causeway route add rtb-VPC-B 172.16.0.0/24 peering Peering-AB"]);
}

/// DIAG-1 `peering_not_active`: pending, rejected, expired (PEER-5, LC-4).
#[test]
fn a_peering_that_is_not_active_is_accepted_or_made_again() {
    let text = TWO.replace("VPC-B 172.17.0.0/16\n", "VPC-B 172.17.0.0/16 account=acct-b\n");
    for (status, expected) in [("PENDING_ACCEPTANCE", 1), ("REJECTED", 4), ("EXPIRED", 4)] {
        let mut fixture = Fixture::new(&text);
        fixture.run(&JOINED.replace("VPC-A VPC-B", &format!("VPC-A VPC-B status={status}")));
        let question = question(&fixture, "ECS-A01", "RDS-B01");
        let found = repaired(&fixture, &question, DropReason::PeeringNotActive, Leg::Forward);
        assert_eq!(found.len(), expected, "{found:?}");
        assert!(found.iter().any(|(command, _)| command.starts_with("causeway peering accept ")), "{found:?}");
    }
}

/// DIAG-1 `local_route_preferred`: RT-5 leaves nothing to do but to delete a subnet that nobody uses (RT-10).
#[test]
fn a_local_route_gives_way_only_if_nobody_uses_its_subnet() {
    let mut fixture = Fixture::new(
        "vpc VPC-A 10.0.0.0/16\nvpc VPC-B 10.0.0.0/16
         subnet Subnet-A01 VPC-A 10.0.0.0/24\nsubnet Subnet-B01 VPC-B 10.0.1.0/24
         server ECS-A01 Subnet-A01 10.0.0.11\nserver ECS-B01 Subnet-B01 10.0.1.21
         peering Peering-AB VPC-A VPC-B
         route rtb-VPC-A 10.0.1.0/24 Peering-AB\nroute rtb-VPC-B 10.0.0.0/24 Peering-AB
         subnet Late VPC-A 10.0.1.0/25",
    );
    let question = question(&fixture, "ECS-A01", "ECS-B01");
    let found = repaired(&fixture, &question, DropReason::LocalRoutePreferred, Leg::Forward);
    assert_eq!(commands(&found), ["causeway subnet delete Late"]);
    assert_eq!(warnings(&found).len(), 1, "it takes something away");
    fixture.run("server busy Late 10.0.1.9");
    let note = hopeless(&fixture, &question, DropReason::LocalRoutePreferred);
    assert!(note.starts_with("No route can help: local routes win"), "{note}");
}

/// DIAG-1 `misrouted`, both legs: PEER-14.
#[test]
fn a_misrouted_address_is_taken_out_of_the_wide_route() {
    let fixture = Fixture::new(
        "vpc VPC-A 172.16.0.0/16\nvpc VPC-B 10.0.0.0/16\nvpc VPC-C 10.0.0.0/16
         subnet Subnet-A01 VPC-A 172.16.0.0/24\nsubnet Subnet-B01 VPC-B 10.0.0.0/24\nsubnet Subnet-C01 VPC-C 10.0.0.0/24
         server ECS-A01 Subnet-A01 172.16.0.111\nserver ECS-C01 Subnet-C01 10.0.0.71
         peering Peering-AB VPC-A VPC-B\npeering Peering-AC VPC-A VPC-C
         route rtb-VPC-A 10.0.0.0/16 Peering-AB\nroute rtb-VPC-C 172.16.0.0/16 Peering-AC",
    );
    let there = question(&fixture, "ECS-A01", "ECS-C01");
    let found = repaired(&fixture, &there, DropReason::Misrouted, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-VPC-A 10.0.0.71/32 peering Peering-AC"]);
    assert_eq!(warnings(&found), ["from rtb-VPC-A packets to 10.0.0.71 then no longer go to Peering-AB"]);
    let back = question(&fixture, "ECS-C01", "ECS-A01");
    assert_eq!(repaired(&fixture, &back, DropReason::Misrouted, Leg::Return), found);
}

/// RT-8: a /32 that leads astray is replaced.
#[test]
fn a_host_route_that_leads_astray_is_replaced() {
    let fixture = Fixture::new(
        "vpc A 172.16.0.0/16\nvpc B 10.0.0.0/16\nvpc C 10.0.0.0/16
         subnet SA A 172.16.0.0/24\nsubnet SB B 10.0.0.0/24\nsubnet SC C 10.0.0.0/24
         server EA SA 172.16.0.111\nserver EC SC 10.0.0.71
         peering AB A B\npeering AC A C
         route rtb-A 10.0.0.71/32 AB\nroute rtb-C 172.16.0.0/16 AC",
    );
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::Misrouted, Leg::Forward);
    assert_eq!(
        commands(&found),
        ["causeway route delete rtb-A 10.0.0.71/32", "causeway route add rtb-A 10.0.0.71/32 peering AC"]
    );
}

/// DIAG-1 `non_transitive`: the hub gets the routes that it lacks (PEER-8, PEER-9).
#[test]
fn a_hub_gets_the_routes_that_it_lacks() {
    let fixture = Fixture::new(HUB);
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::NonTransitive, Leg::Forward);
    assert_eq!(
        commands(&found),
        ["causeway route add rtb-B 10.3.0.0/24 peering BC", "causeway route add rtb-B 10.1.0.0/24 peering AB"]
    );
}

/// DIAG-1 `routing_loop`: PEER-10, the hub sends it back where it came from.
#[test]
fn a_loop_is_cut_with_a_longer_route() {
    let mut fixture = Fixture::new(HUB);
    fixture.run("route rtb-B 10.3.0.0/16 AB\nroute rtb-B 10.1.0.0/16 AB");
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::RoutingLoop, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-B 10.3.0.5/32 peering BC"]);
}

/// DIAG-1 `routing_loop`: NH-7, the firewall's own table sends it back to the firewall (lifecycle section 7, 22).
#[test]
fn a_firewall_that_gets_its_own_packets_back_gets_a_way_on() {
    let mut fixture = Fixture::new(HUB);
    fixture.run(
        "server FW SB 10.2.0.9 kind=firewall check=off
         route rtb-B 10.3.0.0/16 FW\nroute rtb-B 10.1.0.0/16 FW",
    );
    repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::RoutingLoop, Leg::Forward);
}

/// DIAG-1 `eip_not_shared`: nothing that this installation has leads to the Internet.
#[test]
fn the_internet_is_not_shared() {
    let fixture = joined("route rtb-VPC-A 0.0.0.0/0 Peering-AB");
    let to = Target::Address { ip: IpAddr::from([203, 0, 113, 10]), intended: None, to_vpc: None };
    let asked = Question { to, ..question(&fixture, "ECS-A01", "RDS-B01") };
    assert!(hopeless(&fixture, &asked, DropReason::EipNotShared).contains("NAT gateway"));
    let fixture = joined("");
    let asked = Question { to, ..question(&fixture, "ECS-A01", "RDS-B01") };
    assert!(hopeless(&fixture, &asked, DropReason::NoRoute).contains("Internet"));
}

/// DIAG-1 `no_such_host` in another VPC than meant: RT-6, the address lies in a CIDR of the hub, but is a spoke's.
#[test]
fn an_address_of_the_hubs_range_that_is_a_spokes_gets_a_route_there() {
    let fixture = Fixture::new(
        "vpc A 172.16.0.0/16\nvpc B 10.0.0.0/8\nvpc C 10.3.0.0/16
         subnet SA A 172.16.0.0/24\nsubnet SB B 10.2.0.0/24\nsubnet SC C 10.3.0.0/24
         server EA SA 172.16.0.5\nserver EC SC 10.3.0.5
         peering AB A B\npeering BC B C
         route rtb-A 10.0.0.0/8 AB\nroute rtb-B 172.16.0.0/16 AB\nroute rtb-C 172.16.0.0/16 BC",
    );
    let found = repaired(&fixture, &question(&fixture, "EA", "EC"), DropReason::NoSuchHost, Leg::Forward);
    assert_eq!(commands(&found), ["causeway route add rtb-B 10.3.0.0/24 peering BC"]);
}

/// DIAG-1 `edge_site`, `different_region`: EDGE-2, REG-2. Nothing repairs them.
#[test]
fn edge_sites_and_regions_are_not_for_commands_to_mend() {
    let text = TWO
        .replace("172.16.0.0/16\n", "172.16.0.0/16 edge=one\n")
        .replace("172.17.0.0/16\n", "172.17.0.0/16 edge=two\n");
    let mut fixture = Fixture::new(&text);
    fixture.run(JOINED);
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    assert!(hopeless(&fixture, &asked, DropReason::EdgeSite).starts_with("No setting lifts this."));
    let text = TWO.replace("172.17.0.0/16\n", "172.17.0.0/16 region=region-2\n");
    let fixture = Fixture::new(&text);
    let asked = question(&fixture, "ECS-A01", "RDS-B01");
    assert!(hopeless(&fixture, &asked, DropReason::DifferentRegion).contains("one region"));
}

/// RT-13, V6-5, V6-6: IPv4 is all right, IPv6 lacks routes and rules of its own.
#[test]
fn ipv6_gets_routes_and_rules_of_its_own() {
    let mut fixture = Fixture::new(SIX);
    let v4 = question(&fixture, "ECS-A01", "RDS-B01");
    assert!(ask(&fixture.catalog, &v4).verdict.reachable);
    let ip: IpAddr = "2001:db8:b::21".parse().unwrap();
    let to = Target::Address { ip, intended: Some(fixture.server("RDS-B01")), to_vpc: None };
    let v6 = Question { to, ..v4 };
    let found = repaired(&fixture, &v6, DropReason::NoRoute, Leg::Forward);
    assert_eq!(
        commands(&found),
        [
            "causeway route add rtb-VPC-A 2001:db8:b::/64 peering Peering-AB",
            "causeway security-group rule add sg-db ingress tcp --port 5432 --remote 2001:db8:a::111/128 --ipv6",
            "causeway route add rtb-VPC-B 2001:db8:a::/64 peering Peering-AB",
        ]
    );
    fixture.run("route rtb-VPC-A ::/0 Peering-AB\nroute rtb-VPC-B ::/0 Peering-AB");
    let ping = Question { protocol: Protocol::ICMP, ..v6 };
    let found = repaired(&fixture, &ping, DropReason::SecurityGroup, Leg::Forward);
    let expected = "causeway security-group rule add sg-db ingress icmpv6 --remote 2001:db8:a::111/128 --ipv6";
    assert_eq!(commands(&found), [expected]);
    guard(&mut fixture, "Subnet-B01", &[], &[]);
    let found = repaired(&fixture, &ping, DropReason::NetworkAcl, Leg::Forward);
    let expected = "causeway network-acl rule add acl-Subnet-B01 ingress icmpv6 --source 2001:db8:a::111 --destination \
                    2001:db8:b::21 --ipv6";
    assert_eq!(commands(&found)[0], expected);
}

/// A large installation: each proposal is tried out, which must not take long.
#[test]
fn many_routes_and_peerings_are_searched_quickly() {
    let mut fixture = joined("");
    for number in 0..60 {
        fixture.run(&format!(
            "vpc V{number} 10.{number}.0.0/16\nsubnet S{number} V{number} 10.{number}.0.0/24
             peering P{number} VPC-A V{number}\nroute rtb-VPC-A 10.{number}.0.0/16 P{number}"
        ));
    }
    fixture.run("delete-route rtb-VPC-B 172.16.0.0/16\nstop RDS-B01\ngroup sg-db\ngroups RDS-B01 sg-db");
    let started = std::time::Instant::now();
    repaired(&fixture, &question(&fixture, "ECS-A01", "RDS-B01"), DropReason::NoSuchHost, Leg::Forward);
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
}
