//! The operations of `control` and `steps`, as typed values.
//!
//! A name that the document does not have is passed on as it is: the server judges it.

use std::borrow::Cow;

use serde_json::Value;

use crate::document::{AclRule, GroupRule, NetworkAcl, Operation, Subnet, Vip, Vpc, Workload};

/// An operation that was understood.
#[derive(Clone, Debug)]
pub(super) enum Action {
    CreatePeering {
        name: String,
        local: String,
        peer: String,
        description: Option<String>,
        /// The account, or the id of the project, that the request names as the peer's instead of the right one.
        peer_project: Option<String>,
    },
    ShowPeering {
        peering: String,
    },
    AcceptPeering {
        peering: String,
    },
    RejectPeering {
        peering: String,
    },
    UpdatePeering {
        peering: String,
        name: Option<String>,
        description: Option<String>,
    },
    DeletePeering {
        peering: String,
    },
    AddRoute {
        table: String,
        destination: String,
        kind: String,
        next_hop: String,
    },
    ChangeRoute {
        table: String,
        destination: String,
        kind: String,
        next_hop: String,
    },
    DeleteRoute {
        table: String,
        destination: String,
    },
    AddTable {
        table: String,
        vpc: String,
    },
    DeleteTable {
        table: String,
    },
    Associate {
        subnet: String,
        table: String,
    },
    Disassociate {
        subnet: String,
        table: String,
    },
    AddSubnet(Subnet),
    DeleteSubnet {
        subnet: String,
    },
    AddVpc(Vpc),
    DeleteVpc {
        vpc: String,
    },
    AddCidr {
        vpc: String,
        cidr: String,
    },
    RemoveCidr {
        vpc: String,
        cidr: String,
    },
    AddGroup {
        group: String,
    },
    DeleteGroup {
        group: String,
    },
    AddGroupRule {
        group: String,
        rule: GroupRule,
    },
    DeleteGroupRule {
        group: String,
        rule: GroupRule,
    },
    AddAcl(NetworkAcl),
    DeleteAcl {
        acl: String,
    },
    AddAclRule {
        acl: String,
        rule: AclRule,
    },
    DeleteAclRule {
        acl: String,
        rule: AclRule,
    },
    GuardSubnet {
        acl: String,
        subnet: String,
    },
    UnguardSubnet {
        acl: String,
        subnet: String,
    },
    SetAcl {
        acl: String,
        enabled: bool,
    },
    AddWorkload(Workload),
    DeleteWorkload {
        workload: String,
    },
    StopWorkload {
        workload: String,
    },
    StartWorkload {
        workload: String,
    },
    SetCheck {
        workload: String,
        check: bool,
    },
    AddVip(Vip),
    DeleteVip {
        vip: String,
    },
    BindVip {
        vip: String,
        workload: String,
    },
    UnbindVip {
        vip: String,
        workload: String,
    },
    ClaimVip {
        vip: String,
        workload: String,
    },
    /// An operation that there is not: it fails its own item, not the document.
    Unknown {
        op: String,
    },
}

/// A peering whose name a scenario does not care about.
const UNNAMED_PEERING: &str = "peering-of-the-suite";

