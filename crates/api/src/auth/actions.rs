//! Which action each operation is (api-iam §9.4): the one table of the authorisation layer.
//!
//! Every operation of the OpenAPI document has a line here; a test fails when one is missing, and a request without a
//! line is refused. Adding an operation is adding a line.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    method: &'static str,
    /// The path's template, as the router and the OpenAPI document write it.
    path: &'static str,
    /// `service:type:operation`; empty for what every user may do.
    pub(crate) action: &'static str,
    /// The type part of the resource.
    pub(crate) resource: &'static str,
    /// Whether a user may do it to itself unless a statement denies it.
    pub(crate) own: bool,
}

/// An operation that needs an action on a type of resource; the object is the last of the path's parameters.
const fn on(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: false }
}

/// The same, and a user may do it to itself: the handler asks [`super::Identity::reach`].
const fn own(method: &'static str, path: &'static str, action: &'static str, resource: &'static str) -> Rule {
    Rule { method, path, action, resource, own: true }
}

/// An operation that every user may do: what a client needs to find its way (api-iam §6).
const fn every(method: &'static str, path: &'static str) -> Rule {
    Rule { method, path, action: "", resource: "", own: false }
}

const RULES: &[Rule] = &[
    on("GET", "/v1/{project_id}/vpcs", "vpc:vpcs:list", "vpc"),
    on("POST", "/v1/{project_id}/vpcs", "vpc:vpcs:create", "vpc"),
    on("GET", "/v1/{project_id}/vpcs/{vpc_id}", "vpc:vpcs:get", "vpc"),
    on("PUT", "/v1/{project_id}/vpcs/{vpc_id}", "vpc:vpcs:update", "vpc"),
    on("DELETE", "/v1/{project_id}/vpcs/{vpc_id}", "vpc:vpcs:delete", "vpc"),
    on("GET", "/v3/{project_id}/vpc/vpcs", "vpc:vpcs:list", "vpc"),
    on("POST", "/v3/{project_id}/vpc/vpcs", "vpc:vpcs:create", "vpc"),
    on("GET", "/v3/{project_id}/vpc/vpcs/{vpc_id}", "vpc:vpcs:get", "vpc"),
    on("PUT", "/v3/{project_id}/vpc/vpcs/{vpc_id}", "vpc:vpcs:update", "vpc"),
    on("DELETE", "/v3/{project_id}/vpc/vpcs/{vpc_id}", "vpc:vpcs:delete", "vpc"),
    on("PUT", "/v3/{project_id}/vpc/vpcs/{vpc_id}/add-extend-cidr", "vpc:vpcs:update", "vpc"),
    on("PUT", "/v3/{project_id}/vpc/vpcs/{vpc_id}/remove-extend-cidr", "vpc:vpcs:update", "vpc"),
    on("GET", "/v1/{project_id}/subnets", "vpc:subnets:get", "subnet"),
    on("POST", "/v1/{project_id}/subnets", "vpc:subnets:create", "subnet"),
    on("GET", "/v1/{project_id}/subnets/{subnet_id}", "vpc:subnets:get", "subnet"),
    on("PUT", "/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}", "vpc:subnets:update", "subnet"),
    on("DELETE", "/v1/{project_id}/vpcs/{vpc_id}/subnets/{subnet_id}", "vpc:subnets:delete", "subnet"),
    on("GET", "/v1/{project_id}/routetables", "vpc:routeTables:list", "routeTable"),
    on("POST", "/v1/{project_id}/routetables", "vpc:routeTables:create", "routeTable"),
    on("GET", "/v1/{project_id}/routetables/{routetable_id}", "vpc:routeTables:get", "routeTable"),
    on("PUT", "/v1/{project_id}/routetables/{routetable_id}", "vpc:routeTables:update", "routeTable"),
    on("DELETE", "/v1/{project_id}/routetables/{routetable_id}", "vpc:routeTables:delete", "routeTable"),
    on("POST", "/v1/{project_id}/routetables/{routetable_id}/action", "vpc:routeTables:associate", "routeTable"),
    on("GET", "/v2.0/vpc/peerings", "vpc:peerings:get", "peering"),
    on("POST", "/v2.0/vpc/peerings", "vpc:peerings:create", "peering"),
    on("GET", "/v2.0/vpc/peerings/{peering_id}", "vpc:peerings:get", "peering"),
    on("PUT", "/v2.0/vpc/peerings/{peering_id}", "vpc:peerings:update", "peering"),
    on("DELETE", "/v2.0/vpc/peerings/{peering_id}", "vpc:peerings:delete", "peering"),
    on("PUT", "/v2.0/vpc/peerings/{peering_id}/accept", "vpc:peerings:accept", "peering"),
    on("PUT", "/v2.0/vpc/peerings/{peering_id}/reject", "vpc:peerings:reject", "peering"),
    on("GET", "/v2.0/vpc/routes", "vpc:routes:list", "route"),
    on("POST", "/v2.0/vpc/routes", "vpc:routes:create", "route"),
    on("GET", "/v2.0/vpc/routes/{route_id}", "vpc:routes:get", "route"),
    on("DELETE", "/v2.0/vpc/routes/{route_id}", "vpc:routes:delete", "route"),
    on("GET", "/v1/{project_id}/ports", "vpc:ports:get", "port"),
    on("POST", "/v1/{project_id}/ports", "vpc:ports:create", "port"),
    on("GET", "/v1/{project_id}/ports/{port_id}", "vpc:ports:get", "port"),
    on("PUT", "/v1/{project_id}/ports/{port_id}", "vpc:ports:update", "port"),
    on("DELETE", "/v1/{project_id}/ports/{port_id}", "vpc:ports:delete", "port"),
    on("GET", "/v2.0/ports", "vpc:ports:get", "port"),
    on("POST", "/v2.0/ports", "vpc:ports:create", "port"),
    on("GET", "/v2.0/ports/{port_id}", "vpc:ports:get", "port"),
    on("PUT", "/v2.0/ports/{port_id}", "vpc:ports:update", "port"),
    on("DELETE", "/v2.0/ports/{port_id}", "vpc:ports:delete", "port"),
    on("GET", "/v1/{project_id}/security-groups", "vpc:securityGroups:get", "securityGroup"),
    on("POST", "/v1/{project_id}/security-groups", "vpc:securityGroups:create", "securityGroup"),
    on("GET", "/v1/{project_id}/security-groups/{group_id}", "vpc:securityGroups:get", "securityGroup"),
    on("DELETE", "/v1/{project_id}/security-groups/{group_id}", "vpc:securityGroups:delete", "securityGroup"),
    on("GET", "/v1/{project_id}/security-group-rules", "vpc:securityGroupRules:get", "securityGroupRule"),
    on("POST", "/v1/{project_id}/security-group-rules", "vpc:securityGroupRules:create", "securityGroupRule"),
    on("GET", "/v1/{project_id}/security-group-rules/{rule_id}", "vpc:securityGroupRules:get", "securityGroupRule"),
    on(
        "DELETE",
        "/v1/{project_id}/security-group-rules/{rule_id}",
        "vpc:securityGroupRules:delete",
        "securityGroupRule",
    ),
    on("GET", "/v2.0/security-groups", "vpc:securityGroups:get", "securityGroup"),
    on("POST", "/v2.0/security-groups", "vpc:securityGroups:create", "securityGroup"),
    on("GET", "/v2.0/security-groups/{group_id}", "vpc:securityGroups:get", "securityGroup"),
    on("PUT", "/v2.0/security-groups/{group_id}", "vpc:securityGroups:update", "securityGroup"),
    on("DELETE", "/v2.0/security-groups/{group_id}", "vpc:securityGroups:delete", "securityGroup"),
    on("GET", "/v2.0/security-group-rules", "vpc:securityGroupRules:get", "securityGroupRule"),
    on("POST", "/v2.0/security-group-rules", "vpc:securityGroupRules:create", "securityGroupRule"),
    on("GET", "/v2.0/security-group-rules/{rule_id}", "vpc:securityGroupRules:get", "securityGroupRule"),
    on("DELETE", "/v2.0/security-group-rules/{rule_id}", "vpc:securityGroupRules:delete", "securityGroupRule"),
    on("GET", "/v3/{project_id}/vpc/security-groups", "vpc:securityGroups:get", "securityGroup"),
    on("POST", "/v3/{project_id}/vpc/security-groups", "vpc:securityGroups:create", "securityGroup"),
    on("GET", "/v3/{project_id}/vpc/security-groups/{group_id}", "vpc:securityGroups:get", "securityGroup"),
    on("PUT", "/v3/{project_id}/vpc/security-groups/{group_id}", "vpc:securityGroups:update", "securityGroup"),
    on("DELETE", "/v3/{project_id}/vpc/security-groups/{group_id}", "vpc:securityGroups:delete", "securityGroup"),
    on("GET", "/v3/{project_id}/vpc/security-group-rules", "vpc:securityGroupRules:get", "securityGroupRule"),
    on("POST", "/v3/{project_id}/vpc/security-group-rules", "vpc:securityGroupRules:create", "securityGroupRule"),
    on("GET", "/v3/{project_id}/vpc/security-group-rules/{rule_id}", "vpc:securityGroupRules:get", "securityGroupRule"),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/security-group-rules/{rule_id}",
        "vpc:securityGroupRules:delete",
        "securityGroupRule",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/security-groups/{group_id}/security-group-rules/batch-create",
        "vpc:securityGroupRules:create",
        "securityGroup",
    ),
    on("GET", "/v3/{project_id}/vpc/firewalls", "vpc:firewalls:list", "firewall"),
    on("POST", "/v3/{project_id}/vpc/firewalls", "vpc:firewalls:create", "firewall"),
    on("GET", "/v3/{project_id}/vpc/firewalls/{firewall_id}", "vpc:firewalls:get", "firewall"),
    on("PUT", "/v3/{project_id}/vpc/firewalls/{firewall_id}", "vpc:firewalls:update", "firewall"),
    on("DELETE", "/v3/{project_id}/vpc/firewalls/{firewall_id}", "vpc:firewalls:delete", "firewall"),
    on("PUT", "/v3/{project_id}/vpc/firewalls/{firewall_id}/insert-rules", "vpc:firewalls:updateRules", "firewall"),
    on("PUT", "/v3/{project_id}/vpc/firewalls/{firewall_id}/update-rules", "vpc:firewalls:updateRules", "firewall"),
    on("PUT", "/v3/{project_id}/vpc/firewalls/{firewall_id}/remove-rules", "vpc:firewalls:updateRules", "firewall"),
    on("PUT", "/v3/{project_id}/vpc/firewalls/{firewall_id}/associate-subnets", "vpc:firewalls:associate", "firewall"),
    on(
        "PUT",
        "/v3/{project_id}/vpc/firewalls/{firewall_id}/disassociate-subnets",
        "vpc:firewalls:associate",
        "firewall",
    ),
    on("GET", "/v2.0/fwaas/firewall_groups", "vpc:firewallGroups:list", "firewallGroup"),
    on("POST", "/v2.0/fwaas/firewall_groups", "vpc:firewallGroups:create", "firewallGroup"),
    on("GET", "/v2.0/fwaas/firewall_groups/{firewall_group_id}", "vpc:firewallGroups:get", "firewallGroup"),
    on("PUT", "/v2.0/fwaas/firewall_groups/{firewall_group_id}", "vpc:firewallGroups:update", "firewallGroup"),
    on("DELETE", "/v2.0/fwaas/firewall_groups/{firewall_group_id}", "vpc:firewallGroups:delete", "firewallGroup"),
    on("GET", "/v2.0/fwaas/firewall_policies", "vpc:firewallPolicies:list", "firewallPolicy"),
    on("POST", "/v2.0/fwaas/firewall_policies", "vpc:firewallPolicies:create", "firewallPolicy"),
    on("GET", "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", "vpc:firewallPolicies:get", "firewallPolicy"),
    on("PUT", "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", "vpc:firewallPolicies:update", "firewallPolicy"),
    on("DELETE", "/v2.0/fwaas/firewall_policies/{firewall_policy_id}", "vpc:firewallPolicies:delete", "firewallPolicy"),
    on(
        "PUT",
        "/v2.0/fwaas/firewall_policies/{firewall_policy_id}/insert_rule",
        "vpc:firewallPolicies:update",
        "firewallPolicy",
    ),
    on(
        "PUT",
        "/v2.0/fwaas/firewall_policies/{firewall_policy_id}/remove_rule",
        "vpc:firewallPolicies:update",
        "firewallPolicy",
    ),
    on("GET", "/v2.0/fwaas/firewall_rules", "vpc:firewallRules:list", "firewallRule"),
    on("POST", "/v2.0/fwaas/firewall_rules", "vpc:firewallRules:create", "firewallRule"),
    on("GET", "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", "vpc:firewallRules:get", "firewallRule"),
    on("PUT", "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", "vpc:firewallRules:update", "firewallRule"),
    on("DELETE", "/v2.0/fwaas/firewall_rules/{firewall_rule_id}", "vpc:firewallRules:delete", "firewallRule"),
    on("GET", "/v3/{project_id}/vpc/address-groups", "vpc:addressGroups:list", "addressGroup"),
    on("POST", "/v3/{project_id}/vpc/address-groups", "vpc:addressGroups:create", "addressGroup"),
    on("GET", "/v3/{project_id}/vpc/address-groups/{address_group_id}", "vpc:addressGroups:get", "addressGroup"),
    on("PUT", "/v3/{project_id}/vpc/address-groups/{address_group_id}", "vpc:addressGroups:update", "addressGroup"),
    on("DELETE", "/v3/{project_id}/vpc/address-groups/{address_group_id}", "vpc:addressGroups:delete", "addressGroup"),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/address-groups/{address_group_id}/force",
        "vpc:addressGroups:delete",
        "addressGroup",
    ),
    on("GET", "/v3/{project_id}/vpc/list-address-groups-dependency", "vpc:addressGroups:list", "addressGroup"),
    on("GET", "/v1/{project_id}/quotas", "vpc:quotas:list", "quota"),
    on("GET", "/v2.0/networks", "vpc:networks:get", "network"),
    on("POST", "/v2.0/networks", "vpc:networks:create", "network"),
    on("GET", "/v2.0/networks/{network_id}", "vpc:networks:get", "network"),
    on("PUT", "/v2.0/networks/{network_id}", "vpc:networks:update", "network"),
    on("DELETE", "/v2.0/networks/{network_id}", "vpc:networks:delete", "network"),
    on("GET", "/v2.0/network-ip-availabilities", "vpc:networks:get", "network"),
    on("GET", "/v2.0/network-ip-availabilities/{network_id}", "vpc:networks:get", "network"),
    on("GET", "/v2.0/subnets", "vpc:subnets:get", "subnet"),
    on("POST", "/v2.0/subnets", "vpc:subnets:create", "subnet"),
    on("GET", "/v2.0/subnets/{subnet_id}", "vpc:subnets:get", "subnet"),
    on("PUT", "/v2.0/subnets/{subnet_id}", "vpc:subnets:update", "subnet"),
    on("DELETE", "/v2.0/subnets/{subnet_id}", "vpc:subnets:delete", "subnet"),
    on("GET", "/v2.0/routers", "vpc:routers:get", "router"),
    on("POST", "/v2.0/routers", "vpc:routers:create", "router"),
    on("GET", "/v2.0/routers/{router_id}", "vpc:routers:get", "router"),
    on("PUT", "/v2.0/routers/{router_id}", "vpc:routers:update", "router"),
    on("DELETE", "/v2.0/routers/{router_id}", "vpc:routers:delete", "router"),
    on("PUT", "/v2.0/routers/{router_id}/add_router_interface", "vpc:routers:update", "router"),
    on("PUT", "/v2.0/routers/{router_id}/remove_router_interface", "vpc:routers:update", "router"),
    on("GET", "/v1/{project_id}/subnets/{subnet_id}/privateips", "vpc:privateIps:list", "privateIp"),
    on("POST", "/v1/{project_id}/privateips", "vpc:privateIps:create", "privateIp"),
    on("GET", "/v1/{project_id}/privateips/{privateip_id}", "vpc:privateIps:get", "privateIp"),
    on("DELETE", "/v1/{project_id}/privateips/{privateip_id}", "vpc:privateIps:delete", "privateIp"),
    on(
        "GET",
        "/v3/{project_id}/vpc/virsubnet-cidr-reservations",
        "vpc:subnetCidrReservations:list",
        "subnetCidrReservation",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/virsubnet-cidr-reservations",
        "vpc:subnetCidrReservations:create",
        "subnetCidrReservation",
    ),
    on(
        "GET",
        "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
        "vpc:subnetCidrReservations:get",
        "subnetCidrReservation",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
        "vpc:subnetCidrReservations:update",
        "subnetCidrReservation",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
        "vpc:subnetCidrReservations:delete",
        "subnetCidrReservation",
    ),
    on("GET", "/v3/{project_id}/vpc/virsubnets", "vpc:subnets:get", "subnet"),
    on("GET", "/v3/{project_id}/vpc/virsubnets/{virsubnet_id}", "vpc:subnets:get", "subnet"),
    on("GET", "/v3/{project_id}/ports", "vpc:ports:get", "port"),
    on("GET", "/v3/{project_id}/ports/{port_id}", "vpc:ports:get", "port"),
    on("PUT", "/v3/{project_id}/ports/{port_id}/insert-security-groups", "vpc:ports:update", "port"),
    on("PUT", "/v3/{project_id}/ports/{port_id}/remove-security-groups", "vpc:ports:update", "port"),
    on("GET", "/v3/{project_id}/vpc/sub-network-interfaces", "vpc:subNetworkInterfaces:list", "subNetworkInterface"),
    on("POST", "/v3/{project_id}/vpc/sub-network-interfaces", "vpc:subNetworkInterfaces:create", "subNetworkInterface"),
    on(
        "GET",
        "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
        "vpc:subNetworkInterfaces:get",
        "subNetworkInterface",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
        "vpc:subNetworkInterfaces:update",
        "subNetworkInterface",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}",
        "vpc:subNetworkInterfaces:delete",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/sub-network-interfaces/batch-create",
        "vpc:subNetworkInterfaces:create",
        "subNetworkInterface",
    ),
    on(
        "GET",
        "/v3/{project_id}/vpc/sub-network-interfaces/count",
        "vpc:subNetworkInterfaces:list",
        "subNetworkInterface",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/sub-network-interfaces/migrate",
        "vpc:subNetworkInterfaces:update",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}/attach",
        "vpc:subNetworkInterfaces:update",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/sub-network-interfaces/{sub_network_interface_id}/detach",
        "vpc:subNetworkInterfaces:update",
        "subNetworkInterface",
    ),
    on("GET", "/v3/{project_id}/vpc/quotas", "vpc:quotas:list", "quota"),
    on("GET", "/v1/{project_id}/fl/flow_logs", "vpc:flowLogs:list", "flowLog"),
    on("POST", "/v1/{project_id}/fl/flow_logs", "vpc:flowLogs:create", "flowLog"),
    on("GET", "/v1/{project_id}/fl/flow_logs/{flowlog_id}", "vpc:flowLogs:get", "flowLog"),
    on("PUT", "/v1/{project_id}/fl/flow_logs/{flowlog_id}", "vpc:flowLogs:update", "flowLog"),
    on("DELETE", "/v1/{project_id}/fl/flow_logs/{flowlog_id}", "vpc:flowLogs:delete", "flowLog"),
    on("GET", "/v3/{project_id}/vpc/traffic-mirror-filters", "vpc:trafficMirrorFilters:list", "trafficMirrorFilter"),
    on("POST", "/v3/{project_id}/vpc/traffic-mirror-filters", "vpc:trafficMirrorFilters:create", "trafficMirrorFilter"),
    on(
        "GET",
        "/v3/{project_id}/vpc/traffic-mirror-filters/{traffic_mirror_filter_id}",
        "vpc:trafficMirrorFilters:get",
        "trafficMirrorFilter",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/traffic-mirror-filters/{traffic_mirror_filter_id}",
        "vpc:trafficMirrorFilters:update",
        "trafficMirrorFilter",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/traffic-mirror-filters/{traffic_mirror_filter_id}",
        "vpc:trafficMirrorFilters:delete",
        "trafficMirrorFilter",
    ),
    on(
        "GET",
        "/v3/{project_id}/vpc/traffic-mirror-filter-rules",
        "vpc:trafficMirrorFilterRules:list",
        "trafficMirrorFilterRule",
    ),
    on(
        "POST",
        "/v3/{project_id}/vpc/traffic-mirror-filter-rules",
        "vpc:trafficMirrorFilterRules:create",
        "trafficMirrorFilterRule",
    ),
    on(
        "GET",
        "/v3/{project_id}/vpc/traffic-mirror-filter-rules/{traffic_mirror_filter_rule_id}",
        "vpc:trafficMirrorFilterRules:get",
        "trafficMirrorFilterRule",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/traffic-mirror-filter-rules/{traffic_mirror_filter_rule_id}",
        "vpc:trafficMirrorFilterRules:update",
        "trafficMirrorFilterRule",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/traffic-mirror-filter-rules/{traffic_mirror_filter_rule_id}",
        "vpc:trafficMirrorFilterRules:delete",
        "trafficMirrorFilterRule",
    ),
    on("GET", "/v3/{project_id}/vpc/traffic-mirror-sessions", "vpc:trafficMirrorSessions:list", "trafficMirrorSession"),
    on(
        "POST",
        "/v3/{project_id}/vpc/traffic-mirror-sessions",
        "vpc:trafficMirrorSessions:create",
        "trafficMirrorSession",
    ),
    on(
        "GET",
        "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}",
        "vpc:trafficMirrorSessions:get",
        "trafficMirrorSession",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}",
        "vpc:trafficMirrorSessions:update",
        "trafficMirrorSession",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}",
        "vpc:trafficMirrorSessions:delete",
        "trafficMirrorSession",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}/add-sources",
        "vpc:trafficMirrorSessions:update",
        "trafficMirrorSession",
    ),
    on(
        "PUT",
        "/v3/{project_id}/vpc/traffic-mirror-sessions/{traffic_mirror_session_id}/remove-sources",
        "vpc:trafficMirrorSessions:update",
        "trafficMirrorSession",
    ),
    on("GET", "/v2.0/{project_id}/vpcs/{vpc_id}/tags", "vpc:vpcTags:get", "vpc"),
    on("POST", "/v2.0/{project_id}/vpcs/{vpc_id}/tags", "vpc:vpcTags:create", "vpc"),
    on("POST", "/v2.0/{project_id}/vpcs/{vpc_id}/tags/action", "vpc:vpcTags:create", "vpc"),
    on("DELETE", "/v2.0/{project_id}/vpcs/{vpc_id}/tags/{key}", "vpc:vpcTags:delete", "vpc"),
    on("GET", "/v2.0/{project_id}/vpcs/tags", "vpc:vpcTags:get", "vpc"),
    on("POST", "/v2.0/{project_id}/vpcs/resource_instances/action", "vpc:vpcTags:get", "vpc"),
    on("GET", "/v2.0/{project_id}/subnets/{subnet_id}/tags", "vpc:subnetTags:get", "subnet"),
    on("POST", "/v2.0/{project_id}/subnets/{subnet_id}/tags", "vpc:subnetTags:create", "subnet"),
    on("POST", "/v2.0/{project_id}/subnets/{subnet_id}/tags/action", "vpc:subnetTags:create", "subnet"),
    on("DELETE", "/v2.0/{project_id}/subnets/{subnet_id}/tags/{key}", "vpc:subnetTags:delete", "subnet"),
    on("GET", "/v2.0/{project_id}/subnets/tags", "vpc:subnetTags:get", "subnet"),
    on("POST", "/v2.0/{project_id}/subnets/resource_instances/action", "vpc:subnetTags:get", "subnet"),
    on(
        "GET",
        "/v2.0/{project_id}/security-groups/{security_group_id}/tags",
        "vpc:securityGroupTags:get",
        "securityGroup",
    ),
    on(
        "POST",
        "/v2.0/{project_id}/security-groups/{security_group_id}/tags",
        "vpc:securityGroupTags:create",
        "securityGroup",
    ),
    on(
        "POST",
        "/v2.0/{project_id}/security-groups/{security_group_id}/tags/action",
        "vpc:securityGroupTags:create",
        "securityGroup",
    ),
    on(
        "DELETE",
        "/v2.0/{project_id}/security-groups/{security_group_id}/tags/{key}",
        "vpc:securityGroupTags:delete",
        "securityGroup",
    ),
    on("GET", "/v2.0/{project_id}/security-groups/tags", "vpc:securityGroupTags:get", "securityGroup"),
    on(
        "POST",
        "/v2.0/{project_id}/security-groups/resource_instances/action",
        "vpc:securityGroupTags:get",
        "securityGroup",
    ),
    on("GET", "/v3/{project_id}/firewalls/{firewall_id}/tags", "vpc:firewallTags:get", "firewall"),
    on("POST", "/v3/{project_id}/firewalls/{firewall_id}/tags", "vpc:firewallTags:create", "firewall"),
    on("POST", "/v3/{project_id}/firewalls/{firewall_id}/tags/create", "vpc:firewallTags:create", "firewall"),
    on("POST", "/v3/{project_id}/firewalls/{firewall_id}/tags/delete", "vpc:firewallTags:delete", "firewall"),
    on("DELETE", "/v3/{project_id}/firewalls/{firewall_id}/tags/{tag_key}", "vpc:firewallTags:delete", "firewall"),
    on("GET", "/v3/{project_id}/firewalls/tags", "vpc:firewallTags:get", "firewall"),
    on("POST", "/v3/{project_id}/firewalls/resource-instances/filter", "vpc:firewallTags:get", "firewall"),
    on("POST", "/v3/{project_id}/firewalls/resource-instances/count", "vpc:firewallTags:get", "firewall"),
    on("GET", "/v3/{project_id}/ports/{port_id}/tags", "vpc:portTags:get", "port"),
    on("POST", "/v3/{project_id}/ports/{port_id}/tags", "vpc:portTags:create", "port"),
    on("POST", "/v3/{project_id}/ports/{port_id}/tags/create", "vpc:portTags:create", "port"),
    on("POST", "/v3/{project_id}/ports/{port_id}/tags/delete", "vpc:portTags:delete", "port"),
    on("DELETE", "/v3/{project_id}/ports/{port_id}/tags/{tag_key}", "vpc:portTags:delete", "port"),
    on("GET", "/v3/{project_id}/ports/tags", "vpc:portTags:get", "port"),
    on("POST", "/v3/{project_id}/ports/resource-instances/filter", "vpc:portTags:get", "port"),
    on("POST", "/v3/{project_id}/ports/resource-instances/count", "vpc:portTags:get", "port"),
    on(
        "GET",
        "/v3/{project_id}/sub-network-interfaces/{sub_network_interface_id}/tags",
        "vpc:subNetworkInterfaceTags:get",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/sub-network-interfaces/{sub_network_interface_id}/tags",
        "vpc:subNetworkInterfaceTags:create",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/sub-network-interfaces/{sub_network_interface_id}/tags/create",
        "vpc:subNetworkInterfaceTags:create",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/sub-network-interfaces/{sub_network_interface_id}/tags/delete",
        "vpc:subNetworkInterfaceTags:delete",
        "subNetworkInterface",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/sub-network-interfaces/{sub_network_interface_id}/tags/{tag_key}",
        "vpc:subNetworkInterfaceTags:delete",
        "subNetworkInterface",
    ),
    on("GET", "/v3/{project_id}/sub-network-interfaces/tags", "vpc:subNetworkInterfaceTags:get", "subNetworkInterface"),
    on(
        "POST",
        "/v3/{project_id}/sub-network-interfaces/resource-instances/filter",
        "vpc:subNetworkInterfaceTags:get",
        "subNetworkInterface",
    ),
    on(
        "POST",
        "/v3/{project_id}/sub-network-interfaces/resource-instances/count",
        "vpc:subNetworkInterfaceTags:get",
        "subNetworkInterface",
    ),
    on("GET", "/v3/{project_id}/address-groups/{address_group_id}/tags", "vpc:addressGroupTags:get", "addressGroup"),
    on(
        "POST",
        "/v3/{project_id}/address-groups/{address_group_id}/tags",
        "vpc:addressGroupTags:create",
        "addressGroup",
    ),
    on(
        "POST",
        "/v3/{project_id}/address-groups/{address_group_id}/tags/create",
        "vpc:addressGroupTags:create",
        "addressGroup",
    ),
    on(
        "POST",
        "/v3/{project_id}/address-groups/{address_group_id}/tags/delete",
        "vpc:addressGroupTags:delete",
        "addressGroup",
    ),
    on(
        "DELETE",
        "/v3/{project_id}/address-groups/{address_group_id}/tags/{tag_key}",
        "vpc:addressGroupTags:delete",
        "addressGroup",
    ),
    on("GET", "/v3/{project_id}/address-groups/tags", "vpc:addressGroupTags:get", "addressGroup"),
    on("POST", "/v3/{project_id}/address-groups/resource-instances/filter", "vpc:addressGroupTags:get", "addressGroup"),
    on("POST", "/v3/{project_id}/address-groups/resource-instances/count", "vpc:addressGroupTags:get", "addressGroup"),
    on("GET", "/v1.0/enterprise-projects", "eps:enterpriseProjects:list", "enterpriseProject"),
    on("GET", "/v1.0/enterprise-projects/{enterprise_project_id}", "eps:enterpriseProjects:get", "enterpriseProject"),
    on(
        "POST",
        "/v1.0/enterprise-projects/{enterprise_project_id}/resources-migrate",
        "eps:resources:add",
        "enterpriseProject",
    ),
    on(
        "POST",
        "/v1.0/enterprise-projects/{enterprise_project_id}/resources/filter",
        "eps:resources:list",
        "enterpriseProject",
    ),
    on("GET", "/causeway/v1/events", "causeway:events:list", "event"),
    on("GET", "/causeway/v1/events/{id}", "causeway:events:get", "event"),
    every("GET", "/v2.0/extensions"),
    every("GET", "/v2.0/extensions/{alias}"),
    every("GET", "/v3/auth/tokens"),
    every("HEAD", "/v3/auth/tokens"),
    every("DELETE", "/v3/auth/tokens"),
    every("GET", "/v3/auth/catalog"),
    every("GET", "/v3/auth/domains"),
    every("GET", "/v3/auth/projects"),
    every("GET", "/v3/projects"),
    every("GET", "/v3/projects/{id}"),
    every("GET", "/v3/regions"),
    every("GET", "/v3/services"),
    every("GET", "/v3/endpoints"),
    every("GET", "/v5/caller-identity"),
    every("GET", "/v3/services/{service_id}"),
    every("GET", "/v3/endpoints/{endpoint_id}"),
    own("GET", "/v3/users", "iam:users:listUsers", "user"),
    on("POST", "/v3/users", "iam:users:createUser", "user"),
    own("GET", "/v3/users/{user_id}", "iam:users:getUser", "user"),
    on("PATCH", "/v3/users/{user_id}", "iam:users:updateUser", "user"),
    on("DELETE", "/v3/users/{user_id}", "iam:users:deleteUser", "user"),
    own("POST", "/v3/users/{user_id}/password", "iam:users:updateUserPassword", "user"),
    own("GET", "/v3/users/{user_id}/projects", "iam:users:listUserProjects", "user"),
    on("POST", "/v3.0/OS-USER/users", "iam:users:createUser", "user"),
    own("GET", "/v3.0/OS-USER/users/{user_id}", "iam:users:getUser", "user"),
    on("PUT", "/v3.0/OS-USER/users/{user_id}", "iam:users:updateUser", "user"),
    on("GET", "/v3/roles", "iam:roles:listRoles", "role"),
    on("GET", "/v3/roles/{role_id}", "iam:roles:getRole", "role"),
    on("GET", "/v3.0/OS-ROLE/roles", "iam:roles:listRoles", "role"),
    on("POST", "/v3.0/OS-ROLE/roles", "iam:roles:createRole", "role"),
    on("GET", "/v3.0/OS-ROLE/roles/{role_id}", "iam:roles:getRole", "role"),
    on("PATCH", "/v3.0/OS-ROLE/roles/{role_id}", "iam:roles:updateRole", "role"),
    on("DELETE", "/v3.0/OS-ROLE/roles/{role_id}", "iam:roles:deleteRole", "role"),
    own("GET", "/v3.0/OS-CREDENTIAL/credentials", "iam:credentials:listCredentials", "credential"),
    own("POST", "/v3.0/OS-CREDENTIAL/credentials", "iam:credentials:createCredential", "credential"),
    own("GET", "/v3.0/OS-CREDENTIAL/credentials/{access_key}", "iam:credentials:getCredential", "credential"),
    own("PUT", "/v3.0/OS-CREDENTIAL/credentials/{access_key}", "iam:credentials:updateCredential", "credential"),
    own("DELETE", "/v3.0/OS-CREDENTIAL/credentials/{access_key}", "iam:credentials:deleteCredential", "credential"),
    own("POST", "/v3.0/OS-CREDENTIAL/securitytokens", "iam:credentials:createTemporaryCredential", "credential"),
    own("GET", "/causeway/v1/users/{id}/policies", "iam:permissions:listPoliciesOfUser", "user"),
    on("POST", "/causeway/v1/users/{id}/policies", "iam:permissions:attachPolicyToUser", "user"),
    on("DELETE", "/causeway/v1/users/{id}/policies/{policy_id}", "iam:permissions:detachPolicyFromUser", "user"),
    on("POST", "/causeway/v1/users/{id}/rotate", "iam:users:updateUser", "user"),
    own("POST", "/causeway/v1/access-keys/{access_key}/rotate", "iam:credentials:createCredential", "credential"),
    on("POST", "/causeway/v1/accounts/{id}/rotate", "causeway:accounts:rotate", "account"),
    on("GET", "/causeway/v1/accounts", "causeway:accounts:list", "account"),
    on("POST", "/causeway/v1/accounts", "causeway:accounts:create", "account"),
    on("DELETE", "/causeway/v1/accounts/{id}", "causeway:accounts:delete", "account"),
    on("GET", "/causeway/v1/peerings/{id}/doctor", "causeway:peerings:get", "peering"),
    on("POST", "/causeway/v1/peerings/{id}/expire", "causeway:peerings:expire", "peering"),
    on("GET", "/causeway/v1/warnings/peerings/{id}", "causeway:peerings:get", "peering"),
    on("POST", "/causeway/v1/trace", "causeway:network:trace", "network"),
    on("POST", "/causeway/v1/reach", "causeway:network:trace", "network"),
    on("POST", "/causeway/v1/probe", "causeway:network:probe", "network"),
    on("GET", "/causeway/v1/route-tables/{id}/routes", "causeway:routeTables:get", "routeTable"),
    on("GET", "/causeway/v1/servers", "causeway:servers:list", "server"),
    on("POST", "/causeway/v1/servers", "causeway:servers:create", "server"),
    on("GET", "/causeway/v1/servers/{id}", "causeway:servers:get", "server"),
    on("PUT", "/causeway/v1/servers/{id}", "causeway:servers:update", "server"),
    on("DELETE", "/causeway/v1/servers/{id}", "causeway:servers:delete", "server"),
    on("POST", "/causeway/v1/servers/{id}/action", "causeway:servers:update", "server"),
    on("POST", "/causeway/v1/servers/{id}/claim", "causeway:vips:claim", "server"),
    on("GET", "/causeway/v1/servers/{id}/ports", "causeway:servers:get", "server"),
    on("POST", "/causeway/v1/servers/{id}/ports", "causeway:servers:attachPort", "server"),
    on("DELETE", "/causeway/v1/servers/{id}/ports/{port_id}", "causeway:servers:detachPort", "server"),
    every("GET", "/causeway/v1/status"),
    on("GET", "/causeway/v1/vips", "causeway:vips:list", "vip"),
    on("GET", "/causeway/v1/vips/{id}", "causeway:vips:get", "vip"),
    on("POST", "/causeway/v1/vips/{id}/bind", "causeway:vips:bind", "vip"),
    on("POST", "/causeway/v1/vips/{id}/unbind", "causeway:vips:unbind", "vip"),
];

