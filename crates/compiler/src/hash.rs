//! Ids of what the compiler makes: stable hashes of the content.

use abi::{Id, NO_ID};
use model::{EdgeSiteId, SecurityGroupId, VpcId};
use sha2::{Digest, Sha256};

/// Hashes parts one after the other; the caller keeps them apart by length or by fixed size.
pub(crate) struct Content(Sha256);

impl Content {
    /// A hash in a name space of its own.
    pub(crate) fn new(space: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.add(&[space.len() as u8]);
        hash.add(space.as_bytes());
        hash
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The first eight bytes of the hash, never [`NO_ID`].
    pub(crate) fn id(self) -> Id {
        let digest = self.0.finalize();
        let mut id = NO_ID;
        id.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        if id == NO_ID { [0xff; 8] } else { id }
    }
}

/// The id of the policy of a VPC's ports that have these groups in this order; [`NO_ID`], which denies everything,
/// for no group (rule SG-3).
#[must_use]
pub fn policy_id(vpc: VpcId, groups: &[SecurityGroupId]) -> Id {
    if groups.is_empty() {
        return NO_ID;
    }
    let mut content = Content::new("policy");
    content.add(vpc.uuid().as_bytes());
    for group in groups {
        content.add(group.uuid().as_bytes());
    }
    content.id()
}

/// How the tables name an edge site: a stable number, never 0, which is the centre (rule EDGE-1).
#[must_use]
pub fn edge_site_id(site: Option<&EdgeSiteId>) -> u32 {
    let Some(site) = site else { return 0 };
    let mut content = Content::new("edge-site");
    content.add(site.0.as_bytes());
    let [a, b, c, d, ..] = content.id();
    u32::from_be_bytes([a, b, c, d]).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EDGE-1.
    #[test]
    fn edge_sites_have_different_numbers_and_the_centre_has_none() {
        assert_eq!(edge_site_id(None), 0);
        let [a, b] = ["edge-1", "edge-2"].map(|name| edge_site_id(Some(&name.into())));
        assert!(a != 0 && b != 0 && a != b);
    }
}
