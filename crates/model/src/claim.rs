//! Claims: what makes a value unique in the installation.

use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

use crate::{MacAddress, Vni};

/// The record that a unique value is in use. It stands under a key made of the value, so that of two commits that want
/// the same value, made at the same time by whichever servers, only one finds the key absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed, such as `vni/77`; the key without its kind.
    pub name: String,
    /// The key of the record that holds the value.
    pub owner: String,
}

impl Claim {
    /// The name of the claim on a VNI.
    #[must_use]
    pub fn vni(vni: Vni) -> String {
        format!("vni/{vni}")
    }

    /// The name of the claim on a hardware address.
    #[must_use]
    pub fn mac(mac: MacAddress) -> String {
        format!("mac/{mac}")
    }

    /// The name of the claim on a subnet's IPv6 prefix (rule V6-1).
    #[must_use]
    pub fn ipv6_prefix(prefix: Ipv6Net) -> String {
        format!("ipv6/{}", prefix.network())
    }

    /// The name of the claim on an account name.
    #[must_use]
    pub fn account_name(name: &str) -> String {
        format!("account-name/{name}")
    }
}
