//! CIDR reservations: parts of subnets whose addresses are given to nobody who does not ask for them (api-vpc §16).

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{CidrReservationId, ProjectId, SubnetId, Timestamp};

/// A reserved part of a subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CidrReservation {
    /// Its id.
    pub id: CidrReservationId,
    /// The owner's project.
    pub project: ProjectId,
    /// The subnet.
    pub subnet: SubnetId,
    /// The part, of either family; never changes.
    pub cidr: IpNet,
    /// Name, 0 to 64 characters.
    pub name: String,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
