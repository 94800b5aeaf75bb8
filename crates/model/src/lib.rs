//! Identifiers, address ranges and resources of the control plane, with the validation that needs no other object.
//!
//! Knows VPCs, not packets; does no I/O, reads no clock. What needs a look at other objects (uniqueness, quotas, who may
//! do what) is in `control`.
#![forbid(unsafe_code)]

mod account;
mod address_group;
mod cidr;
mod cidr_reservation;
mod claim;
mod event;
mod ids;
mod name;
mod network;
mod network_acl;
mod peering;
mod place;
mod policy;
mod port;
mod port_options;
mod record;
mod route_table;
mod security_group;
mod server;
mod span;
mod subnet;
mod tags;
mod time;
mod vpc;

pub use account::{AccessKey, Account, KeySecret, Project, Site, Temporary, Token, User};
pub use address_group::{AddressEntry, AddressGroup, AddressRange, AddressRangeError};
pub use cidr::{
    CidrError, SYSTEM_RANGES, gateway_v6, is_reserved_v6, never_routed, parse_cidr, parse_destination,
    reserved_addresses, validate_primary_cidr, validate_secondary_cidr, validate_subnet_cidr, validate_subnet_cidr_v6,
    validate_workload_range_v6,
};
pub use cidr_reservation::CidrReservation;
pub use claim::Claim;
pub use event::{Actor, ChangeKind, Event, EventChange, EventResource, EventResult};
pub use ids::{
    AccessKeyId, AccountId, AddressGroupId, CidrReservationId, EventId, IdError, NetworkAclId, NetworkAclPolicyId,
    NetworkAclRuleId, PeeringId, PolicyId, PortId, ProjectId, RouteId, RouteTableId, SecurityGroupId,
    SecurityGroupRuleId, ServerId, SubnetId, UserId, Vni, VpcId,
};
pub use name::{NameError, validate_description, validate_long_name, validate_name, validate_optional_name};
pub use network::{Network, NetworkRange};
pub use network_acl::{AclAddress, NetworkAcl, NetworkAclPolicy, NetworkAclRule};
pub use peering::{Peering, PeeringEnd, PeeringStatus, Side};
pub use place::{EdgeSiteId, RegionId};
pub use policy::{
    AccessRequest, Attachment, Builtin, Condition, DOCUMENT_LIMIT, Decision, Effect, Facts, KNOWN_KEYS, Policy,
    PolicyDocument, PolicyError, PolicyScope, Statement, action_matches, builtins, decide,
};
pub use port::{AddressPair, CHECK_OFF_PAIR, MacAddress, Port, SUPPLEMENTARY_OWNER, VIP_OWNER};
pub use port_options::{
    LEASE_OPTION, LeaseTime, MAX_LEASE_HOURS, MAX_SERVICE_PORTS, ParentInterface, PortProfile, Supplementary, VLANS,
};
pub use record::{Kind, Record, RecordError};
pub use route_table::{NextHop, NextHopType, Route, RouteTable};
pub use security_group::{
    Direction, IpVersion, Protocol, Remote, RuleAction, SecurityGroup, SecurityGroupRule, ServiceRange,
};
pub use server::{Server, ServerKind, ServerState};
pub use span::{Span, gaps, reserved_spans, reserved_spans_v6};
pub use subnet::{DhcpOption, Ipv6Range, NeutronNames, Subnet};
pub use tags::{TagCharacters, TagError, Tags};
pub use time::Timestamp;
pub use vpc::Vpc;
