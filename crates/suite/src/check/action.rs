//! The operations of `control` and `steps`, as typed values.
//!
//! A name that the document does not have is passed on as it is: the server judges it.

use serde_json::Value;

use crate::document::{GroupRule, Operation, Subnet};

/// An operation that was understood.
#[derive(Clone, Debug)]
pub(super) enum Action {
    CreatePeering { name: String, local: String, peer: String, description: Option<String> },
    AcceptPeering { peering: String },
    RejectPeering { peering: String },
    UpdatePeering { peering: String, name: Option<String>, description: Option<String> },
    DeletePeering { peering: String },
    AddRoute { table: String, destination: String, kind: String, next_hop: String },
    DeleteRoute { table: String, destination: String },
    Associate { subnet: String, table: String },
    Disassociate { subnet: String, table: String },
    AddSubnet(Subnet),
    DeleteSubnet { subnet: String },
    DeleteVpc { vpc: String },
    AddGroupRule { group: String, rule: GroupRule },
    DeleteWorkload { workload: String },
    StopWorkload { workload: String },
    StartWorkload { workload: String },
    SetCheck { workload: String, check: bool },
}

/// A peering whose name a scenario does not care about.
const UNNAMED_PEERING: &str = "peering-of-the-suite";

impl Action {
    /// Reads an operation.
    ///
    /// # Errors
    /// A sentence: an operation that is not known, a parameter that is missing or of the wrong kind.
    pub(super) fn parse(operation: &Operation) -> Result<Self, String> {
        let op = operation.op.as_str();
        let optional = |name: &str| operation.text(name).map(str::to_owned);
        let text = |name: &str| optional(name).ok_or_else(|| format!("{op} needs `{name}`"));
        // The object itself goes by its kind or simply by `name`.
        let object =
            |kind: &str| optional(kind).or_else(|| optional("name")).ok_or_else(|| format!("{op} needs `{kind}`"));
        Ok(match op {
            "create_peering" => Self::CreatePeering {
                name: optional("name").unwrap_or_else(|| UNNAMED_PEERING.to_owned()),
                local: text("local")?,
                peer: text("peer")?,
                description: optional("description"),
            },
            "accept_peering" => Self::AcceptPeering { peering: object("peering")? },
            "reject_peering" => Self::RejectPeering { peering: object("peering")? },
            "update_peering" => Self::UpdatePeering {
                peering: text("peering")?,
                name: optional("name"),
                description: optional("description"),
            },
            "delete_peering" => Self::DeletePeering { peering: object("peering")? },
            "add_route" => Self::AddRoute {
                table: text("table")?,
                destination: text("destination")?,
                kind: text("next_hop_type")?,
                next_hop: text("next_hop")?,
            },
            "delete_route" => Self::DeleteRoute { table: text("table")?, destination: text("destination")? },
            "associate" => Self::Associate { subnet: text("subnet")?, table: text("table")? },
            "disassociate" => Self::Disassociate { subnet: text("subnet")?, table: text("table")? },
            "add_subnet" => Self::AddSubnet(Subnet {
                name: text("name")?,
                vpc: text("vpc")?,
                cidr: text("cidr")?,
                gateway: optional("gateway"),
                ..Subnet::default()
            }),
            "delete_subnet" => Self::DeleteSubnet { subnet: object("subnet")? },
            "delete_vpc" => Self::DeleteVpc { vpc: object("vpc")? },
            "add_sg_rule" => {
                let mut fields = operation.fields.clone();
                fields.remove("group");
                let rule = serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{op}: {error}"))?;
                Self::AddGroupRule { group: text("group")?, rule }
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
            other => return Err(format!("operation `{other}` is not known")),
        })
    }
}
