#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::testing::{TestNamespace, root};
use crate::{delete_link, link, links, read_sysctl_in, set_link_up};

const GATEWAY: Mac = [0xfa, 0x16, 0x3e, 0xff, 0xff, 0xff];
const WORKLOAD: Mac = [0xfa, 0x16, 0x3e, 0, 0, 1];

fn spec(workload: &TestNamespace) -> VethSpec {
    VethSpec {
        host_name: "cw0123456789abc".into(),
        host_mac: GATEWAY,
        alias: "causeway:port:1".into(),
        host_up: true,
        mtu: 1450,
        host_mtu: 60_000,
        max_index: u32::MAX,
        namespace: NamespaceRef::Named(workload.name().into()),
        name: "eth0".into(),
        mac: WORKLOAD,
        addresses: vec!["172.16.0.111/24".parse().unwrap()],
        gateways: vec!["172.16.0.1".parse().unwrap()],
    }
}

fn ip(namespace: &TestNamespace, arguments: &str) -> String {
    let mut command = std::process::Command::new("ip");
    let output = command.args(["-n", namespace.name()]).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_pair_is_made_complete_and_the_second_time_nothing_changes() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let spec = spec(&workload);
    let made = ensure_veth(&host, &spec).unwrap();
    assert_eq!(made.changes.first(), Some(&Change::Created));
    assert_eq!((made.host.mac, made.workload.mac), (Some(GATEWAY), Some(WORKLOAD)));
    assert_eq!((made.host.mtu, made.workload.mtu), (60_000, 1450));
    assert_eq!(made.host.peer.unwrap().index, made.workload.index);
    assert!(made.host.running);
    assert_eq!(made.host.alias.as_deref(), Some("causeway:port:1"));

    assert!(ip(&workload, "-o addr show eth0").contains("inet 172.16.0.111/24 brd 172.16.0.255"));
    assert!(!ip(&workload, "-o addr show eth0").contains("inet6"));
    assert!(ip(&workload, "route show default").starts_with("default via 172.16.0.1 dev eth0 proto static onlink"));
    assert_eq!(ip(&host, "-o addr show cw0123456789abc"), "");
    assert!(link(&workload, "lo").unwrap().unwrap().running);

    let again = ensure_veth(&host, &spec).unwrap();
    assert_eq!(again.changes, []);
    assert_eq!((again.host.index, again.workload.index), (made.host.index, made.workload.index));
    assert_eq!(links(&host, "cw").unwrap().len(), 1);
}

#[test]
fn everything_that_was_changed_by_others_is_repaired_and_reported() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let spec = spec(&workload);
    let made = ensure_veth(&host, &spec).unwrap();
    for change in [
        "link set eth0 mtu 1400",
        "link set eth0 address 02:00:00:00:00:09",
        "addr del 172.16.0.111/24 dev eth0",
        "addr add 10.9.9.9/16 dev eth0",
        "route replace default via 10.9.0.1 dev eth0",
        "link set lo down",
    ] {
        ip(&workload, change);
    }
    for change in [
        "link set cw0123456789abc down",
        "link set cw0123456789abc mtu 1300",
        "link set cw0123456789abc address 02:00:00:00:00:08",
        "addr add 192.0.2.1/24 dev cw0123456789abc",
    ] {
        ip(&host, change);
    }
    let repaired = ensure_veth(&host, &spec).unwrap();
    let mut changes = repaired.changes.clone();
    changes.sort();
    let eth0 = || "eth0".to_owned();
    let near = || "cw0123456789abc".to_owned();
    let mut expected = [
        Change::Mac { link: near(), mac: GATEWAY },
        Change::Mac { link: eth0(), mac: WORKLOAD },
        Change::Mtu { link: near(), mtu: spec.host_mtu },
        Change::Mtu { link: eth0(), mtu: 1450 },
        Change::Up { link: near() },
        Change::Up { link: "lo".into() },
        Change::AddressAdded("172.16.0.111/24".parse().unwrap()),
        Change::AddressRemoved { link: eth0(), address: "10.9.9.9/16".parse().unwrap() },
        Change::AddressRemoved { link: near(), address: "192.0.2.1/24".parse().unwrap() },
        Change::DefaultRoute("172.16.0.1".parse().unwrap()),
    ];
    expected.sort();
    assert_eq!(changes, expected);
    assert_eq!(repaired.host.index, made.host.index);
    assert_eq!(ensure_veth(&host, &spec).unwrap().changes, []);
}

