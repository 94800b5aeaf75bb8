//! Topology documents: the format of `spec/topologies.yaml`, whose header explains it.
//!
//! A file holds either a suite (`scenarios: [...]`) or the fields of one scenario at the top level. Unknown fields are
//! refused: a field with a typing error must not be silently without effect.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

/// A document that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not YAML, or not of the format.
    #[error("{path} is not a topology document: {message}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// A name that nothing in the document has.
    #[error("{scenario}: {place} names {kind} `{name}`, which the document does not have{suggestion}")]
    Unknown {
        /// The scenario's id.
        scenario: String,
        /// What names it.
        place: String,
        /// Kind of object.
        kind: &'static str,
        /// The name.
        name: String,
        /// "; did you mean …?" or nothing.
        suggestion: String,
    },
    /// Two objects of one kind with one name.
    #[error("{scenario}: two {kind} objects are named `{name}`")]
    Duplicate {
        /// The scenario's id.
        scenario: String,
        /// Kind of object.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// No scenario of this id.
    #[error("there is no scenario `{id}` in {path}{suggestion}")]
    NoScenario {
        /// The id.
        id: String,
        /// The file.
        path: String,
        /// "; did you mean …?" or nothing.
        suggestion: String,
    },
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Document {
    /// What objects have that do not say otherwise.
    pub defaults: Defaults,
    /// The scenarios, in the file's order; one for a file that holds a single topology.
    pub scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteFile {
    #[allow(dead_code, reason = "the only version so far; kept so that the field is not unknown")]
    #[serde(default)]
    version: u32,
    #[allow(dead_code, reason = "documentation inside the file")]
    #[serde(default)]
    reason_codes: serde_json::Value,
    #[allow(dead_code, reason = "documentation inside the file")]
    #[serde(default)]
    control_errors: serde_json::Value,
    #[serde(default)]
    defaults: Defaults,
    scenarios: Vec<Scenario>,
}

/// What objects have that do not say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Region of VPCs.
    pub region: String,
    /// Site of accounts.
    pub site: String,
    /// Account of VPCs, groups and steps.
    pub account: String,
    /// Address of the host in the Internet.
    pub internet_host: IpAddr,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            region: "region-1".to_owned(),
            site: "cn".to_owned(),
            account: "acct-a".to_owned(),
            internet_host: IpAddr::from([203, 0, 113, 10]),
        }
    }
}

macro_rules! document_types {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the fields are those of the document, explained in its header")]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)* })*
    };
}

