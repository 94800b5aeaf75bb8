//! The use cases of the control plane: what may be done, by whom, and what it changes.
//!
//! Each use case is a pure function of a catalog, the [`Caller`], a [`Context`] (time, limits, configuration, new ids) and a
//! request. It answers an [`Outcome`] (a value, the [`Changes`] to commit, warnings) or an [`Error`] whose sentence says what
//! was wrong and what to do. Nothing here does I/O, reads a clock or knows HTTP; the one exception is the [`Driver`], which
//! commits changes to a store, runs a use case again when somebody else was faster, and keeps the catalog current.
//!
//! # Concurrency
//! Changes carry guards on everything the decision rests on, so two calls at the same time cannot break an invariant:
//! - an *exclusive* lock (guard and touch) on the root of an aggregate: the VPC for its subnets, tables, routes and
//!   peerings; the subnet for its addresses; the project for names and quotas; the account for its users;
//! - a *shared* lock (touch without guard) on what is only named, such as a port's security group: it fails when the object is
//!   gone, makes a deletion that looked earlier fail, and does not get in the way of others that name it;
//! - a claim record for values that are unique in the installation: VNIs, hardware addresses, IPv6 prefixes,
//!   account names.
#![forbid(unsafe_code)]

mod access_key;
mod account;
mod address;
mod address_group;
mod caller;
mod changes;
mod cidr_reservation;
mod config;
mod context;
mod driver;
mod enterprise_project;
mod error;
mod event;
mod ipv6;
mod network;
mod network_acl;
mod network_acl_draft;
mod network_acl_policy;
mod network_acl_rule;
mod network_view;
mod nic;
mod outcome;
mod peering;
mod peering_view;
mod policy;
mod port;
mod private_ip;
mod query;
mod route;
mod route_table;
mod route_view;
mod router_interface;
mod security_group;
mod security_rule;
mod server;
mod subnet;
mod supplementary;
mod tags;
mod user;
mod vault;
mod vip;
mod vpc;

#[cfg(test)]
mod tests;

