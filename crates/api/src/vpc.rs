//! The network API (api-vpc): each file one kind of object in every family that has it.

mod address_groups;
mod cidr_reservations;
mod extensions;
mod flow_logs;
mod fwaas;
mod legacy_routes;
mod network_acls;
mod networks;
mod neutron_subnets;
mod peerings;
mod ports;
mod ports_v3;
mod private_ips;
mod quotas;
mod route_tables;
mod routers;
mod rules;
mod security_groups;
mod sub_network_interfaces;
mod subnets;
mod tags;
mod traffic_mirrors;
mod virsubnets;
mod vpcs;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

/// What is in no document and needs no credentials.
pub(crate) fn unknown() -> OpenApiRouter<State> {
    tags::unknown()
}

/// All operations; each needs credentials.
pub(crate) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(vpcs::list, vpcs::create))
        .routes(routes!(vpcs::show, vpcs::update, vpcs::delete))
        .routes(routes!(vpcs::list_v3, vpcs::create_v3))
        .routes(routes!(vpcs::show_v3, vpcs::update_v3, vpcs::delete_v3))
        .routes(routes!(vpcs::add_cidr))
        .routes(routes!(vpcs::remove_cidr))
        .routes(routes!(subnets::list, subnets::create))
        .routes(routes!(subnets::show))
        .routes(routes!(subnets::update, subnets::delete))
        .routes(routes!(route_tables::list, route_tables::create))
        .routes(routes!(route_tables::show, route_tables::update, route_tables::delete))
        .routes(routes!(route_tables::action))
        .routes(routes!(peerings::list, peerings::create))
        .routes(routes!(peerings::show, peerings::update, peerings::delete))
        .routes(routes!(peerings::accept))
        .routes(routes!(peerings::reject))
        .routes(routes!(legacy_routes::list, legacy_routes::create))
        .routes(routes!(legacy_routes::show, legacy_routes::delete))
        .routes(routes!(extensions::list))
        .routes(routes!(extensions::show))
        .routes(routes!(ports::list, ports::create))
        .routes(routes!(ports::show, ports::update, ports::delete))
        .routes(routes!(ports::list_v2, ports::create_v2))
        .routes(routes!(ports::show_v2, ports::update_v2, ports::delete_v2))
        .routes(routes!(ports_v3::list))
        .routes(routes!(ports_v3::show))
        .routes(routes!(ports_v3::insert_security_groups))
        .routes(routes!(ports_v3::remove_security_groups))
        .routes(routes!(sub_network_interfaces::list, sub_network_interfaces::create))
        .routes(routes!(sub_network_interfaces::count))
        .routes(routes!(sub_network_interfaces::create_batch))
        .routes(routes!(sub_network_interfaces::migrate))
        .routes(routes!(sub_network_interfaces::show, sub_network_interfaces::update, sub_network_interfaces::delete))
        .routes(routes!(sub_network_interfaces::attach))
        .routes(routes!(sub_network_interfaces::detach))
        .routes(routes!(security_groups::list, security_groups::create))
        .routes(routes!(security_groups::show, security_groups::delete))
        .routes(routes!(security_groups::list_v2, security_groups::create_v2))
        .routes(routes!(security_groups::show_v2, security_groups::update_v2, security_groups::delete_v2))
        .routes(routes!(security_groups::list_v3, security_groups::create_v3))
        .routes(routes!(security_groups::show_v3, security_groups::update_v3, security_groups::delete_v3))
        .routes(routes!(rules::list, rules::create))
        .routes(routes!(rules::show, rules::delete))
        .routes(routes!(rules::list_v2, rules::create_v2))
        .routes(routes!(rules::show_v2, rules::delete_v2))
        .routes(routes!(rules::list_v3, rules::create_v3))
        .routes(routes!(rules::show_v3, rules::delete_v3))
        .routes(routes!(rules::create_batch))
        .routes(routes!(network_acls::list, network_acls::create))
        .routes(routes!(network_acls::show, network_acls::update, network_acls::delete))
        .routes(routes!(network_acls::insert_rules))
        .routes(routes!(network_acls::update_rules))
        .routes(routes!(network_acls::remove_rules))
        .routes(routes!(network_acls::associate))
        .routes(routes!(network_acls::disassociate))
        .routes(routes!(fwaas::list_groups, fwaas::create_group))
        .routes(routes!(fwaas::show_group, fwaas::update_group, fwaas::delete_group))
        .routes(routes!(fwaas::list_policies, fwaas::create_policy))
        .routes(routes!(fwaas::show_policy, fwaas::update_policy, fwaas::delete_policy))
        .routes(routes!(fwaas::insert_rule))
        .routes(routes!(fwaas::remove_rule))
        .routes(routes!(fwaas::list_rules, fwaas::create_rule))
        .routes(routes!(fwaas::show_rule, fwaas::update_rule, fwaas::delete_rule))
        .routes(routes!(address_groups::list, address_groups::create))
        .routes(routes!(address_groups::show, address_groups::update, address_groups::delete))
        .routes(routes!(address_groups::force_delete))
        .routes(routes!(address_groups::dependencies))
        .routes(routes!(quotas::list))
        .routes(routes!(networks::list, networks::create))
        .routes(routes!(networks::show, networks::update, networks::delete))
        .routes(routes!(networks::list_availabilities))
        .routes(routes!(networks::show_availability))
        .routes(routes!(neutron_subnets::list, neutron_subnets::create))
        .routes(routes!(neutron_subnets::show, neutron_subnets::update, neutron_subnets::delete))
        .routes(routes!(routers::list, routers::create))
        .routes(routes!(routers::show, routers::update, routers::delete))
        .routes(routes!(routers::add_interface))
        .routes(routes!(routers::remove_interface))
        .routes(routes!(private_ips::create))
        .routes(routes!(private_ips::show, private_ips::delete))
        .routes(routes!(private_ips::list))
        .routes(routes!(virsubnets::list))
        .routes(routes!(virsubnets::show))
        .routes(routes!(cidr_reservations::list, cidr_reservations::create))
        .routes(routes!(cidr_reservations::show, cidr_reservations::update, cidr_reservations::delete))
        .routes(routes!(quotas::show_v3))
        .merge(tags::routes())
        .routes(routes!(flow_logs::list, flow_logs::create))
        .routes(routes!(flow_logs::show, flow_logs::update, flow_logs::delete))
        .merge(traffic_mirrors::routes())
}
