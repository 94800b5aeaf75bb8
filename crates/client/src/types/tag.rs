//! Tags.

/// A kind of object that has tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the kind of the same name")]
pub enum TagKind {
    Vpc,
    /// By the v1 id, which is the network's.
    Subnet,
    SecurityGroup,
    NetworkAcl,
    AddressGroup,
    Port,
}

impl TagKind {
    /// The family that has the tags of this kind, and the kind's word in its paths.
    pub(crate) const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::Vpc => ("v2.0", "vpcs"),
            Self::Subnet => ("v2.0", "subnets"),
            Self::SecurityGroup => ("v2.0", "security-groups"),
            Self::NetworkAcl => ("v3", "firewalls"),
            Self::AddressGroup => ("v3", "address-groups"),
            Self::Port => ("v3", "ports"),
        }
    }
}
