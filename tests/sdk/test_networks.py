"""Networks, Neutron subnets and routers (api-vpc §5.6), v3 virsubnets (§5.5), IP availability (§7.2)."""

import contextlib
import json

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

import make
from make import NOTHING, UUID, missing, refused


@contextlib.contextmanager
def neutron(status, kind, text=""):
    """A refusal of v2.0: the SDK does not read its envelope, so the message is the whole body."""
    with pytest.raises(ClientRequestException) as caught:
        yield
    error = caught.value
    assert (error.status_code, error.error_code) == (status, str(status)), error
    told = json.loads(error.error_msg)["NeutronError"]
    assert told["type"] == kind, error
    assert text.lower() in told["message"].lower(), error


def network(account, name="net-a", **fields):
    option = v2.NeutronCreateNetworkOption(name=name, **fields)
    return account.vpc.neutron_create_network(
        v2.NeutronCreateNetworkRequest(v2.NeutronCreateNetworkRequestBody(option))).network


def subnet(account, network_id, cidr="10.9.0.0/24", **fields):
    option = v2.NeutronCreateSubnetOption(network_id=network_id, cidr=cidr, **fields)
    return account.vpc.neutron_create_subnet(
        v2.NeutronCreateSubnetRequest(v2.NeutronCreateSubnetRequestBody(option))).subnet


def router(account, name="router-a", **fields):
    option = v2.NeutronCreateRouterOption(name=name, **fields)
    return account.vpc.neutron_create_router(
        v2.NeutronCreateRouterRequest(v2.NeutronCreateRouterRequestBody(option))).router


def add(account, router_id, subnet_id):
    body = v2.RouterInterfaceRequestBody(subnet_id=subnet_id)
    return account.vpc.neutron_add_router_interface(v2.NeutronAddRouterInterfaceRequest(router_id, body))


def remove(account, router_id, **fields):
    body = v2.RouterInterfaceRequestBody(**fields)
    return account.vpc.neutron_remove_router_interface(v2.NeutronRemoveRouterInterfaceRequest(router_id, body))


def v1_subnet(account, subnet_id):
    return account.vpc.show_subnet(v2.ShowSubnetRequest(subnet_id)).subnet


def test_network_subnet_router_interface_port_and_back(account):
    net = network(account, admin_state_up=True)
    assert UUID.fullmatch(net.id)
    assert (net.name, net.status, net.subnets, net.shared, net.routerexternal) == ("net-a", "ACTIVE", [], False, False)
    assert (net.tenant_id, net.project_id) == (account.project, account.project)
    sub = subnet(account, net.id, name="sub-a", dns_nameservers=["100.125.1.250"], enable_dhcp=True, ip_version=4)
    assert (sub.name, sub.network_id, sub.cidr, sub.gateway_ip) == ("sub-a", net.id, "10.9.0.0/24", "10.9.0.1")
    assert [(pool.start, pool.end) for pool in sub.allocation_pools] == [("10.9.0.2", "10.9.0.252")]
    assert (sub.dns_nameservers, sub.host_routes, sub.ip_version) == (["100.125.1.250"], [], 4)
    found = v1_subnet(account, net.id)
    assert (found.status, found.vpc_id, found.neutron_subnet_id) == ("UNKNOWN", "", sub.id)
    with refused(409, "VPC.2500", "router interface"):
        make.port(account, net.id)

    vpc = router(account)
    assert (vpc.name, vpc.status, vpc.routes, vpc.external_gateway_info) == ("router-a", "ACTIVE", [], None)
    made = add(account, vpc.id, sub.id)
    assert (made.status_code, made.id, made.subnet_id) == (200, vpc.id, sub.id)
    assert (made.tenant_id, made.project_id) == (account.project, account.project)
    found = v1_subnet(account, net.id)
    assert (found.status, found.vpc_id) == ("ACTIVE", vpc.id)
    assert "10.9.0.0/24" in make.local(make.default_table(account, vpc.id))
    port = make.port(account, net.id)
    assert [(ip.subnet_id, ip.ip_address) for ip in port.fixed_ips] == [(sub.id, "10.9.0.2")]

    with neutron(409, "SubnetInUse", "10.9.0.2"):
        remove(account, vpc.id, subnet_id=sub.id)
    with neutron(409, "NetworkInUse", "router interface"):
        account.vpc.neutron_delete_network(v2.NeutronDeleteNetworkRequest(net.id))
    with neutron(409, "SubnetInUse"):
        account.vpc.neutron_delete_subnet(v2.NeutronDeleteSubnetRequest(sub.id))
    with neutron(409, "RouterInUse"):
        account.vpc.neutron_delete_router(v2.NeutronDeleteRouterRequest(vpc.id))
    account.vpc.delete_port(v2.DeletePortRequest(port.id))
    gone = remove(account, vpc.id, port_id=made.port_id)
    assert (gone.status_code, gone.subnet_id, gone.port_id) == (200, sub.id, made.port_id)
    with neutron(404, "RouterInterfaceNotFoundForSubnet"):
        remove(account, vpc.id, subnet_id=sub.id)
    assert account.vpc.neutron_delete_subnet(v2.NeutronDeleteSubnetRequest(sub.id)).status_code == 204
    assert account.vpc.neutron_delete_network(v2.NeutronDeleteNetworkRequest(net.id)).status_code == 204
    assert account.vpc.neutron_delete_router(v2.NeutronDeleteRouterRequest(vpc.id)).status_code == 204
    with neutron(404, "NetworkNotFound", net.id):
        account.vpc.neutron_show_network(v2.NeutronShowNetworkRequest(net.id))
    with neutron(404, "SubnetNotFound", sub.id):
        account.vpc.neutron_show_subnet(v2.NeutronShowSubnetRequest(sub.id))
    with neutron(404, "RouterNotFound", vpc.id):
        account.vpc.neutron_show_router(v2.NeutronShowRouterRequest(vpc.id))


