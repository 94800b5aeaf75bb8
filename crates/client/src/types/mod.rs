//! Wire types. Field names are those of the wire; `type` alone is `kind` here.
//!
//! What is read is tolerant: an absent or `null` member is the default, an unknown one is ignored. What is written leaves
//! out what is not set. Ids are strings, addresses and prefixes too: the wire compares them as text.

mod account;
mod address_group;
mod event;
mod iam;
mod network_acl;
mod peering;
mod port;
mod route;
mod route_table;
mod security_group;
mod server;
mod status;
mod subnet;
mod tag;
mod trace;
mod user;
mod vip;
mod vpc;

pub use account::{Account, AccountCreate, AccountCreated, AccountProject, AccountUser, SecretKey};
pub use address_group::{
    AddressGroup, AddressGroupCreate, AddressGroupDependency, AddressGroupFilter, AddressGroupUpdate, AddressGroupUser,
    AddressWithRemarks,
};
pub use event::{
    Event, EventActor, EventChange, EventError, EventFilter, EventPage, EventPageInfo, EventResource, RoutesRemoved,
};
pub use iam::{Domain, PasswordLogin, Project, Token, TokenScope};
pub use network_acl::{
    AclAssociation, NetworkAcl, NetworkAclCreate, NetworkAclFilter, NetworkAclInsertion, NetworkAclRule,
    NetworkAclRuleCreate, NetworkAclRuleUpdate, NetworkAclUpdate,
};
pub use peering::{Peering, PeeringCreate, PeeringFilter, PeeringUpdate, PeeringVpc};
pub use port::{AddressPair, FixedIp, Port, PortCreate, PortFilter, PortUpdate};
pub use route::{VpcRoute, VpcRouteCreate, VpcRouteFilter};
pub use route_table::{
    Route, RouteChanges, RouteDestination, RouteSpec, RouteState, RouteTable, RouteTableCreate, RouteTableFilter,
    RouteTableSubnet, RouteTableUpdate,
};
pub use security_group::{
    SecurityGroup, SecurityGroupCreate, SecurityGroupFilter, SecurityGroupRule, SecurityGroupRuleCreate,
    SecurityGroupRuleFilter,
};
pub use server::{Server, ServerCreate, ServerFilter, ServerKind, ServerUpdate};
pub use status::{Counts, Region, Status};
pub use subnet::{Subnet, SubnetCreate, SubnetFilter, SubnetUpdate};
pub use tag::TagKind;
pub use trace::{
    Diagnosis, Finding, LostRoute, MatrixCell, Measured, ProbeAnswer, ProbeRequest, Protocol, ReachAnswer,
    ReachRequest, ReachServer, Repair, Step, Target, TraceAnswer, TraceRequest, Traced, UnknownProtocol, Verdict,
};
pub use user::{AccessKey, AttachedPolicy, Policy, PolicyCreate, User, UserCreate, UserSecrets};
pub use vip::{BoundPort, Claim, ClaimRequest, Vip, VipBinding, VipFilter};
pub use vpc::{ResourceTag, Vpc, VpcCreate, VpcFilter, VpcUpdate, VpcV3};

use crate::Keyed;

/// Objects whose id is the marker of their lists.
macro_rules! keyed {
    ($($kind:ty),* $(,)?) => {$(
        impl Keyed for $kind {
            fn key(&self) -> &str {
                &self.id
            }
        }
    )*};
}

keyed!(
    AddressGroup,
    AddressGroupDependency,
    NetworkAcl,
    Vpc,
    VpcV3,
    Subnet,
    RouteTable,
    Peering,
    VpcRoute,
    Port,
    SecurityGroup,
    SecurityGroupRule
);

/// What is true unless the wire says otherwise.
pub(crate) fn yes() -> bool {
    true
}
