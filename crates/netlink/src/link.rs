//! Network interfaces: what they are, and the operations on one.

use std::fmt;

use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use rtnetlink::LinkUnspec;

use crate::session::session;
use crate::{Error, Namespace, Result};

/// A link layer address, first byte first, as it is on the wire.
pub type Mac = [u8; 6];

/// Longest name of a link, in bytes (IFNAMSIZ without the zero at its end).
pub const LINK_NAME_MAX: usize = 15;

/// A link as the kernel has it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// Its name.
    pub name: String,
    /// Its number in its namespace, never 0.
    pub index: u32,
    /// Its address; `None` for links that have none, or one of another length.
    pub mac: Option<Mac>,
    /// Largest packet in bytes, without the Ethernet header.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// Up and with a carrier: for a veth, both ends are up.
    pub running: bool,
    /// Free text attached to it (`ip link set … alias`): who made it, and for what.
    pub alias: Option<String>,
    /// The kernel's name of its kind: `veth`, `dummy`…; `None` for hardware and loopback.
    pub kind: Option<String>,
    /// For a veth, the other end.
    pub peer: Option<Peer>,
}

/// The other end of a veth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The other end's number in its own namespace.
    pub index: u32,
    /// The number by which this end's namespace knows the other end's; `None` when it is the same namespace.
    pub namespace_number: Option<i32>,
}

impl LinkState {
    pub(crate) fn from_message(message: &LinkMessage) -> Self {
        let mut link = LinkState {
            name: String::new(),
            index: message.header.index,
            mac: None,
            mtu: 0,
            up: message.header.flags.contains(LinkFlags::Up),
            running: message.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
            alias: None,
            kind: None,
            peer: None,
        };
        let (mut lower, mut number) = (None, None);
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Address(bytes) => link.mac = bytes.as_slice().try_into().ok(),
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
                LinkAttribute::Link(index) => lower = Some(*index),
                LinkAttribute::LinkNetNsId(id) => number = Some(*id),
                LinkAttribute::LinkInfo(infos) => {
                    link.kind = infos.iter().find_map(|info| match info {
                        LinkInfo::Kind(kind) => Some(kind.to_string()),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        if link.is_veth() {
            link.peer = lower.map(|index| Peer { index, namespace_number: number });
        }
        link
    }

    /// One end of a veth pair.
    #[must_use]
    pub fn is_veth(&self) -> bool {
        self.kind.as_deref() == Some("veth")
    }
}

/// Shows an address as `fa:16:3e:00:00:01`.
pub(crate) struct ShowMac(pub(crate) Mac);

impl fmt::Display for ShowMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Looks a link up by name.
///
/// # Errors
/// [`Error::Refused`], [`Error::Protocol`].
pub fn link(namespace: &Namespace, name: &str) -> Result<Option<LinkState>> {
    check_name(name)?;
    session(namespace, async |netlink| netlink.link(name).await)
}

/// All links whose names begin with `prefix`, sorted by name.
///
/// # Errors
/// [`Error::Refused`], [`Error::Protocol`].
pub fn links(namespace: &Namespace, prefix: &str) -> Result<Vec<LinkState>> {
    session(namespace, async |netlink| netlink.links(prefix).await)
}

/// Switches a link on or off. `false` when it was so already.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Refused`].
pub fn set_link_up(namespace: &Namespace, name: &str, up: bool) -> Result<bool> {
    check_name(name)?;
    session(namespace, async |netlink| {
        let link = netlink.must_have(name).await?;
        if link.up == up {
            return Ok(false);
        }
        let message = LinkUnspec::new_with_index(link.index);
        let message = if up { message.up() } else { message.down() };
        netlink.change_link(if up { "switch on" } else { "switch off" }, name, message.build()).await?;
        Ok(true)
    })
}

/// Attaches an alias to a link. `false` when it had it already.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Refused`] (EINVAL for more than 255 bytes).
pub fn set_link_alias(namespace: &Namespace, name: &str, alias: &str) -> Result<bool> {
    check_name(name)?;
    session(namespace, async |netlink| {
        let link = netlink.must_have(name).await?;
        if link.alias.as_deref().unwrap_or_default() == alias {
            return Ok(false);
        }
        netlink.change_link("name", name, LinkUnspec::new_with_index(link.index).alias(alias).build()).await?;
        Ok(true)
    })
}

/// Deletes a link, with its other end if it is a veth. `false` when there was none. With `owner`, a link whose alias
/// does not begin with it is left alone.
///
/// # Errors
/// [`Error::Foreign`] for a link with another alias, or none; [`Error::Refused`].
pub fn delete_link(namespace: &Namespace, name: &str, owner: Option<&str>) -> Result<bool> {
    check_name(name)?;
    session(namespace, async |netlink| {
        let Some(link) = netlink.link(name).await? else { return Ok(false) };
        if let Some(owner) = owner
            && !link.alias.as_deref().unwrap_or_default().starts_with(owner)
        {
            let found = format!("its alias is {:?}", link.alias.unwrap_or_default());
            return Err(Error::Foreign { object: netlink.link_object(name), found });
        }
        netlink.delete_link(&link).await
    })
}

/// Refuses names that the kernel would refuse, or that would mean another file below `/proc/sys`.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > LINK_NAME_MAX {
        "it is longer than 15 bytes"
    } else if name == "."
        || name == ".."
        || name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c == '\0')
    {
        "it has a character that the kernel does not take"
    } else {
        return Ok(());
    };
    Err(Error::Invalid { what: "link name", value: name.to_owned(), why })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::testing::{TestNamespace, root};

    #[test]
    fn names_that_the_kernel_refuses_are_refused_before() {
        for name in ["", "sixteen-bytes-xx", "a/b", "a b", "..", "a:0"] {
            assert!(matches!(check_name(name), Err(Error::Invalid { .. })), "{name:?}");
        }
        assert!(check_name("cw0123456789abc").is_ok());
    }

    #[test]
    fn loopback_is_found_and_switched_on_once() {
        root!();
        let ns = TestNamespace::new("lo");
        let lo = link(&ns, "lo").unwrap().unwrap();
        assert_eq!((lo.index, lo.up, lo.mac), (1, false, Some([0; 6])));
        assert!(set_link_up(&ns, "lo", true).unwrap());
        assert!(!set_link_up(&ns, "lo", true).unwrap());
        assert!(link(&ns, "lo").unwrap().unwrap().running);
        assert_eq!(links(&ns, "l").unwrap().len(), 1);
        assert!(links(&ns, "cw").unwrap().is_empty());
    }

    #[test]
    fn a_link_that_is_not_there_is_no_error_to_look_up_or_delete() {
        root!();
        let ns = TestNamespace::new("none");
        assert_eq!(link(&ns, "cw0").unwrap(), None);
        assert!(!delete_link(&ns, "cw0", None).unwrap());
        assert!(set_link_up(&ns, "cw0", true).unwrap_err().is_not_found());
    }
}