def test_v1_objects_are_networks_subnets_and_routers(account):
    vpc = make.vpc(account)
    made = make.subnet(account, vpc.id)
    net = account.vpc.neutron_show_network(v2.NeutronShowNetworkRequest(made.id)).network
    assert (net.id, net.name, net.subnets) == (made.id, made.name, [made.neutron_subnet_id])
    sub = account.vpc.neutron_show_subnet(v2.NeutronShowSubnetRequest(made.neutron_subnet_id)).subnet
    assert (sub.cidr, sub.gateway_ip, sub.network_id) == (made.cidr, made.gateway_ip, made.id)
    found = account.vpc.neutron_show_router(v2.NeutronShowRouterRequest(vpc.id)).router
    assert (found.id, found.name) == (vpc.id, vpc.name)

    body = v2.NeutronUpdateNetworkRequestBody(v2.NeutronUpdateNetworkOption(name="net-b"))
    changed = account.vpc.neutron_update_network(v2.NeutronUpdateNetworkRequest(made.id, body)).network
    assert (changed.name, v1_subnet(account, made.id).name) == ("net-b", "net-b")
    option = v2.NeutronUpdateSubnetOption(name="sub-b", dns_nameservers=["9.9.9.9"], enable_dhcp=True)
    body = v2.NeutronUpdateSubnetRequestBody(option)
    changed = account.vpc.neutron_update_subnet(v2.NeutronUpdateSubnetRequest(sub.id, body)).subnet
    assert (changed.name, changed.dns_nameservers) == ("sub-b", ["9.9.9.9"])
    assert v1_subnet(account, made.id).primary_dns == "9.9.9.9"
    body = v2.NeutronUpdateRouterRequestBody(v2.NeutronUpdateRouterOption(name="router-b"))
    changed = account.vpc.neutron_update_router(v2.NeutronUpdateRouterRequest(vpc.id, body)).router
    assert changed.name == account.vpc.show_vpc(v2.ShowVpcRequest(vpc.id)).vpc.name == "router-b"


def test_lists_filter_and_page(account, other):
    vpc = make.vpc(account)
    made = sorted(make.subnet(account, vpc.id, f"10.0.{number}.0/24", f"s{number}").id for number in range(3))
    networks = lambda **filters: account.vpc.neutron_list_networks(v2.NeutronListNetworksRequest(**filters))
    subnets = lambda **filters: account.vpc.neutron_list_subnets(v2.NeutronListSubnetsRequest(**filters)).subnets
    routers = lambda **filters: account.vpc.neutron_list_routers(v2.NeutronListRoutersRequest(**filters)).routers
    assert [net.id for net in networks().networks] == made
    assert [net.name for net in networks(name="s1").networks] == ["s1"]
    assert networks(status="DOWN").networks == networks(shared=True).networks == []
    assert len(networks(admin_state_up=True, routerexternal=False).networks) == 3
    page = networks(limit=2)
    assert [net.id for net in page.networks] == made[:2]
    assert [link.rel for link in page.networks_links] == ["next"]
    assert [net.id for net in networks(limit=2, marker=made[1]).networks] == made[2:]
    assert [sub.cidr for sub in subnets(cidr="10.0.1.0/24")] == ["10.0.1.0/24"]
    assert [sub.network_id for sub in subnets(network_id=made[0])] == [made[0]]
    assert (len(subnets(ip_version=4, enable_dhcp=True)), subnets(gateway_ip="10.9.9.9")) == (3, [])
    assert [found.id for found in routers(status="ACTIVE")] == [vpc.id]
    assert routers(id=NOTHING) == []
    assert other.vpc.neutron_list_networks(v2.NeutronListNetworksRequest()).networks == []


