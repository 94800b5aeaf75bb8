#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::fake::FakeLinks;
use crate::testing::{TestNamespace, root, unique};
use crate::{Change, Error};

/// What the kernel and the fake both do.
fn contract(links: &dyn Links) {
    let name = unique("contract");
    let namespace = NamespaceRef::Named(name.clone());
    assert!(links.set_forwarding(&namespace, true).unwrap_err().is_not_found());
    assert!(links.ensure_namespace(&name).unwrap());
    assert!(!links.ensure_namespace(&name).unwrap());
    assert_eq!(links.namespaces(&name).unwrap(), [name.as_str()]);
    assert!(links.processes(&namespace).unwrap().is_empty());
    assert_eq!(links.end_processes(&namespace, Duration::ZERO).unwrap(), 0);

    let spec = VethSpec {
        host_name: "cwcontract".into(),
        host_mac: [2, 0, 0, 0, 0, 1],
        alias: "causeway:1".into(),
        host_up: false,
        mtu: 1500,
        host_mtu: 9000,
        max_index: u32::MAX,
        namespace: namespace.clone(),
        name: "eth0".into(),
        mac: [2, 0, 0, 0, 0, 2],
        addresses: vec!["10.0.0.2/24".parse().unwrap()],
        gateways: vec!["10.0.0.1".parse().unwrap()],
    };
    assert_eq!(links.link(&spec.host_name).unwrap(), None);
    let made = links.ensure_veth(&spec).unwrap();
    assert_eq!(made.changes, [Change::Created]);
    assert_eq!(links.ensure_veth(&spec).unwrap().changes, []);
    assert!(!links.link(&spec.host_name).unwrap().unwrap().running);
    assert!(links.set_link_up(&spec.host_name, true).unwrap());
    assert!(!links.set_link_up(&spec.host_name, true).unwrap());
    let listed = links.links("cw").unwrap();
    assert_eq!(listed.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["cwcontract"]);
    assert!(listed[0].running);
    assert_eq!(listed[0].index, made.host.index);

    let other = VethSpec { mtu: 1400, host_mtu: 8000, addresses: vec!["10.0.0.3/24".parse().unwrap()], ..spec.clone() };
    let mut changes = links.ensure_veth(&other).unwrap().changes;
    changes.retain(|change| !matches!(change, Change::DefaultRoute(_)));
    changes.sort();
    let mut expected = [
        Change::Mtu { link: "cwcontract".into(), mtu: 8000 },
        Change::Mtu { link: "eth0".into(), mtu: 1400 },
        Change::AddressAdded("10.0.0.3/24".parse().unwrap()),
        Change::AddressRemoved { link: "eth0".into(), address: "10.0.0.2/24".parse().unwrap() },
    ];
    expected.sort();
    assert_eq!(changes, expected);

    let foreign = VethSpec { alias: "causeway:2".into(), ..spec.clone() };
    assert!(matches!(links.ensure_veth(&foreign), Err(Error::Foreign { .. })));
    assert!(matches!(links.delete_link(&spec.host_name, Some("docker")), Err(Error::Foreign { .. })));
    assert!(links.set_link_alias(&spec.host_name, "docker").unwrap());
    assert!(!links.set_link_alias(&spec.host_name, "docker").unwrap());

    assert!(links.write_sysctl(&namespace, "net/ipv4/ip_forward", "1").unwrap());
    assert_eq!(links.read_sysctl(&namespace, "net/ipv4/ip_forward").unwrap(), "1");
    links.set_reverse_path_filter(&namespace, ReversePathFilter::Off).unwrap();
    assert!(!links.set_reverse_path_filter(&namespace, ReversePathFilter::Off).unwrap());

    assert!(links.delete_link(&spec.host_name, Some("docker")).unwrap());
    assert!(!links.delete_link(&spec.host_name, Some("docker")).unwrap());
    assert!(links.remove_namespace(&name).unwrap());
    assert!(!links.remove_namespace(&name).unwrap());
    assert!(links.ensure_veth(&spec).unwrap_err().is_not_found());
}

#[test]
fn the_fake_keeps_the_contract() {
    contract(&FakeLinks::default());
}

#[test]
fn the_kernel_keeps_the_contract() {
    root!();
    let host = TestNamespace::new("machine");
    contract(&HostLinks::in_namespace(host.clone()));
}