document_types! {
    /// One topology with what is expected of it.
    Scenario {
        #[serde(default)] id: String,
        #[serde(default)] title: String,
        #[serde(default)] source: String,
        #[serde(default)] rules: Vec<String>,
        #[serde(default)] defaults: Option<Defaults>,
        vpcs: Vec<Vpc>,
        #[serde(default)] subnets: Vec<Subnet>,
        #[serde(default)] workloads: Vec<Workload>,
        #[serde(default)] vips: Vec<Vip>,
        #[serde(default)] nat_gateways: Vec<NatGateway>,
        #[serde(default)] security_groups: Vec<SecurityGroup>,
        #[serde(default)] network_acls: Vec<NetworkAcl>,
        #[serde(default)] peerings: Vec<Peering>,
        #[serde(default)] route_tables: Vec<RouteTable>,
        #[serde(default)] routes: Vec<Route>,
        #[serde(default)] expect: Vec<Expect>,
        #[serde(default)] control: Vec<Control>,
        #[serde(default)] steps: Vec<Step>,
    }
    /// A VPC; the first CIDR is the primary one.
    Vpc {
        name: String,
        cidrs: Vec<String>,
        #[serde(default)] region: Option<String>,
        #[serde(default)] site: Option<String>,
        #[serde(default)] account: Option<String>,
        #[serde(default)] edge_site: Option<String>,
    }
    /// A subnet.
    Subnet {
        name: String,
        vpc: String,
        cidr: String,
        #[serde(default)] cidr6: Option<String>,
        #[serde(default)] gateway: Option<String>,
    }
    /// A server.
    Workload {
        name: String,
        subnet: String,
        #[serde(default)] ip: Option<String>,
        #[serde(default)] ip6: Option<String>,
        #[serde(default)] kind: Option<String>,
        #[serde(default)] sgs: Option<Vec<String>>,
        #[serde(default)] src_dst_check: Option<bool>,
        #[serde(default)] eip: Option<String>,
        #[serde(default)] snat: Vec<String>,
        #[serde(default)] snat_to: Option<String>,
    }
    /// A virtual IP.
    Vip {
        name: String,
        subnet: String,
        ip: String,
        #[serde(default)] bound: Vec<String>,
        #[serde(default)] holder: Option<String>,
        #[serde(default)] eip: Option<String>,
    }
    /// A NAT gateway.
    NatGateway {
        name: String,
        vpc: String,
        #[serde(default)] snat: Vec<serde_json::Value>,
        #[serde(default)] dnat: Vec<serde_json::Value>,
    }
    /// A security group.
    SecurityGroup {
        name: String,
        #[serde(default)] account: Option<String>,
        #[serde(default)] rules: Vec<GroupRule>,
    }
    /// A rule of a security group.
    GroupRule {
        dir: String,
        #[serde(default)] action: Option<String>,
        #[serde(default)] priority: Option<u8>,
        #[serde(default)] version: Option<u8>,
        #[serde(default)] proto: Option<String>,
        #[serde(default)] port: Option<Ports>,
        #[serde(default)] remote: Option<String>,
    }
    /// A network ACL.
    NetworkAcl {
        name: String,
        #[serde(default)] account: Option<String>,
        #[serde(default)] subnets: Vec<String>,
        #[serde(default)] rules: Vec<AclRule>,
        #[serde(default)] enabled: Option<bool>,
    }
    /// A rule of a network ACL.
    AclRule {
        dir: String,
        #[serde(default)] action: Option<String>,
        #[serde(default)] priority: Option<u32>,
        #[serde(default)] version: Option<u8>,
        #[serde(default)] proto: Option<String>,
        #[serde(default)] source: Option<String>,
        #[serde(default)] destination: Option<String>,
        #[serde(default)] sport: Option<Ports>,
        #[serde(default)] dport: Option<Ports>,
        #[serde(default)] enabled: Option<bool>,
    }
    /// A peering connection and the state it is in.
    Peering {
        name: String,
        local: String,
        peer: String,
        #[serde(default)] status: Option<String>,
        #[serde(default)] description: Option<String>,
    }
    /// A custom route table.
    RouteTable {
        name: String,
        vpc: String,
        #[serde(default)] subnets: Vec<String>,
    }
    /// A custom route.
    Route {
        table: String,
        destination: String,
        next_hop_type: String,
        next_hop: String,
    }
    /// What a packet should do.
    Expect {
        from: String,
        to: String,
        proto: String,
        #[serde(default)] port: Option<u16>,
        #[serde(default)] family: Option<u8>,
        reachable: bool,
        #[serde(default)] reason: Option<String>,
        #[serde(default)] leg: Option<String>,
        #[serde(default)] at: Option<String>,
        #[serde(default)] observed_source: Option<String>,
        #[serde(default)] delivered_to: Option<String>,
        #[serde(default)] via: Option<Vec<String>>,
        #[serde(default)] return_via: Option<Vec<String>>,
        #[serde(default)] intended: Option<String>,
        #[serde(default)] to_vpc: Option<String>,
    }
    /// A change, followed by its own expectations.
    Step {
        r#do: Operation,
        #[serde(default)] expect: Vec<Expect>,
        #[serde(default)] routes_left: Option<Vec<serde_json::Value>>,
    }
}

/// An operation and what becomes of it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Control {
    /// The operation.
    #[serde(flatten)]
    pub operation: Operation,
    /// `accepted` or `refused`.
    pub result: String,
    /// The error's internal code, for `refused`.
    #[serde(default)]
    pub error: Option<String>,
    /// The state that the object then has.
    #[serde(default)]
    pub status: Option<String>,
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(d)? {
            serde_json::Value::Number(n) => Ok(Self(n.to_string())),
            serde_json::Value::String(s) => Ok(Self(s)),
            other => Err(serde::de::Error::custom(format!("a port or a range such as 80 or \"1-1024\", not {other}"))),
        }
    }
}

/// A port, or a text such as `1-1024` or `22,80`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(pub String);

/// An operation of `control` and `steps`: its name, who calls, and its parameters.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Operation {
    /// `create_peering`, `add_route` …
    pub op: String,
    /// The account that calls.
    #[serde(default)]
    pub by: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