impl Action {
    /// Reads an operation.
    ///
    /// # Errors
    /// A sentence: a parameter that is missing or of the wrong kind.
    pub(super) fn parse(operation: &Operation) -> Result<Self, String> {
        let op = operation.op.as_str();
        let optional = |name: &str| operation.text(name).map(Cow::into_owned);
        let text = |name: &str| optional(name).ok_or_else(|| format!("{op} needs `{name}`"));
        // The object itself goes by its kind or simply by `name`.
        let object =
            |kind: &str| optional(kind).or_else(|| optional("name")).ok_or_else(|| format!("{op} needs `{kind}`"));
        let acl = || optional("acl").map_or_else(|| object("network_acl"), Ok);
        let who =
            |name: &str| optional(name).or_else(|| optional("workload")).ok_or_else(|| format!("{op} needs `{name}`"));
        Ok(match op {
            "create_peering" => Self::CreatePeering {
                name: optional("name").unwrap_or_else(|| UNNAMED_PEERING.to_owned()),
                local: text("local")?,
                peer: text("peer")?,
                description: optional("description"),
                peer_project: optional("peer_project").or_else(|| optional("peer_account")),
            },
            "show_peering" | "view_peering" => Self::ShowPeering { peering: object("peering")? },
            "accept_peering" => Self::AcceptPeering { peering: object("peering")? },
            "reject_peering" => Self::RejectPeering { peering: object("peering")? },
            "update_peering" => Self::UpdatePeering {
                peering: text("peering")?,
                name: optional("name"),
                description: optional("description"),
            },
            "delete_peering" => Self::DeletePeering { peering: object("peering")? },
            "add_route" | "create_route" => Self::AddRoute {
                table: text("table")?,
                destination: text("destination")?,
                kind: text("next_hop_type")?,
                next_hop: text("next_hop")?,
            },
            "change_route" | "update_route" | "modify_route" | "replace_route" => Self::ChangeRoute {
                table: text("table")?,
                destination: text("destination")?,
                kind: text("next_hop_type")?,
                next_hop: text("next_hop")?,
            },
            "add_table" | "create_table" | "add_route_table" | "create_route_table" => {
                Self::AddTable { table: object("table")?, vpc: text("vpc")? }
            }
            "delete_table" | "delete_route_table" => Self::DeleteTable { table: object("table")? },
            "delete_route" | "remove_route" => {
                Self::DeleteRoute { table: text("table")?, destination: text("destination")? }
            }
            "associate" | "associate_subnet" => Self::Associate { subnet: text("subnet")?, table: text("table")? },
            "disassociate" | "disassociate_subnet" => {
                Self::Disassociate { subnet: text("subnet")?, table: text("table")? }
            }
            "add_subnet" | "create_subnet" => Self::AddSubnet(Subnet {
                name: text("name")?,
                vpc: text("vpc")?,
                cidr: text("cidr")?,
                cidr6: optional("cidr6"),
                gateway: optional("gateway"),
            }),
            "delete_subnet" => Self::DeleteSubnet { subnet: object("subnet")? },
            "add_vpc" | "create_vpc" => {
                let mut fields = operation.fields.clone();
                if let Some(cidr) = fields.remove("cidr") {
                    fields.insert("cidrs".to_owned(), Value::Array(vec![cidr]));
                }
                Self::AddVpc(serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{op}: {error}"))?)
            }
            "add_cidr" | "add_secondary_cidr" => Self::AddCidr { vpc: text("vpc")?, cidr: text("cidr")? },
            "remove_cidr" | "remove_secondary_cidr" | "delete_secondary_cidr" => {
                Self::RemoveCidr { vpc: text("vpc")?, cidr: text("cidr")? }
            }
            "delete_vpc" => Self::DeleteVpc { vpc: object("vpc")? },
            "add_sg" | "create_sg" | "add_security_group" | "create_security_group" => {
                Self::AddGroup { group: object("group")? }
            }
            "delete_sg" | "delete_security_group" => Self::DeleteGroup { group: object("group")? },
            "add_sg_rule" | "create_sg_rule" => Self::AddGroupRule { group: text("group")?, rule: rule(operation)? },
            "delete_sg_rule" | "remove_sg_rule" => {
                Self::DeleteGroupRule { group: text("group")?, rule: rule(operation)? }
            }
            "add_acl" | "create_acl" | "add_network_acl" | "create_network_acl" => {
                let fields = Value::Object(operation.fields.clone());
                Self::AddAcl(serde_json::from_value(fields).map_err(|error| format!("{op}: {error}"))?)
            }
            "delete_acl" | "delete_network_acl" => Self::DeleteAcl { acl: acl()? },
            "add_acl_rule" | "create_acl_rule" | "add_network_acl_rule" | "create_network_acl_rule" => {
                Self::AddAclRule { acl: acl()?, rule: acl_rule(operation)? }
            }
            "delete_acl_rule" | "remove_acl_rule" | "delete_network_acl_rule" | "remove_network_acl_rule" => {
                Self::DeleteAclRule { acl: acl()?, rule: acl_rule(operation)? }
            }
            "associate_acl" | "associate_network_acl" => Self::GuardSubnet { acl: acl()?, subnet: text("subnet")? },
            "disassociate_acl" | "disassociate_network_acl" => {
                Self::UnguardSubnet { acl: acl()?, subnet: text("subnet")? }
            }
            "enable_acl" | "enable_network_acl" => Self::SetAcl { acl: acl()?, enabled: true },
            "disable_acl" | "disable_network_acl" => Self::SetAcl { acl: acl()?, enabled: false },
            "add_workload" | "create_workload" => {
                let fields = Value::Object(operation.fields.clone());
                Self::AddWorkload(serde_json::from_value(fields).map_err(|error| format!("{op}: {error}"))?)
            }
            "delete_workload" => Self::DeleteWorkload { workload: object("workload")? },
            "stop_workload" => Self::StopWorkload { workload: object("workload")? },
            "start_workload" => Self::StartWorkload { workload: object("workload")? },
            "set_check" => Self::SetCheck {
                workload: object("workload")?,
                check: operation
                    .fields
                    .get("src_dst_check")
                    .and_then(Value::as_bool)
                    .ok_or_else(|| format!("{op} needs `src_dst_check`: true or false"))?,
            },
            "add_vip" | "create_vip" => {
                let fields = Value::Object(operation.fields.clone());
                Self::AddVip(serde_json::from_value(fields).map_err(|error| format!("{op}: {error}"))?)
            }
            "delete_vip" => Self::DeleteVip { vip: object("vip")? },
            "bind_vip" => Self::BindVip { vip: text("vip")?, workload: who("to_workload")? },
            "unbind_vip" => Self::UnbindVip { vip: text("vip")?, workload: who("from_workload")? },
            "claim_vip" => Self::ClaimVip { vip: text("vip")?, workload: who("by_workload")? },
            other => Self::Unknown { op: other.to_owned() },
        })
    }
}

/// The rule of a network ACL that an operation is about.
fn acl_rule(operation: &Operation) -> Result<AclRule, String> {
    let mut fields = operation.fields.clone();
    for name in ["acl", "network_acl", "name"] {
        fields.remove(name);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{}: {error}", operation.op))
}

/// The rule of a group that an operation is about.
fn rule(operation: &Operation) -> Result<GroupRule, String> {
    let mut fields = operation.fields.clone();
    fields.remove("group");
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{}: {error}", operation.op))
}