pub use access_key::{
    CreateAccessKey, NewAccessKey, UpdateAccessKey, create_access_key, create_temporary_key, delete_access_key,
    reset_user, rotate_access_key, seal_access_keys, update_access_key,
};
pub use account::{
    CreateAccount, NewAccount, create_account, create_bootstrap_account, create_missing_projects, delete_account,
};
pub use address_group::{
    CreateAddressGroup, NewAddressEntry, UpdateAddressGroup, create_address_group, delete_address_group,
    force_delete_address_group, update_address_group,
};
pub use caller::Caller;
pub use changes::Changes;
pub use cidr_reservation::{
    CreateCidrReservation, UpdateCidrReservation, create_cidr_reservation, delete_cidr_reservation,
    update_cidr_reservation,
};
pub use config::{Config, DEFAULT_IPV6_PREFIX, Limits, Region};
pub use context::{Context, Ids, RandomIds};
pub use driver::{Done, Driver, DriverError, Follower, Retention, Settings, Subscription, Update};
pub use enterprise_project::{
    DEFAULT_ENTERPRISE_PROJECT, EnterpriseKind, EnterpriseResource, enterprise_projects, enterprise_resources,
    move_to_enterprise_project,
};
pub use error::{AccountUse, AddressGroupUse, CidrProblem, Error, GroupUse, Quota, SubnetUse, VpcUse};
pub use event::{Origin, Who};
pub use ipv6::PortIpv6;
pub use network::{
    CreateNeutronSubnet, NewNeutronRange, UpdateNeutronSubnet, create_network, create_neutron_subnet, delete_network,
    delete_neutron_subnet, update_network, update_neutron_subnet,
};
pub use network_acl::{
    CreateNetworkAcl, UpdateNetworkAcl, associate_subnets, create_network_acl, delete_network_acl,
    disassociate_subnets, update_network_acl,
};
pub use network_acl_policy::{
    CreateNetworkAclPolicy, RulePlace, UpdateNetworkAclPolicy, create_network_acl_policy, create_network_acl_rule,
    delete_network_acl_policy, delete_network_acl_rule, insert_rule_into_policy, remove_rule_from_policy,
    update_network_acl_policy, update_network_acl_rule,
};
pub use network_acl_rule::{
    AclAddressUpdate, InsertNetworkAclRules, NewNetworkAclRule, UpdateNetworkAclRule, insert_network_acl_rules,
    remove_network_acl_rules, update_network_acl_rules,
};
pub use network_view::{
    AddressCount, NetworkView, NeutronSubnet, address_count, free_addresses, network, network_of, networks,
};
pub use nic::{attach_port, detach_port};
pub use outcome::{Outcome, Warning};
pub use peering::{
    CreatePeering, UpdatePeering, accept_peering, create_peering, delete_peering, expire_due, expire_peering,
    reject_peering, update_peering,
};
pub use peering_view::{EndView, PeeringView, peering, peerings};
pub use policy::{
    AnyPolicy, CreatePolicy, UpdatePolicy, attach_policy, attachments, create_policy, delete_policy, detach_policy,
    policies, policies_in_force, policy, update_policy,
};
pub use port::{
    CreatePort, ServicePorts, UpdatePort, create_port, delete_port, insert_port_groups, remove_port_groups, update_port,
};
pub use private_ip::{NewPrivateIp, create_private_ips};
pub use query::{
    accounts, address_group, address_groups, cidr_reservation, cidr_reservations, default_security_group, network_acl,
    network_acl_policies, network_acl_policy, network_acl_rule, network_acl_rules, network_acls, port, ports, project,
    projects, security_group, security_group_of_rule, security_groups, server, servers, subnet, subnets, user, users,
    vpc, vpcs,
};
pub use route::{NewRoute, NextHopSpec};
pub use route_table::{
    CreateRoute, CreateRouteTable, UpdateAssociations, UpdateRouteTable, create_route, create_route_table,
    delete_route, delete_route_table, update_associations, update_route_table,
};
pub use route_view::{RouteState, RouteTableView, RouteView, SystemRoute, route, route_table, route_tables, routes};
pub use router_interface::{add_router_interface, remove_router_interface};
pub use security_group::{
    CreateSecurityGroup, UpdateSecurityGroup, create_security_group, delete_security_group, update_security_group,
};
pub use security_rule::{
    CreateSecurityGroupRules, NewSecurityGroupRule, create_security_group_rules, delete_security_group_rule,
};
pub use server::{
    CreateServer, ServerPort, UpdateServer, create_server, delete_server, start_server, stop_server, update_server,
};
pub use subnet::{
    CreateSubnet, DhcpOptionChange, DnsChange, DnsEntry, UpdateSubnet, create_subnet, delete_subnet, update_subnet,
};
pub use supplementary::{
    AttachSupplementary, CreateSupplementary, MAX_SUPPLEMENTARY_BATCH, attach_supplementary, create_supplementaries,
    create_supplementary, delete_supplementary, detach_supplementary, migrate_supplementaries, update_supplementary,
};
pub use tags::{
    PlainPort, SupplementaryPort, TagCondition, TagFilter, Tagged, add_tags, objects_by_tags, remove_tag, remove_tags,
    tags, tags_in_use,
};
pub use user::{
    CreateToken, CreateUser, UpdateUser, create_token, create_user, delete_expired_tokens, delete_user, revoke_token,
    update_user,
};
pub use vault::{MASTER_KEY_LEN, Unopened, Vault};
pub use vip::{Claimed, VipView, bind_vip, claim_vip, claimable_vip, unbind_vip, vip, vips};
pub use vpc::{CreateVpc, UpdateVpc, add_secondary_cidrs, create_vpc, delete_vpc, remove_secondary_cidrs, update_vpc};