impl Operation {
    /// A parameter that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.fields.get(name)? {
            serde_json::Value::String(text) => Some(Cow::Borrowed(text)),
            // A name such as 7.
            serde_json::Value::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

impl Document {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`DocumentError`], with the place of the mistake.
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| DocumentError::Read { path: name.clone(), source })?;
        Self::parse(&text, &name)
    }

    /// Reads and checks a text; `path` is for messages.
    ///
    /// # Errors
    /// [`DocumentError`], with the place of the mistake.
    pub fn parse(text: &str, path: &str) -> Result<Self, DocumentError> {
        let format = |message: String| DocumentError::Format { path: path.to_owned(), message };
        // `n`, `on`, `yes` are names in YAML 1.2, and VPCs and servers have such names.
        let options = serde_saphyr::options! { strict_booleans: true };
        let top: serde_json::Value =
            serde_saphyr::from_str_with_options(text, options.clone()).map_err(|e| format(e.to_string()))?;
        let document = if top.get("scenarios").is_some() {
            let suite: SuiteFile =
                serde_saphyr::from_str_with_options(text, options).map_err(|e| format(e.to_string()))?;
            Self { defaults: suite.defaults, scenarios: suite.scenarios }
        } else {
            let mut scenario: Scenario =
                serde_saphyr::from_str_with_options(text, options).map_err(|e| format(e.to_string()))?;
            if scenario.id.is_empty() {
                scenario.id = "topology".to_owned();
            }
            Self { defaults: scenario.defaults.clone().unwrap_or_default(), scenarios: vec![scenario] }
        };
        for scenario in &document.scenarios {
            scenario.check_names()?;
        }
        Ok(document)
    }

    /// The scenarios of these ids, or all of them when no id is given.
    ///
    /// # Errors
    /// [`DocumentError::NoScenario`].
    pub fn select(&self, ids: &[String], path: &str) -> Result<Vec<&Scenario>, DocumentError> {
        if ids.is_empty() {
            return Ok(self.scenarios.iter().collect());
        }
        ids.iter()
            .map(|id| {
                self.scenarios.iter().find(|s| s.id == *id).ok_or_else(|| DocumentError::NoScenario {
                    id: id.clone(),
                    path: path.to_owned(),
                    suggestion: suggestion(id, self.scenarios.iter().map(|s| s.id.as_str())),
                })
            })
            .collect()
    }
}

impl Scenario {
    /// The name of a VPC's default route table.
    #[must_use]
    pub fn default_table(vpc: &str) -> String {
        format!("rtb-{vpc}")
    }

    /// Checks that names are unique in their kind and that what is named exists.
    fn check_names(&self) -> Result<(), DocumentError> {
        let vpcs = self.unique("vpcs", self.vpcs.iter().map(|o| o.name.as_str()))?;
        let subnets = self.unique("subnets", self.subnets.iter().map(|o| o.name.as_str()))?;
        let peerings = self.unique("peerings", self.peerings.iter().map(|o| o.name.as_str()))?;
        let custom = self.unique("route_tables", self.route_tables.iter().map(|o| o.name.as_str()))?;
        let groups: Vec<&str> = self.security_groups.iter().map(|o| o.name.as_str()).collect();
        let workloads = self.unique("workloads", self.workloads.iter().map(|o| o.name.as_str()))?;
        let vips = self.unique("vips", self.vips.iter().map(|o| o.name.as_str()))?;
        let defaults: Vec<String> = vpcs.iter().map(|v| Self::default_table(v)).collect();
        let tables: Vec<&str> = custom.iter().copied().chain(defaults.iter().map(String::as_str)).collect();

        for subnet in &self.subnets {
            self.known("VPC", &subnet.vpc, &vpcs, || format!("subnet {}", subnet.name))?;
        }
        for workload in &self.workloads {
            self.known("subnet", &workload.subnet, &subnets, || format!("workload {}", workload.name))?;
            for group in workload.sgs.iter().flatten().filter(|g| *g != "default") {
                self.known("security group", group, &groups, || format!("workload {}", workload.name))?;
            }
        }
        for vip in &self.vips {
            self.known("subnet", &vip.subnet, &subnets, || format!("virtual IP {}", vip.name))?;
            for server in vip.bound.iter().chain(&vip.holder) {
                self.known("workload", server, &workloads, || format!("virtual IP {}", vip.name))?;
            }
        }
        self.unique("network_acls", self.network_acls.iter().map(|o| o.name.as_str()))?;
        for acl in &self.network_acls {
            for subnet in &acl.subnets {
                self.known("subnet", subnet, &subnets, || format!("network ACL {}", acl.name))?;
            }
        }
        for peering in &self.peerings {
            for vpc in [&peering.local, &peering.peer] {
                self.known("VPC", vpc, &vpcs, || format!("peering {}", peering.name))?;
            }
        }
        for table in &self.route_tables {
            self.known("VPC", &table.vpc, &vpcs, || format!("route table {}", table.name))?;
            for subnet in &table.subnets {
                self.known("subnet", subnet, &subnets, || format!("route table {}", table.name))?;
            }
        }
        for route in &self.routes {
            let place = || format!("route {} of {}", route.destination, route.table);
            self.known("route table", &route.table, &tables, place)?;
            if route.next_hop_type == "peering" {
                self.known("peering", &route.next_hop, &peerings, place)?;
            }
            // An address will do as well.
            if route.next_hop_type == "vip" && route.next_hop.parse::<IpAddr>().is_err() {
                self.known("virtual IP", &route.next_hop, &vips, place)?;
            }
        }
        Ok(())
    }