#[test]
fn a_workload_that_moved_to_another_namespace_gets_a_new_pair() {
    root!();
    let host = TestNamespace::new("host");
    let (old, new) = (TestNamespace::new("old"), TestNamespace::new("new"));
    ensure_veth(&host, &spec(&old)).unwrap();
    let other_host = TestNamespace::new("host2");
    // Both workload ends have the same name and number, and so have the hosts': only the namespace tells.
    let other = ensure_veth(&other_host, &spec(&new)).unwrap();
    assert_eq!(other.host.index, link(&host, "cw0123456789abc").unwrap().unwrap().index);
    let error = ensure_veth(&host, &spec(&new)).unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }) && error.to_string().contains("eth0"), "{error}");
    assert!(link(&old, "eth0").unwrap().is_some());
    delete_link(&other_host, "cw0123456789abc", Some("causeway:")).unwrap();
    let moved = ensure_veth(&host, &spec(&new)).unwrap();
    assert_eq!(moved.changes, [Change::Recreated]);
    assert_eq!(link(&old, "eth0").unwrap(), None);
}

#[test]
fn links_of_others_are_left_alone() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let wanted = spec(&workload);
    ip(&host, "link add cw0123456789abc type bridge");
    assert!(matches!(ensure_veth(&host, &wanted), Err(Error::Foreign { .. })));
    ip(&host, "link del cw0123456789abc");
    ensure_veth(&host, &VethSpec { alias: "docker".into(), ..wanted.clone() }).unwrap();
    let error = ensure_veth(&host, &wanted).unwrap_err();
    assert!(error.to_string().contains("docker"), "{error}");
    assert!(matches!(delete_link(&host, &wanted.host_name, Some("causeway:")), Err(Error::Foreign { .. })));
    assert!(delete_link(&host, &wanted.host_name, None).unwrap());
    // The name of the workload's end is taken by somebody else's link.
    ip(&workload, "link add eth0 type bridge");
    assert!(matches!(ensure_veth(&host, &wanted), Err(Error::Foreign { .. })));
    assert_eq!(link(&host, &wanted.host_name).unwrap(), None);
}

#[test]
fn a_pair_whose_creator_died_before_naming_it_is_adopted() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let name = workload.name();
    ip(&host, &format!("link add cw0123456789abc type veth peer name eth0 netns {name}"));
    let adopted = ensure_veth(&host, &spec(&workload)).unwrap();
    assert!(adopted.changes.contains(&Change::Alias));
    assert!(!adopted.changes.contains(&Change::Recreated));
}

#[test]
fn the_hosts_end_stays_down_until_told() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let quiet = VethSpec { host_up: false, ..spec(&workload) };
    let made = ensure_veth(&host, &quiet).unwrap();
    assert!(!made.host.up && made.workload.up && !made.workload.running);
    assert!(set_link_up(&host, &quiet.host_name, true).unwrap());
    let again = ensure_veth(&host, &quiet).unwrap();
    assert_eq!(again.changes, []);
    assert!(again.host.running);
}

#[test]
fn the_first_address_is_the_source_and_others_follow() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let mut wanted = spec(&workload);
    ensure_veth(&host, &wanted).unwrap();
    wanted.addresses.insert(0, "172.16.0.50/24".parse().unwrap());
    wanted.addresses.push("172.16.0.60/24".parse().unwrap());
    let changed = ensure_veth(&host, &wanted).unwrap();
    let added = |text: &str| Change::AddressAdded(text.parse().unwrap());
    assert!(changed.changes.starts_with(&[added("172.16.0.50/24"), added("172.16.0.60/24")]), "{:?}", changed.changes);
    assert!(ip(&workload, "route get 172.16.0.200").contains("src 172.16.0.50"));
    assert_eq!(ip(&workload, "-4 -o addr show eth0").lines().count(), 3);
    assert!(ip(&workload, "route show default").contains("via 172.16.0.1"));
    assert_eq!(ensure_veth(&host, &wanted).unwrap().changes, []);
}

