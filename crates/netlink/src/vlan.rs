//! A VLAN interface on a workload's end of a veth: frames with a tag of their own, with addresses of their own.

use std::collections::BTreeSet;

use ipnet::IpNet;
use netlink_packet_route::link::LinkMessage;
use rtnetlink::{LinkUnspec, LinkVlan};

use crate::link::{LinkState, Mac, check_name};
use crate::session::{Session, session};
use crate::veth::{Change, addresses, align, default_routes, no_ipv6, note, static_ipv6};
use crate::{Error, Namespace, NamespaceRef, Result};

/// A VLAN interface as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanSpec {
    /// Where it is.
    pub namespace: NamespaceRef,
    /// Name of the interface that carries its frames, such as `eth0`.
    pub parent: String,
    /// Its name, such as `eth0.100`, at most 15 bytes. It is taken to say parent and VLAN: neither is looked at again.
    pub name: String,
    /// Alias, by which it is told from interfaces that the workload made itself.
    pub alias: String,
    /// VLAN id, 1 to 4094.
    pub vlan: u16,
    /// Its hardware address.
    pub mac: Mac,
    /// Largest packet in bytes, at most that of the parent.
    pub mtu: u32,
    /// All addresses, as of a veth ([`crate::VethSpec::addresses`]).
    pub addresses: Vec<IpNet>,
}

/// Makes a VLAN interface as `spec` says, or repairs what differs. It has no default route.
///
/// # Errors
/// [`Error::Foreign`] when `name` belongs to a link that is not ours; [`Error::NotFound`] when namespace or parent does
/// not exist; [`Error::Refused`] otherwise. What was done before an error stays: call again.
pub fn ensure_vlan(spec: &VlanSpec) -> Result<(LinkState, Vec<Change>)> {
    check_name(&spec.name)?;
    let namespace = spec.namespace.open()?;
    let mut changes = Vec::new();
    let link = session(&namespace, async |netlink| ensure(netlink, &namespace, spec, &mut changes).await)?;
    Ok((link, changes))
}

/// Removes the VLAN interfaces of a namespace whose alias begins with `alias`, except those named in `keep`.
///
/// # Errors
/// [`Error::Refused`].
pub fn remove_vlans(namespace: &Namespace, alias: &str, keep: &BTreeSet<&str>) -> Result<Vec<String>> {
    session(namespace, async |netlink| {
        let mut removed = Vec::new();
        for link in netlink.links("").await? {
            let ours = is_vlan(&link) && link.alias.as_deref().is_some_and(|own| own.starts_with(alias));
            if ours && !keep.contains(link.name.as_str()) && netlink.delete_link(&link).await? {
                removed.push(link.name);
            }
        }
        Ok(removed)
    })
}

async fn ensure(
    netlink: &Session<'_>,
    namespace: &Namespace,
    spec: &VlanSpec,
    changes: &mut Vec<Change>,
) -> Result<LinkState> {
    let name = &spec.name;
    let link = match netlink.link(name).await? {
        None => {
            let parent = netlink.must_have(&spec.parent).await?;
            let message: LinkMessage = LinkVlan::new(name, parent.index, spec.vlan).address(spec.mac.to_vec()).build();
            netlink.add_link(name, message).await?;
            changes.push(Change::Created);
            netlink.must_have(name).await?
        }
        Some(found) => {
            let alias = found.alias.as_deref().unwrap_or_default();
            // Without an alias it is ours if its creator died before setting it.
            if !is_vlan(&found) || !(alias.is_empty() || alias == spec.alias) {
                let kind = found.kind.as_deref().unwrap_or("another");
                let found = format!("it is a link of kind {kind} with alias {alias:?}");
                return Err(Error::Foreign { object: netlink.link_object(name), found });
            }
            found
        }
    };
    if link.alias.as_deref() != Some(spec.alias.as_str()) {
        let message = LinkUnspec::new_with_index(link.index).alias(&spec.alias).build();
        netlink.change_link("name", name, message).await?;
        note(changes, Change::Alias);
    }
    // A workload without IPv6 addresses must not send router solicitations and the like.
    let off = spec.addresses.iter().all(|a| a.addr().is_ipv4());
    if !off {
        static_ipv6(namespace, name, changes)?;
    }
    no_ipv6(namespace, name, off, changes)?;
    align(netlink, &link, spec.mac, spec.mtu, true, changes).await?;
    addresses(netlink, &link, &spec.addresses, changes).await?;
    default_routes(netlink, &link, &[], changes).await?;
    netlink.must_have(name).await
}