    fn unique<'a>(
        &self,
        kind: &'static str,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<&'a str>, DocumentError> {
        let mut seen: Vec<&str> = Vec::new();
        for name in names {
            if seen.contains(&name) {
                return Err(DocumentError::Duplicate { scenario: self.id.clone(), kind, name: name.to_owned() });
            }
            seen.push(name);
        }
        Ok(seen)
    }

    fn known(
        &self,
        kind: &'static str,
        name: &str,
        among: &[&str],
        place: impl Fn() -> String,
    ) -> Result<(), DocumentError> {
        if among.contains(&name) {
            return Ok(());
        }
        Err(DocumentError::Unknown {
            scenario: self.id.clone(),
            place: place(),
            kind,
            name: name.to_owned(),
            suggestion: suggestion(name, among.iter().copied()),
        })
    }
}

/// "; did you mean `x`?" for the most similar name, or nothing when none is near.
pub fn suggestion<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> String {
    among
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_suite_is_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/topologies.yaml");
        let document = Document::read(&path).unwrap();
        assert!(document.scenarios.len() > 25, "{}", document.scenarios.len());
        let lifecycle = document.select(&["cross-account-lifecycle".to_owned()], "suite").unwrap()[0];
        assert_eq!(lifecycle.steps[0].r#do.op, "accept_peering");
        assert_eq!(lifecycle.steps[0].r#do.by.as_deref(), Some("acct-b"));
        assert_eq!(lifecycle.steps[0].r#do.text("peering").as_deref(), Some("Peering-AB"));
    }

    #[test]
    fn a_single_topology_needs_no_list() {
        let document = Document::parse("vpcs:\n- {name: a, cidrs: [10.0.0.0/16]}\n", "x.yaml").unwrap();
        assert_eq!(document.scenarios[0].vpcs[0].name, "a");
    }

    #[test]
    fn a_name_that_looks_like_a_boolean_or_a_number_is_a_name() {
        let text = "vpcs:\n- {name: n, cidrs: [10.0.0.0/16]}\nsteps:\n- do: {op: delete_vpc, vpc: n, name: 7}\n";
        let document = Document::parse(text, "x.yaml").unwrap();
        assert_eq!(document.scenarios[0].vpcs[0].name, "n");
        let operation = &document.scenarios[0].steps[0].r#do;
        assert_eq!((operation.text("vpc").as_deref(), operation.text("name").as_deref()), (Some("n"), Some("7")));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let unknown =
            "vpcs:\n- {name: vpc-a, cidrs: [10.0.0.0/16]}\nsubnets:\n- {name: s, vpc: vpc-b, cidr: 10.0.0.0/24}\n";
        let error = Document::parse(unknown, "x.yaml").unwrap_err().to_string();
        assert!(error.contains("subnet s names VPC `vpc-b`") && error.contains("did you mean `vpc-a`"), "{error}");
        let error = Document::parse("vpcs:\n- {nam: a, cidrs: []}\n", "x.yaml").unwrap_err().to_string();
        assert!(error.contains("nam"), "{error}");
        assert!(Document::parse("vpcs: [", "x.yaml").is_err());
        assert!(Document::parse("just text", "x.yaml").is_err());
    }
}