/// VIP-2: what a workload takes by itself is its own business, and survives every repair.
#[test]
fn an_address_that_the_workload_took_stays() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let mut wanted = spec(&workload);
    ensure_veth(&host, &wanted).unwrap();
    let taken = "172.16.0.100".parse().unwrap();
    assert!(crate::take_address(&workload, "eth0", taken).unwrap());
    assert!(!crate::take_address(&workload, "eth0", taken).unwrap(), "it is there already");
    assert_eq!(ensure_veth(&host, &wanted).unwrap().changes, []);
    wanted.addresses.insert(0, "172.16.0.50/24".parse().unwrap());
    ensure_veth(&host, &wanted).unwrap();
    assert!(ip(&workload, "-4 -o addr show eth0").contains("172.16.0.100/32"));
    assert!(ip(&workload, "route get 172.16.0.200").contains("src 172.16.0.50"));
    assert_eq!(ensure_veth(&host, &wanted).unwrap().changes, []);
    assert!(crate::give_up_address(&workload, "eth0", taken).unwrap());
    assert!(!crate::give_up_address(&workload, "eth0", taken).unwrap());
    assert!(!ip(&workload, "-4 -o addr show eth0").contains("172.16.0.100"));
    assert!(crate::take_address(&workload, "none", taken).unwrap_err().is_not_found());
    assert!(crate::announce(&workload, "none", taken).unwrap_err().is_not_found());
}

#[test]
fn ipv6_is_on_only_with_an_address_and_then_usable_at_once() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    let mut wanted = spec(&workload);
    ensure_veth(&host, &wanted).unwrap();
    assert_eq!(read_sysctl_in(&workload, "net/ipv6/conf/eth0/disable_ipv6").unwrap(), "1");
    wanted.addresses.push("2001:db8::111/64".parse().unwrap());
    wanted.gateways.push("fe80::1".parse().unwrap());
    ensure_veth(&host, &wanted).unwrap();
    assert!(ip(&workload, "-6 route show default").contains("via fe80::1 dev eth0"));
    let addresses = ip(&workload, "-6 -o addr show eth0");
    assert!(addresses.contains("2001:db8::111/64") && addresses.contains("fe80::"), "{addresses}");
    assert!(!addresses.contains("tentative"), "no address waits for the detection of duplicates: {addresses}");
    for learned in ["accept_ra", "autoconf", "router_solicitations", "accept_redirects"] {
        let path = format!("net/ipv6/conf/eth0/{learned}");
        assert_eq!(read_sysctl_in(&workload, &path).unwrap(), "0", "{path}");
    }
    assert_eq!(read_sysctl_in(&host, "net/ipv6/conf/cw0123456789abc/disable_ipv6").unwrap(), "1");
    assert_eq!(ensure_veth(&host, &wanted).unwrap().changes, []);
    wanted.addresses.pop();
    wanted.gateways.pop();
    ensure_veth(&host, &wanted).unwrap();
    assert_eq!(ip(&workload, "-6 -o addr show eth0"), "");
}

#[test]
fn a_namespace_that_is_gone_is_named_in_the_error() {
    root!();
    let host = TestNamespace::new("host");
    let gone = TestNamespace::new("gone");
    let wanted = spec(&gone);
    let name = gone.name().to_owned();
    drop(gone);
    let error = ensure_veth(&host, &wanted).unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains(&name), "{error}");
}

/// A machine that made and deleted links for long enough: an index that is free again is taken.
#[test]
fn the_hosts_end_gets_an_index_that_is_small_enough() {
    root!();
    let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
    ip(&host, "link add used type bridge");
    ip(&host, "link add high index 5000 type bridge");
    let spec = VethSpec { max_index: 4000, ..spec(&workload) };
    let made = ensure_veth(&host, &spec).unwrap();
    assert!(made.host.index <= 4000, "{}", made.host.index);
    assert_eq!(made.changes.first(), Some(&Change::Created));
    assert_eq!(ensure_veth(&host, &spec).unwrap().changes, []);
    // One from before there was a limit is replaced.
    let lower = VethSpec { max_index: made.host.index - 1, ..spec.clone() };
    if lower.max_index > link(&host, "used").unwrap().unwrap().index {
        let again = ensure_veth(&host, &lower).unwrap();
        assert_eq!(again.changes.first(), Some(&Change::Recreated));
        assert!(again.host.index < made.host.index);
    }
    let none = VethSpec { max_index: 0, host_name: "cw0123456789abd".into(), name: "eth1".into(), ..spec };
    assert_eq!(ensure_veth(&host, &none).unwrap_err().errno(), Some(Errno::EBUSY));
    assert!(link(&host, "cw0123456789abd").unwrap().is_none());
}
