//! The policies that every installation has (api-iam §9.4).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use uuid::Uuid;

use super::{Effect, PolicyDocument, PolicyScope, Statement};
use crate::PolicyId;

/// A policy that cannot be changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The same in every installation.
    pub id: PolicyId,
    /// The name that programs use, such as `te_admin`; tokens show it as a role.
    pub name: &'static str,
    /// The name that people use, such as `Tenant Administrator`.
    pub display_name: &'static str,
    /// What it is about: `BASE` or a service.
    pub catalog: &'static str,
    /// What it allows, in words.
    pub description: &'static str,
    /// What it says.
    pub document: PolicyDocument,
    /// Where it is meant to be attached.
    pub scope: PolicyScope,
    /// Whether its holder is an administrator: allowed everything whatever denies, if it is attached for the account.
    pub administrator: bool,
}

static BUILTINS: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    let make = |number: u128, names: (&'static str, &'static str), catalog, description, actions: &[&str]| Builtin {
        // "ca5e" and a number: no random id of version 4 looks like it.
        id: PolicyId::new(Uuid::from_u128(0xca5e_0000_0000_0000_0000_0000_0000_0000 | number)),
        name: names.0,
        display_name: names.1,
        catalog,
        description,
        document: allow(actions),
        scope: PolicyScope::Project,
        administrator: false,
    };
    vec![
        Builtin {
            administrator: true,
            scope: PolicyScope::Account,
            ..make(1, ("secu_admin", "admin"), "BASE", "Everything, users and policies included.", &["*:*:*"])
        },
        make(
            2,
            ("te_admin", "Tenant Administrator"),
            "BASE",
            "Everything but users, keys and policies.",
            &["vpc:*:*", "causeway:*:*", "eip:*:*", "nat:*:*", "cc:*:*", "ecs:*:*"],
        ),
        make(
            3,
            ("readonly", "ReadOnlyAccess"),
            "BASE",
            "Sees everything, changes nothing.",
            &["*:*:get*", "*:*:list*", "causeway:*:trace"],
        ),
        make(4, ("vpc_full", "VPC FullAccess"), "VPC", "Everything of the network API.", &["vpc:*:*"]),
        make(
            5,
            ("vpc_readonly", "VPC ReadOnlyAccess"),
            "VPC",
            "Sees everything of the network API.",
            &["vpc:*:get*", "vpc:*:list*"],
        ),
        make(
            6,
            ("causeway_full", "Causeway FullAccess"),
            "CAUSEWAY",
            "Servers, virtual IPs, traces and the network API.",
            &["causeway:*:*", "vpc:*:*"],
        ),
    ]
});

/// Every built-in policy, by id.
#[must_use]
pub fn builtins() -> &'static [Builtin] {
    &BUILTINS
}

fn allow(actions: &[&str]) -> PolicyDocument {
    PolicyDocument { version: "1.1".to_owned(), statements: vec![statement(actions)] }
}

fn statement(actions: &[&str]) -> Statement {
    Statement {
        effect: Effect::Allow,
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        not_actions: Vec::new(),
        resources: Vec::new(),
        conditions: BTreeMap::new(),
    }
}
