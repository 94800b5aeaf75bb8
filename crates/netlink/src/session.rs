//! One conversation with the kernel's route netlink in one namespace.
//!
//! The kernel does the work of a request inside the `sendmsg` call, some of it waiting for RCU grace periods (deleting a
//! link takes tens of milliseconds). So a conversation has a thread and a small runtime of its own, in the namespace,
//! and is over when the operation is.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};

use futures_util::{StreamExt, TryStreamExt};
use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo};
use netlink_packet_route::link::{LinkExtentMask, LinkMessage};
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use rtnetlink::{Handle, RouteMessageBuilder};

use crate::error::Context;
use crate::link::LinkState;
use crate::{Error, Namespace, Object, Result, run_in};

/// What a workload does with an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressUse {
    /// Opens connections from it.
    Source,
    /// Answers at it alone: the kernel prefers the IPv6 address that came last as a source, unless it is deprecated
    /// (RFC 6724 section 5, rule 3).
    Destination,
}

/// Opens a conversation in `namespace` and runs `work` with it.
pub(crate) fn session<T: Send>(
    namespace: &Namespace,
    work: impl AsyncFnOnce(&Session<'_>) -> Result<T> + Send,
) -> Result<T> {
    run_in(namespace, || {
        let object = || Object::Socket { socket: "netlink".into(), namespace: namespace.label().into() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context("open", object)?;
        runtime.block_on(async {
            let (connection, handle, _) = rtnetlink::new_connection().context("open", object)?;
            let connection = tokio::spawn(connection);
            let done = work(&Session { handle, namespace: namespace.label() }).await;
            connection.abort();
            done
        })
    })?
}

/// An address as the kernel has it; the message is what deletes it.
pub(crate) struct AssignedAddress {
    pub(crate) address: IpNet,
    pub(crate) link_local: bool,
    pub(crate) message: AddressMessage,
}

/// A default route of the main table; the message is what deletes it.
pub(crate) struct DefaultRoute {
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) onlink: bool,
    pub(crate) message: RouteMessage,
}

pub(crate) struct Session<'a> {
    handle: Handle,
    namespace: &'a str,
}