static BY_ROUTE: LazyLock<HashMap<(&str, &str), &Rule>> =
    LazyLock::new(|| RULES.iter().map(|rule| ((rule.method, rule.path), rule)).collect());

/// What a request needs by its method and the template of its path. A HEAD that has no line is the GET.
pub(crate) fn rule(method: &str, path: &str) -> Option<&'static Rule> {
    let found = BY_ROUTE.get(&(method, path)).copied();
    if method == "HEAD" { found.or_else(|| rule("GET", path)) } else { found }
}

/// Types of resources of the network service that have documented actions and no operation here: a policy may name them.
const NOT_SERVED: [&str; 4] = ["publicIps", "bandwidths", "floatingIps", "publicipTags"];

/// Whether a policy's action can have an effect: that of another service is none of ours, one of ours must exist.
pub(crate) fn is_registered(pattern: &str) -> bool {
    let mut parts = pattern.split(':');
    let (service, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !["vpc", "iam", "eps", "causeway"].contains(&service) {
        return true;
    }
    NOT_SERVED.iter().any(|name| name.eq_ignore_ascii_case(resource))
        || RULES.iter().any(|rule| model::action_matches(pattern, rule.action))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Nothing is served that nobody has thought about, and no line is for something that is not served.
    #[test]
    fn every_operation_has_its_line() {
        let document: serde_json::Value = serde_json::from_str(&crate::document()).unwrap_or_default();
        let mut served = BTreeSet::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation.get("security").is_some() {
                    served.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let listed: BTreeSet<String> = RULES.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect();
        assert_eq!(listed.len(), RULES.len(), "a line is there twice");
        let missing: Vec<_> = served.difference(&listed).collect();
        assert!(missing.is_empty(), "operations without a line in actions.rs: {missing:#?}");
        let unserved: Vec<_> = listed.difference(&served).collect();
        assert!(unserved.is_empty(), "lines in actions.rs that nothing serves: {unserved:#?}");
    }

    /// Reading is called so: the built-in policies that only read rest on it.
    #[test]
    fn what_reads_is_called_get_or_list_and_what_writes_is_not() {
        for rule in RULES.iter().filter(|rule| !rule.action.is_empty()) {
            let parts: Vec<&str> = rule.action.split(':').collect();
            assert_eq!(parts.len(), 3, "{rule:?}");
            let reads = ["get", "list", "trace"].iter().any(|verb| parts[2].starts_with(verb));
            let only_asks = matches!(rule.path, "/causeway/v1/trace" | "/causeway/v1/reach")
                || ["/filter", "/count", "/resource_instances/action"].iter().any(|end| rule.path.ends_with(end));
            assert_eq!(reads, matches!(rule.method, "GET" | "HEAD") || only_asks, "{rule:?}");
            assert!(!rule.resource.is_empty(), "{rule:?}");
        }
    }

    #[test]
    fn a_misspelt_action_is_found_out() {
        for good in ["vpc:vpcs:list", "vpc:*:get*", "VPC:x:y", "vpc:publicIps:create", "nat:x:y", "causeway:*:*"] {
            assert!(is_registered(good), "{good}");
        }
        for bad in ["vpc:vpc:list", "vpc:vpcs:lst", "iam:*:frob", "causeway:servers:reboot"] {
            assert!(!is_registered(bad), "{bad}");
        }
    }
}
