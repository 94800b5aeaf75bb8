//! What an account may see of a trace (lifecycle section 4, rule DIAG-5).

use catalog::Catalog;
use model::{AccountId, ServerId, VpcId};

use super::{Fact, Leg, Step, Trace, Verdict, name};

/// The trace as an account that is no operator may see it: its own part. Steps in VPCs of other accounts become one
/// [`Fact::LeftVpc`] or [`Fact::PeerSide`]; where and why the packet was lost is told only if that was in an own VPC.
#[must_use]
pub fn redact(catalog: &Catalog, trace: &Trace, viewer: AccountId) -> Trace {
    let own = |vpc: VpcId| name::owner(catalog, vpc) == Some(viewer);
    let own_server = |server: &ServerId| {
        catalog.server(*server).is_some_and(|server| catalog.account_of(server.project) == Some(viewer))
    };
    let full = &trace.verdict;
    // Before the packet was sent nothing of another account was met.
    let hidden = !full.reachable && full.at.is_some_and(|at| !own(at));
    let delivered_to = full.delivered_to.filter(|server| own_server(server) && !hidden);
    let verdict = Verdict {
        reachable: full.reachable,
        reason: full.reason.filter(|_| !hidden),
        // Which way it was lost would tell whether the request arrived.
        leg: if hidden { Leg::Forward } else { full.leg },
        at: full.at.filter(|_| !hidden),
        delivered_to,
        observed_source: full.observed_source.filter(|_| delivered_to.is_some()),
        via: full.via.iter().filter(|server| own_server(server)).copied().collect(),
        return_via: if hidden {
            Vec::new()
        } else {
            full.return_via.iter().filter(|server| own_server(server)).copied().collect()
        },
        hidden,
    };
    let back = if hidden { Vec::new() } else { own_steps(&trace.back, own) };
    Trace { verdict, forward: own_steps(&trace.forward, own), back, ..trace.clone() }
}

/// The steps in own VPCs, and one in place of each run of others.
fn own_steps(steps: &[Step], own: impl Fn(VpcId) -> bool) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    for step in steps {
        if step.vpc.is_some_and(&own) {
            out.push(step.clone());
        } else if out.last().is_none_or(|last| last.vpc.is_some()) {
            let fact = if out.is_empty() { Fact::PeerSide } else { Fact::LeftVpc };
            out.push(Step { vpc: None, fact });
        }
    }
    out
}
