//! Where scenarios are tried: a server that was just started and knows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use client::Client;

use crate::document::{Defaults, Scenario};

/// A future of a [`Stage`].
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Starts servers. The suite does not know how: it sees them through their public API alone.
pub trait Stage: Sync {
    /// Starts a server that has nothing but the regions of `place` and the operator's account. The error is a sentence
    /// for people. The future is never dropped before it is done.
    fn start<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Staged, String>>;
}

/// A server that was started for one scenario.
pub struct Staged {
    /// Calls as the operator, who may make accounts, and trace and probe between any two servers.
    pub operator: Client,
    /// Stops the server and removes all that it made. Nothing happens before it is polled; it always is.
    pub stop: BoxFuture<'static, Result<(), String>>,
}

/// What an installation must have for a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Regions with their edge sites.
    pub regions: BTreeMap<String, BTreeSet<String>>,
}

impl Place {
    /// The regions that every installation has unless configured otherwise, the scenario's default one, and those that
    /// its VPCs name, with the edge sites that these name.
    #[must_use]
    pub fn of(scenario: &Scenario, defaults: &Defaults) -> Self {
        let usual = ["region-1", "region-2", &defaults.region];
        let mut regions: BTreeMap<_, BTreeSet<_>> = usual.map(|r| (r.to_owned(), BTreeSet::new())).into();
        for vpc in &scenario.vpcs {
            let region = vpc.region.as_ref().unwrap_or(&defaults.region);
            regions.entry(region.clone()).or_default().extend(vpc.edge_site.clone());
        }
        Self { regions }
    }
}
