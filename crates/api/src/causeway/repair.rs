//! Repairs as the API tells them: commands for people, arguments for programs, and who has to act.

use std::collections::BTreeMap;

use catalog::Catalog;
use model::AccountId;
use serde::Serialize;
use sim::trace::Repair;
use utoipa::ToSchema;

use crate::auth::Identity;

/// A change that helps.
#[derive(Serialize, ToSchema)]
pub(crate) struct RepairObject {
    /// `create_peering`, `accept_peering`, `delete_peering`, `add_route`, `delete_route`, `delete_subnet`, `start_server`,
    /// `turn_check_off`, `claim_vip`, `add_security_group_rule`, `delete_security_group_rule` or `add_network_acl_rule`.
    kind: &'static str,
    /// The command line that makes it.
    command: String,
    /// What it is made with: ids, addresses, ports by name.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    arguments: BTreeMap<&'static str, String>,
    /// Whether the caller's own account has to make it.
    own: bool,
    /// The name of the account that has to make it; absent for another account unless an operator asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// What it opens or takes away besides what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// Whose eyes an answer is for.
#[derive(Clone, Copy)]
pub(super) struct Eyes {
    /// The account that asks.
    account: AccountId,
    /// The same, unless it is an operator's, who sees everything.
    pub(super) viewer: Option<AccountId>,
}

impl Eyes {
    pub(super) fn of(identity: &Identity) -> Self {
        let account = identity.account.id;
        Self { account, viewer: (!identity.is_operator()).then_some(account) }
    }
}

impl RepairObject {
    pub(super) fn new(catalog: &Catalog, repair: Repair, eyes: Eyes) -> Self {
        let own = repair.account == eyes.account;
        let account = catalog.account(repair.account).filter(|_| own || eyes.viewer.is_none());
        Self {
            kind: repair.change.kind(),
            command: repair.command,
            arguments: repair.arguments,
            own,
            account: account.map(|account| account.name.clone()),
            warning: repair.warning,
        }
    }
}