@pytest.mark.parametrize("fields", [{"shared": True}, {"admin_state_up": False}, {"port_security_enabled": False},
                                    {"providernetwork_type": "vxlan"}])
def test_a_network_refuses_what_it_would_not_keep(account, fields):
    with neutron(400, "InvalidInput", "can only be"):
        network(account, **fields)


def test_subnets_refuse_what_they_would_not_keep(account):
    net = network(account)
    for fields, text in [({"cidr": "8.8.8.0/24"}, "192.168.0.0/16"), ({"enable_dhcp": False}, "enable_dhcp"),
                         ({"gateway_ip": "10.8.0.1"}, "10.8.0.1"),
                         ({"allocation_pools": [v2.AllocationPool(start="10.9.0.9", end="10.9.0.10")]}, "10.9.0.252"),
                         ({"host_routes": [v2.HostRoute(destination="0.0.0.0/0", nexthop="10.9.0.9")]}, "host_routes")]:
        with neutron(400, "InvalidInput", text):
            subnet(account, net.id, **fields)
    with neutron(404, "NetworkNotFound", NOTHING):
        subnet(account, NOTHING)
    with neutron(409, "RouterNameExists"):
        router(account, router(account).name)


def test_an_ipv6_subnet_joins_beside_the_ipv4_one(account):
    net = network(account)
    subnet(account, net.id)
    six = subnet(account, net.id, cidr=None, ip_version=6, name="six", ipv6_ra_mode="dhcpv6-stateful",
                 ipv6_address_mode="dhcpv6-stateful")
    assert (six.ip_version, six.name, six.ipv6_ra_mode) == (6, "six", "dhcpv6-stateful")
    add(account, router(account).id, six.id)
    found = v1_subnet(account, net.id)
    assert (found.ipv6_enable, found.cidr_v6, found.neutron_subnet_id_v6) == (True, six.cidr, six.id)


def test_availability_counts_what_workloads_can_have(account):
    made = make.subnet(account, make.vpc(account).id)
    make.port(account, made.id)
    show = lambda network_id: account.vpc.show_network_ip_availabilities(
        v2.ShowNetworkIpAvailabilitiesRequest(network_id)).network_ip_availability
    found = show(made.id)
    assert (found.network_id, found.network_name, found.total_ips, found.used_ips) == (made.id, made.name, 251, 1)
    [one] = found.subnet_ip_availability
    assert (one.subnet_id, one.ip_version, one.cidr) == (made.neutron_subnet_id, 4, made.cidr)
    assert (one.total_ips, one.used_ips) == (251, 1)
    with neutron(400, "VPC.2302", NOTHING):
        show(NOTHING)
    with neutron(400, "VPC.2301"):
        show("here")


def test_virsubnets_show_ranges(account):
    vpc = make.vpc(account)
    made = make.subnet(account, vpc.id, description="text", ipv6_enable=True)
    found = account.vpc3.show_virsubnet(v3.ShowVirsubnetRequest(made.id)).virsubnet
    assert (found.id, found.name, found.description, found.vpc_id) == (made.id, made.name, "text", vpc.id)
    assert (found.status, found.scope, found.project_id) == ("ACTIVE", "center", account.project)
    assert [(cidr.ip_version, cidr.cidr, cidr.id) for cidr in found.subnet_cidrs] == [
        ("4", made.cidr, made.neutron_subnet_id), ("6", made.cidr_v6, made.neutron_subnet_id_v6)]
    listed = lambda **filters: account.vpc3.list_virsubnets(v3.ListVirsubnetsRequest(**filters))
    assert listed(vpc_id=[vpc.id], name=[made.name, "other"]).virsubnets == [found]
    assert listed(id=[NOTHING]).virsubnets == listed(status="ERROR").virsubnets == []
    assert listed(limit=1).page_info.current_count == 1
    missing(account.vpc3.show_virsubnet, v3.ShowVirsubnetRequest(NOTHING), 404, "VPC.2204", NOTHING)
