//! Peering connections: the object and its states (lifecycle sections 1 and 2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{PeeringId, ProjectId, RegionId, Timestamp, Vni, VpcId};

/// State of a peering connection.
///
/// ```text
///                       same account
///             create ─────────────────────────────► ACTIVE ───────────┐
///               │                                     ▲               │ delete
///               │ other account                accept │               │ (either side)
///               └──────────► PENDING_ACCEPTANCE ──────┘               ▼
///                              │      │      └──── delete ────────► (gone)
///                       reject │      │ 7 days                        ▲
///                              ▼      ▼                               │
///                         REJECTED  EXPIRED ──────── delete ──────────┘
/// ```
/// A deleted peering is not kept, so DELETED is no state of a stored one (rule LC-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PeeringStatus {
    /// Requested across accounts, not answered yet.
    PendingAcceptance,
    /// Passes traffic (rule PEER-4).
    Active,
    /// Refused by the accepter; final.
    Rejected,
    /// Not answered in time; final.
    Expired,
}

impl PeeringStatus {
    /// Whether it counts for "one peering for each pair" (lifecycle section 3, check 8).
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::PendingAcceptance | Self::Active)
    }

    /// The state as the wire spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingAcceptance => "PENDING_ACCEPTANCE",
            Self::Active => "ACTIVE",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
        }
    }
}

impl fmt::Display for PeeringStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which end of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that made the request.
    Requester,
    /// The side that the request was made to.
    Accepter,
}

/// One end of a peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringEnd {
    /// The VPC.
    pub vpc: VpcId,
    /// The project that owns it (API: `tenant_id`).
    pub project: ProjectId,
    /// VNI that says "entered this VPC by this peering".
    pub entry_vni: Vni,
}

/// A peering connection: joins exactly two different VPCs of one region (rule PEER-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// Its id, never reused.
    pub id: PeeringId,
    /// Name, 1 to 64 characters, not unique.
    pub name: String,
    /// Free text, at most 255 characters.
    pub description: String,
    /// The region of both VPCs.
    pub region: RegionId,
    /// Its state.
    pub status: PeeringStatus,
    /// The side that made the request.
    pub requester: PeeringEnd,
    /// The side that answers.
    pub accepter: PeeringEnd,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When a pending request expires (rule LC-3); `None` when requests do not expire.
    pub expires_at: Option<Timestamp>,
}

impl Peering {
    /// The end that is this VPC.
    #[must_use]
    pub fn end_of(&self, vpc: VpcId) -> Option<&PeeringEnd> {
        [&self.requester, &self.accepter].into_iter().find(|end| end.vpc == vpc)
    }

    /// The end that is not this VPC; `None` when neither is.
    #[must_use]
    pub fn other_end(&self, vpc: VpcId) -> Option<&PeeringEnd> {
        if self.requester.vpc == vpc {
            Some(&self.accepter)
        } else if self.accepter.vpc == vpc {
            Some(&self.requester)
        } else {
            None
        }
    }

    /// Whether it joins these two VPCs, in either direction.
    #[must_use]
    pub fn joins(&self, a: VpcId, b: VpcId) -> bool {
        self.other_end(a).is_some_and(|end| end.vpc == b)
    }

    /// Both VPCs, requester's first.
    #[must_use]
    pub fn vpcs(&self) -> [VpcId; 2] {
        [self.requester.vpc, self.accepter.vpc]
    }
}