impl Session<'_> {
    pub(crate) fn link_object(&self, name: &str) -> Object {
        Object::Link { name: name.to_owned(), namespace: self.namespace.to_owned() }
    }

    pub(crate) async fn link(&self, name: &str) -> Result<Option<LinkState>> {
        let found = self.handle.link().get().match_name(name).execute().try_next().await;
        match found.context("look up", || self.link_object(name)) {
            Err(error) if error.is_not_found() => Ok(None),
            found => Ok(found?.map(|message| LinkState::from_message(&message))),
        }
    }

    pub(crate) async fn must_have(&self, name: &str) -> Result<LinkState> {
        self.link(name).await?.ok_or_else(|| Error::NotFound(self.link_object(name)))
    }

    /// All links whose names begin with `prefix`, sorted by name.
    pub(crate) async fn links(&self, prefix: &str) -> Result<Vec<LinkState>> {
        let object = || self.link_object(&format!("{prefix}*"));
        // The counters would be most of the answer.
        let request = self.handle.link().get().set_filter_mask(AddressFamily::Unspec, vec![LinkExtentMask::SkipStats]);
        let mut messages = request.execute();
        let mut links = Vec::new();
        while let Some(message) = messages.try_next().await.context("list", object)? {
            let link = LinkState::from_message(&message);
            if link.name.starts_with(prefix) {
                links.push(link);
            }
        }
        links.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(links)
    }

    pub(crate) async fn add_link(&self, name: &str, message: LinkMessage) -> Result<()> {
        self.handle.link().add(message).execute().await.context("create", || self.link_object(name))
    }

    pub(crate) async fn change_link(&self, action: &'static str, name: &str, message: LinkMessage) -> Result<()> {
        self.handle.link().change(message).execute().await.context(action, || self.link_object(name))
    }

    /// `false` when it was gone already.
    pub(crate) async fn delete_link(&self, link: &LinkState) -> Result<bool> {
        match self.handle.link().del(link.index).execute().await.context("delete", || self.link_object(&link.name)) {
            Err(error) if error.is_not_found() => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// The number by which this namespace knows `other`, if it has one for it.
    pub(crate) async fn number_of(&self, other: &Namespace) -> Result<Option<i32>> {
        let object = || other.object();
        let fd = u32::try_from(other.as_fd().as_raw_fd()).unwrap_or_default();
        let mut message = NsidMessage::default();
        message.attributes = vec![NsidAttribute::Fd(fd)];
        let mut request = NetlinkMessage::from(RouteNetlinkMessage::GetNsId(message));
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        let mut answers = self.handle.clone().request(request).context("find the number of", object)?;
        let mut number = None;
        while let Some(answer) = answers.next().await {
            match answer.payload {
                NetlinkPayload::Error(error) => {
                    return Err(rtnetlink::Error::NetlinkError(error)).context("find the number of", object);
                }
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNsId(answer)) => {
                    number = answer.attributes.iter().find_map(|attribute| match attribute {
                        NsidAttribute::Id(id) if *id >= 0 => Some(*id),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        Ok(number)
    }

    pub(crate) async fn addresses(&self, link: &LinkState) -> Result<Vec<AssignedAddress>> {
        let mut messages = self.handle.address().get().set_link_index_filter(link.index).execute();
        let mut addresses = Vec::new();
        while let Some(message) =
            messages.try_next().await.context("list addresses of", || self.link_object(&link.name))?
        {
            let pick = |local: bool| {
                message.attributes.iter().find_map(|attribute| match attribute {
                    AddressAttribute::Local(address) if local => Some(*address),
                    AddressAttribute::Address(address) if !local => Some(*address),
                    _ => None,
                })
            };
            // `Address` is the other end of a point-to-point link, where the two differ.
            if let Some(address) = pick(true).or_else(|| pick(false))
                && let Ok(address) = IpNet::new(address, message.header.prefix_len)
            {
                let link_local = address.addr().is_ipv6() && message.header.scope == AddressScope::Link;
                addresses.push(AssignedAddress { address, link_local, message });
            }
        }
        Ok(addresses)
    }

    /// `false` when it was there already.
    pub(crate) async fn add_address(&self, link: &LinkState, address: IpNet, use_as: AddressUse) -> Result<bool> {
        let mut request = self.handle.address().add(link.index, address.addr(), address.prefix_len());
        if address.addr().is_ipv6() {
            // The control plane made sure that it is unique; detection would delay its use by a second.
            request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
            if use_as == AddressUse::Destination {
                let mut forever_deprecated = CacheInfo::default();
                forever_deprecated.ifa_valid = u32::MAX;
                request.message_mut().attributes.push(AddressAttribute::CacheInfo(forever_deprecated));
            }
        }
        match request.execute().await.context("add", || address_object(link, address)) {
            Err(error) if error.errno() == Some(Errno::EEXIST) => Ok(false),
            done => done.map(|()| true),
        }
    }

    pub(crate) async fn delete_address(&self, link: &LinkState, assigned: AssignedAddress) -> Result<()> {
        let object = || address_object(link, assigned.address);
        match self.handle.address().del(assigned.message).execute().await.context("delete", object) {
            Err(error) if error.errno() == Some(Errno::EADDRNOTAVAIL) => Ok(()),
            done => done,
        }
    }

    /// Default routes of the main table that leave by `link`, of both families.
    pub(crate) async fn default_routes(&self, link: &LinkState) -> Result<Vec<DefaultRoute>> {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut query = RouteMessage::default();
            query.header.address_family = family;
            let mut messages = self.handle.route().get(query).execute();
            let object = || route_object("default", link);
            while let Some(message) = messages.try_next().await.context("list", object)? {
                if is_default_through(&message, link.index) {
                    let gateway = message.attributes.iter().find_map(|attribute| match attribute {
                        RouteAttribute::Gateway(RouteAddress::Inet(address)) => Some(IpAddr::V4(*address)),
                        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
                        _ => None,
                    });
                    let onlink = message.header.flags.contains(RouteFlags::Onlink);
                    routes.push(DefaultRoute { gateway, onlink, message });
                }
            }
        }
        Ok(routes)
    }

    /// Makes the default route of the gateway's family lead to `gateway`, which is taken to be on the link whatever the
    /// addresses of the link say.
    pub(crate) async fn set_default_route(&self, link: &LinkState, gateway: IpAddr) -> Result<()> {
        let message = match gateway {
            IpAddr::V4(gateway) => RouteMessageBuilder::<std::net::Ipv4Addr>::new()
                .gateway(gateway)
                .output_interface(link.index)
                .onlink()
                .build(),
            IpAddr::V6(gateway) => RouteMessageBuilder::<std::net::Ipv6Addr>::new()
                .gateway(gateway)
                .output_interface(link.index)
                .onlink()
                .build(),
        };
        let object = || route_object(&format!("default via {gateway}"), link);
        self.handle.route().add(message).replace().execute().await.context("set", object)
    }

    pub(crate) async fn delete_route(&self, link: &LinkState, route: DefaultRoute) -> Result<()> {
        let object = || route_object("default", link);
        match self.handle.route().del(route.message).execute().await.context("delete", object) {
            Err(error) if error.is_not_found() => Ok(()),
            done => done,
        }
    }
}

fn is_default_through(message: &RouteMessage, index: u32) -> bool {
    message.header.destination_prefix_length == 0
        && message.header.table == RouteHeader::RT_TABLE_MAIN
        && message.header.kind == RouteType::Unicast
        && message.attributes.contains(&RouteAttribute::Oif(index))
}

fn address_object(link: &LinkState, address: IpNet) -> Object {
    Object::Address { address: address.to_string(), link: link.name.clone() }
}

fn route_object(route: &str, link: &LinkState) -> Object {
    Object::Route { route: route.to_owned(), link: link.name.clone() }
}
