//! The API families: each has its own shape of errors (api-vpc §0.1, api-errors §1).

/// A family of operations that share path shape and error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `/v1/{project}` and the v2.0 tags: `{"code","message"}`.
    V1,
    /// `/v2.0`: `{"NeutronError":{"type","message","detail"}}`.
    Neutron,
    /// `/v3/{project}`: `{"request_id","error_code","error_msg"}`.
    V3,
    /// `/v3` of the identity service: `{"error":{"code","message","title"}}`.
    Keystone,
    /// `/v3.0` of the identity service: `{"error_code","error_msg"}`.
    Iam,
    /// `/v1.0/enterprise-projects`: `{"error":{"error_code","error_msg"}}`.
    Enterprise,
    /// `/causeway/v1`: `{"error_code","error_msg","request_id"}`.
    Causeway,
    /// Everything else: the gateway's own answers, `{"error_msg","error_code","request_id"}`.
    Gateway,
}

/// What of the identity service lies directly under `/v3`; every other first segment is a project.
const IDENTITY: [&str; 12] = [
    "auth",
    "projects",
    "users",
    "domains",
    "regions",
    "services",
    "endpoints",
    "groups",
    "roles",
    "policies",
    "credentials",
    "OS-INHERIT",
];

impl Family {
    /// The families that carry the network API.
    pub const NETWORK: [Self; 3] = [Self::V1, Self::Neutron, Self::V3];

    /// The family of a path without doubled slashes.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let (first, second) = (segments.next().unwrap_or_default(), segments.next());
        match (first, second) {
            ("v1", Some(_)) => Self::V1,
            ("v2.0", Some(second)) if is_project(second) => Self::V1,
            // Tags of what is no project: the refusal is still one of tags.
            ("v2.0", Some(second)) if !COLLECTIONS.contains(&second) && segments.any(is_of_tags) => Self::V1,
            ("v2.0", _) => Self::Neutron,
            ("v3", None) => Self::Keystone,
            ("v3", Some(second)) if IDENTITY.contains(&second) => Self::Keystone,
            ("v3", Some(_)) => Self::V3,
            ("v3.0" | "v3-ext" | "v5", _) => Self::Iam,
            ("v1.0", Some("enterprise-projects")) => Self::Enterprise,
            ("causeway", _) => Self::Causeway,
            _ => Self::Gateway,
        }
    }
}

/// What of v2.0 lies directly under it.
const COLLECTIONS: [&str; 10] = [
    "vpc",
    "ports",
    "networks",
    "subnets",
    "routers",
    "security-groups",
    "security-group-rules",
    "fwaas",
    "network-ip-availabilities",
    "extensions",
];

fn is_of_tags(segment: &str) -> bool {
    matches!(segment, "tags" | "resource_instances")
}

fn is_project(segment: &str) -> bool {
    segment.len() == 32 && segment.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The kind of object that a path speaks of: some codes differ by it (api-errors §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// VPCs.
    Vpc,
    /// Subnets.
    Subnet,
    /// Route tables.
    RouteTable,
    /// Legacy routes.
    Route,
    /// Peering connections.
    Peering,
    /// Ports.
    Port,
    /// Security groups.
    SecurityGroup,
    /// Security group rules.
    SecurityGroupRule,
    /// Quotas.
    Quota,
    /// Networks of the Neutron views.
    Network,
    /// Routers of the Neutron views.
    Router,
    /// Private IPs.
    PrivateIp,
    /// How many addresses networks have.
    IpAvailability,
    /// Tags of any object, and objects by their tags.
    Tag,
    /// Anything else.
    Other,
}

impl Resource {
    /// The kind of object that the path's last matching segment names.
    #[must_use]
    pub fn of(path: &str) -> Self {
        // A tag's key may be any word.
        if path.rsplit('/').nth(1) == Some("tags") {
            return Self::Tag;
        }
        path.rsplit('/')
            .find_map(|segment| {
                Some(match segment {
                    "vpcs" => Self::Vpc,
                    "subnets" | "virsubnets" => Self::Subnet,
                    "routetables" | "route-tables" => Self::RouteTable,
                    "routes" => Self::Route,
                    "peerings" => Self::Peering,
                    "ports" => Self::Port,
                    "security-groups" => Self::SecurityGroup,
                    "security-group-rules" => Self::SecurityGroupRule,
                    "quotas" => Self::Quota,
                    "networks" => Self::Network,
                    "routers" => Self::Router,
                    "privateips" => Self::PrivateIp,
                    "network-ip-availabilities" => Self::IpAvailability,
                    "tags" | "resource_instances" | "resource-instances" => Self::Tag,
                    _ => return None,
                })
            })
            .unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// api-vpc §0.1.
    #[test]
    fn the_path_decides_the_family() {
        let project = "0605767a9980d5792f4fc00ce5a7a1f1";
        for (path, family) in [
            (format!("/v1/{project}/vpcs"), Family::V1),
            (format!("/v2.0/{project}/vpcs/x/tags"), Family::V1),
            ("/v2.0/no-project/vpcs/x/tags".to_owned(), Family::V1),
            ("/v2.0/fwaas/firewall_groups/tags".to_owned(), Family::Neutron),
            ("/v2.0/vpc/peerings".to_owned(), Family::Neutron),
            ("/v2.0/ports/x".to_owned(), Family::Neutron),
            (format!("/v3/{project}/vpc/vpcs"), Family::V3),
            ("/v3".to_owned(), Family::Keystone),
            ("/v3/auth/tokens".to_owned(), Family::Keystone),
            ("/v3/projects".to_owned(), Family::Keystone),
            ("/v3.0/OS-CREDENTIAL/credentials".to_owned(), Family::Iam),
            ("/v1.0/enterprise-projects/0/resources-migrate".to_owned(), Family::Enterprise),
            ("/causeway/v1/status".to_owned(), Family::Causeway),
            ("/".to_owned(), Family::Gateway),
        ] {
            assert_eq!(Family::of(&path), family, "{path}");
        }
    }

    #[test]
    fn the_last_collection_of_a_path_is_its_resource() {
        assert_eq!(Resource::of("/v1/p/vpcs/x/subnets/y"), Resource::Subnet);
        assert_eq!(Resource::of("/v1/p/vpcs/x"), Resource::Vpc);
        assert_eq!(Resource::of("/v2.0/vpc/peerings/x/accept"), Resource::Peering);
        assert_eq!(Resource::of("/v3/projects"), Resource::Other);
        for path in
            ["vpcs/x/tags", "vpcs/x/tags/action", "vpcs/x/tags/vpcs", "vpcs/tags", "vpcs/resource_instances/action"]
        {
            assert_eq!(Resource::of(&format!("/v2.0/p/{path}")), Resource::Tag, "{path}");
        }
        assert_eq!(Resource::of("/v3/p/ports/resource-instances/filter"), Resource::Tag);
    }
}