fn is_vlan(link: &LinkState) -> bool {
    link.kind.as_deref() == Some("vlan")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::testing::{TestNamespace, root};
    use crate::{VethSpec, ensure_veth, link};

    fn veth(workload: &TestNamespace) -> VethSpec {
        VethSpec {
            host_name: "cw0123456789abc".into(),
            host_mac: [0xfa, 0x16, 0x3e, 0xff, 0xff, 0xff],
            alias: "causeway:t:parent".into(),
            host_up: true,
            mtu: 1500,
            host_mtu: 65_535,
            max_index: u32::MAX,
            namespace: NamespaceRef::Named(workload.name().into()),
            name: "eth0".into(),
            mac: [0xfa, 0x16, 0x3e, 0, 0, 1],
            addresses: vec!["10.0.1.2/24".parse().unwrap()],
            gateways: Vec::new(),
        }
    }

    fn vlan(workload: &TestNamespace) -> VlanSpec {
        VlanSpec {
            namespace: NamespaceRef::Named(workload.name().into()),
            parent: "eth0".into(),
            name: "eth0.100".into(),
            alias: "causeway:t:sub".into(),
            vlan: 100,
            mac: [0xfa, 0x16, 0x3e, 0, 0, 2],
            mtu: 1500,
            addresses: vec!["10.0.2.9/24".parse().unwrap()],
        }
    }

    /// What a kernel without VLAN interfaces says; says loudly that it does.
    fn made_or_skip(spec: &VlanSpec) -> Option<(LinkState, Vec<Change>)> {
        match ensure_vlan(spec) {
            Err(error) if error.is_unsupported() => {
                eprintln!("SKIPPED: this kernel has no VLAN interfaces (CONFIG_VLAN_8021Q)");
                assert!(link(&spec.namespace.open().unwrap(), &spec.name).unwrap().is_none());
                None
            }
            made => Some(made.unwrap()),
        }
    }

    #[test]
    fn a_vlan_interface_is_made_once_and_repaired() {
        root!();
        let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
        ensure_veth(&host, &veth(&workload)).unwrap();
        let spec = vlan(&workload);
        let Some((made, changes)) = made_or_skip(&spec) else { return };
        assert_eq!(changes.first(), Some(&Change::Created));
        assert_eq!((made.kind.as_deref(), made.mac, made.mtu), (Some("vlan"), Some(spec.mac), 1500));
        assert!(made.up);
        let (again, changes) = ensure_vlan(&spec).unwrap();
        assert_eq!((again.index, changes), (made.index, Vec::new()));
        let moved = VlanSpec { addresses: vec!["10.0.3.9/24".parse().unwrap()], ..spec };
        let (_, changes) = ensure_vlan(&moved).unwrap();
        assert!(changes.contains(&Change::AddressAdded("10.0.3.9/24".parse().unwrap())), "{changes:?}");
    }

    #[test]
    fn only_our_own_vlan_interfaces_are_removed_or_taken() {
        root!();
        let (host, workload) = (TestNamespace::new("host"), TestNamespace::new("ecs"));
        ensure_veth(&host, &veth(&workload)).unwrap();
        let ours = vlan(&workload);
        if made_or_skip(&ours).is_none() {
            return;
        }
        let theirs = VlanSpec { name: "eth0.7".into(), vlan: 7, alias: "theirs".into(), ..ours.clone() };
        ensure_vlan(&theirs).unwrap();
        assert!(matches!(ensure_vlan(&VlanSpec { alias: ours.alias.clone(), ..theirs }), Err(Error::Foreign { .. })));
        let keep = BTreeSet::from(["eth0.100"]);
        assert_eq!(remove_vlans(&workload, "causeway:t:", &keep).unwrap(), Vec::<String>::new());
        assert_eq!(remove_vlans(&workload, "causeway:t:", &BTreeSet::new()).unwrap(), ["eth0.100"]);
        assert!(link(&workload, "eth0.7").unwrap().is_some());
    }
}
