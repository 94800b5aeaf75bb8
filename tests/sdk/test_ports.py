"""Ports, v1 and v2.0 (api-vpc §6)."""

import re

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, UUID, missing, refused


@pytest.fixture
def subnet(account):
    return make.subnet(account, make.vpc(account).id)


def show(account, port_id):
    return account.vpc.show_port(v2.ShowPortRequest(port_id)).port


def update(account, port_id, **fields):
    body = v2.UpdatePortRequestBody(v2.UpdatePortOption(**fields))
    return account.vpc.update_port(v2.UpdatePortRequest(port_id, body)).port


def neutron(account, network_id, **fields):
    option = v2.NeutronCreatePortOption(network_id=network_id, **fields)
    return account.vpc.neutron_create_port(v2.NeutronCreatePortRequest(v2.NeutronCreatePortRequestBody(option))).port


def neutron_update(account, port_id, **fields):
    body = v2.NeutronUpdatePortRequestBody(v2.NeutronUpdatePortOption(**fields))
    return account.vpc.neutron_update_port(v2.NeutronUpdatePortRequest(port_id, body)).port


def test_a_port_from_creation_to_deletion(account, subnet):
    option = v2.CreatePortOption(name="port-a", network_id=subnet.id, admin_state_up=True)
    made = account.vpc.create_port(v2.CreatePortRequest(v2.CreatePortRequestBody(option)))
    assert made.status_code == 200
    port = made.port
    assert UUID.fullmatch(port.id)
    assert (port.name, port.network_id, port.tenant_id) == ("port-a", subnet.id, account.project)
    assert re.fullmatch(r"fa:16:3e(:[0-9a-f]{2}){3}", port.mac_address)
    [address] = port.fixed_ips
    # The Neutron id (clients §6, trap 22); .1 is the gateway.
    assert (address.subnet_id, address.ip_address) == (subnet.neutron_subnet_id, "10.0.1.2")
    assert (port.device_id, port.device_owner, port.status) == ("", "", "DOWN")
    assert (port.admin_state_up, port.port_security_enabled, port.bindingvnic_type) == (True, True, "normal")
    assert port.allowed_address_pairs == port.extra_dhcp_opts == []
    [group] = port.security_groups
    [default] = [found for found in account.vpc.list_security_groups(v2.ListSecurityGroupsRequest()).security_groups]
    assert (group, default.name) == (default.id, "default")
    assert show(account, port.id) == port

    pairs = [v2.AllowedAddressPair(ip_address="192.168.9.0/24")]
    changed = update(account, port.id, name="port-b", allowed_address_pairs=pairs)
    assert changed.name == "port-b"
    assert [pair.ip_address for pair in changed.allowed_address_pairs] == ["192.168.9.0/24"]
    # What is not named stays (clients §6, trap 13).
    changed = update(account, port.id, name="port-c")
    assert [pair.ip_address for pair in changed.allowed_address_pairs] == ["192.168.9.0/24"]
    assert changed.security_groups == [group]
    assert update(account, port.id, allowed_address_pairs=[]).allowed_address_pairs == []

    assert account.vpc.delete_port(v2.DeletePortRequest(port.id)).status_code == 204
    missing(account.vpc.show_port, v2.ShowPortRequest(port.id), 404, "VPC.2502", port.id)
    missing(account.vpc.delete_port, v2.DeletePortRequest(port.id), 404, "VPC.2502", port.id)


def test_addresses_are_asked_for_by_either_id(account, subnet):
    for number, subnet_id in enumerate([None, subnet.id, subnet.neutron_subnet_id]):
        wanted = f"10.0.1.{10 + number}"
        port = make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address=wanted, subnet_id=subnet_id)])
        assert [(ip.ip_address, ip.subnet_id) for ip in port.fixed_ips] == [(wanted, subnet.neutron_subnet_id)]
    with refused(409, "VPC.0701", "10.0.1.10"):
        make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address="10.0.1.10")])
    for address in ("10.0.2.7", "10.0.1.1", "10.0.1.255", "no address"):
        with refused(400, "VPC.2500", address):
            make.port(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address=address)])
    with refused(400, "VPC.2500"):
        make.port(account, subnet.id, fixed_ips=[v2.FixedIp(subnet_id=NOTHING)])


def test_the_check_is_switched_by_its_magic_pair(account, subnet):
    port = make.port(account, subnet.id, allowed_address_pairs=[v2.AllowedAddressPair(ip_address="1.1.1.1/0")])
    # The text stays as it is (clients §6, trap 23).
    assert [pair.ip_address for pair in port.allowed_address_pairs] == ["1.1.1.1/0"]
    assert [pair.ip_address for pair in show(account, port.id).allowed_address_pairs] == ["1.1.1.1/0"]
    for text in ("0.0.0.0/0", "0.0.0.0", "no range"):
        with refused(400, "VPC.2500"):
            update(account, port.id, allowed_address_pairs=[v2.AllowedAddressPair(ip_address=text)])


def test_security_groups_keep_their_order(account, subnet):
    groups = [make.group(account, f"group-{n}").id for n in "abc"]
    wanted = [groups[2], groups[0], groups[1]]
    port = make.port(account, subnet.id, security_groups=wanted)
    assert port.security_groups == show(account, port.id).security_groups == wanted
    assert update(account, port.id, security_groups=[groups[1]]).security_groups == [groups[1]]
    with refused(400, "VPC.2500", "security"):
        update(account, port.id, security_groups=[])
    with refused(404, "VPC.0603", NOTHING):
        update(account, port.id, security_groups=[NOTHING])


def test_a_virtual_ip_is_down(account, subnet):
    port = make.port(account, subnet.id, name="vip-a", device_owner="neutron:VIP_PORT",
                     fixed_ips=[v2.FixedIp(subnet_id=subnet.neutron_subnet_id, ip_address="10.0.1.100")])
    # clients §6, trap 24.
    assert (port.status, port.device_owner) == ("DOWN", "neutron:VIP_PORT")
    server = make.port(account, subnet.id)
    # As the Terraform provider binds it (clients §3.9).
    pairs = [v2.AllowedAddressPair(ip_address=server.fixed_ips[0].ip_address)]
    bound = neutron_update(account, port.id, allowed_address_pairs=pairs)
    assert [pair.ip_address for pair in bound.allowed_address_pairs] == [server.fixed_ips[0].ip_address]
    group = make.group(account).id
    with refused(400, "VPC.2500"):
        make.port(account, subnet.id, device_owner="neutron:VIP_PORT", security_groups=[group])
    with refused(400, "VPC.2500", "device_owner"):
        make.port(account, subnet.id, device_owner="compute:me")


def server_in(account, subnet, name):
    return account.call("POST", "/causeway/v1/servers", {"server": {"name": name, "subnet_id": subnet.id}})["server"]


def addresses(port):
    return [pair.ip_address for pair in port.allowed_address_pairs]


def test_a_virtual_ip_is_bound_as_terraform_binds_it(account, subnet):
    """clients §3.9: the servers' addresses into the virtual IP's pairs, the switch into each server's."""
    servers = [server_in(account, subnet, name) for name in ("active", "standby")]
    vip = make.port(account, subnet.id, device_owner="neutron:VIP_PORT",
                    fixed_ips=[v2.FixedIp(subnet_id=subnet.neutron_subnet_id)])
    wanted = [server["ip_address"] for server in servers]
    pairs = [v2.AllowedAddressPair(ip_address=address) for address in wanted]
    assert addresses(neutron_update(account, vip.id, allowed_address_pairs=pairs)) == wanted
    for server in servers:
        switch = [v2.AllowedAddressPair(ip_address="1.1.1.1/0")]
        assert addresses(neutron_update(account, server["port_id"], allowed_address_pairs=switch)) == ["1.1.1.1/0"]
    # The provider compares by string.
    read = account.vpc.neutron_show_port(v2.NeutronShowPortRequest(vip.id)).port
    assert (addresses(read), read.status) == (wanted, "DOWN")
    claim = account.call("POST", f"/causeway/v1/servers/{servers[1]['id']}/claim",
                         {"address": vip.fixed_ips[0].ip_address})["claim"]
    assert (claim["effective"], claim["vip_id"]) == (True, vip.id)
    shown = account.call("GET", f"/causeway/v1/vips/{vip.id}")["vip"]
    assert shown["holder"]["server_name"] == "standby"
    assert [bound["server_name"] for bound in shown["bound"]] == ["active", "standby"]
    # What is not named stays, an empty list unbinds.
    assert addresses(neutron_update(account, vip.id, name="renamed")) == wanted
    assert addresses(neutron_update(account, vip.id, allowed_address_pairs=[])) == []
    shown = account.call("GET", f"/causeway/v1/vips/{vip.id}")["vip"]
    assert (shown["bound"], shown["holder"]) == ([], None)
    assert account.vpc.delete_port(v2.DeletePortRequest(vip.id)).status_code == 204


def test_a_virtual_ip_is_bound_within_its_subnet(account, subnet):
    other = make.subnet(account, subnet.vpc_id, cidr="10.0.2.0/24", name="subnet-b")
    stranger = server_in(account, other, "stranger")["ip_address"]
    vip = make.port(account, subnet.id, device_owner="neutron:VIP_PORT")
    for address in (stranger, "10.0.1.77", "10.0.1.0/24", "1.1.1.1/0", vip.fixed_ips[0].ip_address):
        with refused(400, "400", "virtual IP"):
            neutron_update(account, vip.id, allowed_address_pairs=[v2.AllowedAddressPair(ip_address=address)])
        with refused(400, "VPC.2500", "virtual IP"):
            update(account, vip.id, allowed_address_pairs=[v2.AllowedAddressPair(ip_address=address)])


def test_a_virtual_ip_that_a_route_names_stays(account, subnet):
    vip = make.port(account, subnet.id, device_owner="neutron:VIP_PORT")
    table = make.default_table(account, subnet.vpc_id)
    address = vip.fixed_ips[0].ip_address
    route = v2.RouteTableRoute(type="vip", destination="192.168.0.0/24", nexthop=address)
    make.update_table(account, table.id, add=[route])
    with refused(409, "VPC.0210", "192.168.0.0/24"):
        account.vpc.delete_port(v2.DeletePortRequest(vip.id))


def test_a_port_in_v2_0(account, subnet):
    port = neutron(account, subnet.id, name="port-a", admin_state_up=True)
    assert port.project_id == port.tenant_id == account.project
    assert (port.network_id, port.fixed_ips[0].subnet_id) == (subnet.id, subnet.neutron_subnet_id)
    assert port.created_at == port.updated_at
    found = account.vpc.neutron_show_port(v2.NeutronShowPortRequest(port.id))
    assert found.port == port and b'Z"' not in found.raw_content
    assert show(account, port.id).mac_address == port.mac_address
    assert account.vpc.neutron_list_ports(v2.NeutronListPortsRequest()).ports == [port]
    assert neutron_update(account, port.id, name="port-b").name == show(account, port.id).name == "port-b"
    assert account.vpc.neutron_delete_port(v2.NeutronDeletePortRequest(port.id)).status_code == 204
    missing(account.vpc.neutron_show_port, v2.NeutronShowPortRequest(port.id), 404, "404", "PortNotFound")
    missing(account.vpc.neutron_delete_port, v2.NeutronDeletePortRequest(port.id), 404, "404", "PortNotFound")
    with refused(404, "404", "NetworkNotFound"):
        neutron(account, NOTHING)
    neutron(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address="10.0.1.9")])
    with refused(409, "409", "IpAddressInUse"):
        neutron(account, subnet.id, fixed_ips=[v2.FixedIp(ip_address="10.0.1.9")])


def test_filters(account, subnet):
    group = make.group(account).id
    a = make.port(account, subnet.id, name="port-a", security_groups=[group])
    b = make.port(account, subnet.id, name="port-b", device_owner="neutron:VIP_PORT")

    def v1(**filters):
        return {port.name for port in account.vpc.list_ports(v2.ListPortsRequest(**filters)).ports}

    def v2_0(**filters):
        return {port.name for port in account.vpc.neutron_list_ports(v2.NeutronListPortsRequest(**filters)).ports}

    for listed in (v1, v2_0):
        assert listed() == listed(network_id=subnet.id) == listed(admin_state_up=True) == {"port-a", "port-b"}
        assert listed(name="port-a") == listed(mac_address=a.mac_address) == {"port-a"}
        assert listed(security_groups=[group]) == {"port-a"}
        assert listed(device_owner="neutron:VIP_PORT") == {"port-b"}
        assert listed(fixed_ips=["ip_address=10.0.1.3"]) == {"port-b"}
        assert listed(fixed_ips=[f"subnet_id={subnet.neutron_subnet_id}", "ip_address=10.0.1.2"]) == {"port-a"}
        assert listed(status="DOWN") == {"port-a", "port-b"}
        assert listed(network_id=NOTHING) == listed(status="BUILD") == listed(device_id=NOTHING) == set()
    assert v1(id=[a.id, b.id]) == v2_0(tenant_id=account.project) == {"port-a", "port-b"}
    assert v1(id=[b.id]) == v2_0(id=b.id) == {"port-b"}


def test_a_port_of_a_server_belongs_to_it(account, subnet):
    fields = {"name": "ecs-a", "subnet_id": subnet.id}
    server = account.call("POST", "/causeway/v1/servers", {"server": fields})["server"]
    [port] = account.vpc.list_ports(v2.ListPortsRequest(device_id=server["id"])).ports
    assert port.device_owner.startswith("compute:")
    with refused(400, "VPC.2500", "server"):
        account.vpc.delete_port(v2.DeletePortRequest(port.id))
    with refused(409, "409", "PortInUse"):
        account.vpc.neutron_delete_port(v2.NeutronDeletePortRequest(port.id))
    with refused(500, "VPC.0209"):
        make.delete_subnet(account, subnet)


def test_what_would_have_no_effect_is_refused(account, subnet):
    """Accepted and not in force would be worse than refused."""
    port = neutron(account, subnet.id, admin_state_up=True, port_security_enabled=True, bindingvnic_type="normal",
                   bindingprofile={}, extra_dhcp_opts=[])
    for fields in [
        {"bindingvnic_type": "direct"}, {"bindingprofile": {"internal_elb": True}},
        {"bindingprofile": {"disable_security_groups": False, "tcp_srvports": "x"}},
        {"extra_dhcp_opts": [v2.ExtraDhcpOpt("51", "5d")]}, {"extra_dhcp_opts": [v2.ExtraDhcpOpt("42", "10.0.0.1")]},
    ]:
        with refused(400, "400", "InvalidInput"):
            neutron(account, subnet.id, **fields)
        with refused(400, "400", "InvalidInput"):
            neutron_update(account, port.id, **fields)
    with refused(400, "400", "admin_state_up"):
        neutron(account, subnet.id, admin_state_up=False)
    with refused(400, "VPC.2500", "extra_dhcp_opts"):
        update(account, port.id, extra_dhcp_opts=[v2.ExtraDhcpOpt("51", "30001h")])
    assert account.vpc.neutron_show_port(v2.NeutronShowPortRequest(port.id)).port == port


def test_port_security_is_a_switch(account, subnet):
    port = neutron(account, subnet.id, port_security_enabled=False)
    assert port.port_security_enabled is False
    assert show(account, port.id).port_security_enabled is False
    assert neutron_update(account, port.id, name="port-b").port_security_enabled is False
    assert neutron_update(account, port.id, port_security_enabled=True).port_security_enabled is True
    with refused(400, "400", "virtual IP"):
        neutron(account, subnet.id, device_owner="neutron:VIP_PORT", port_security_enabled=False)


def test_a_profile_names_service_ports(account, subnet):
    port = neutron(account, subnet.id, bindingprofile={"tcp_srvports": "80 443", "udp_srvports": "53"})
    assert port.bindingprofile == {"tcp_srvports": "80 443", "udp_srvports": "53"}
    assert neutron_update(account, port.id, bindingprofile={"tcp_srvports": "22"}).bindingprofile == {"tcp_srvports": "22"}
    assert neutron_update(account, port.id, bindingprofile={}).bindingprofile == {}
    with refused(400, "400", "15"):
        neutron_update(account, port.id, bindingprofile={"tcp_srvports": " ".join(map(str, range(1, 17)))})
    with refused(400, "400", "only set when the port is made"):
        neutron_update(account, port.id, bindingprofile={"disable_security_groups": True})
    open_port = neutron(account, subnet.id, bindingprofile={"disable_security_groups": True})
    assert open_port.bindingprofile == {"disable_security_groups": True}


def test_a_lease_time_of_its_own(account, subnet):
    """clients §3.9: as the Terraform provider gives it, and leaves it alone."""
    port = make.port(account, subnet.id, extra_dhcp_opts=[v2.ExtraDhcpOpt("51", "5h")])
    assert [(option.opt_name, option.opt_value) for option in port.extra_dhcp_opts] == [("51", "5h")]
    assert update(account, port.id, name="port-b").extra_dhcp_opts == port.extra_dhcp_opts
    # All four keys, null for what stays (clients §6, trap 13).
    body = {"port": {"name": "port-c", "security_groups": None, "allowed_address_pairs": None, "extra_dhcp_opts": None}}
    changed = account.call("PUT", f"/v1/{account.project}/ports/{port.id}", body)["port"]
    assert (changed["name"], changed["extra_dhcp_opts"]) == ("port-c", [{"opt_name": "51", "opt_value": "5h"}])
    for text in ("-1", "-1h", "30000h"):
        [option] = update(account, port.id, extra_dhcp_opts=[v2.ExtraDhcpOpt("51", text)]).extra_dhcp_opts
        assert option.opt_value == text
    assert neutron_update(account, port.id, extra_dhcp_opts=[]).extra_dhcp_opts == []


def test_a_port_in_v3(account, subnet):
    port = make.port(account, subnet.id, name="port-a")
    found = account.vpc3.show_port(v3.ShowPortRequest(port.id))
    assert found.request_id
    shown = found.port
    assert (shown.id, shown.name, shown.virsubnet_id, shown.vpc_id) == (port.id, "port-a", subnet.id, subnet.vpc_id)
    [address] = shown.private_ips
    assert (address.ip_address, address.subnet_cidr_id) == ("10.0.1.2", subnet.neutron_subnet_id)
    assert (shown.status, shown.port_security_enabled, shown.bindingvnic_type) == ("DOWN", True, "normal")
    assert shown.project_id == shown.tenant_id == shown.vpc_tenant_id == account.project
    assert shown.security_groups == port.security_groups
    missing(account.vpc3.show_port, v3.ShowPortRequest(NOTHING), 404, "VPC.2204", NOTHING)

    other = make.port(account, subnet.id, name="port-b", device_owner="neutron:VIP_PORT")

    def listed(**filters):
        return {found.name for found in account.vpc3.list_ports(v3.ListPortsRequest(**filters)).ports}

    both = {"port-a", "port-b"}
    assert listed() == listed(id=[port.id, other.id]) == listed(virsubnet_id=[subnet.id]) == both
    assert listed(name=["port-a"]) == listed(private_ips=["ip_address=10.0.1.2"]) == {"port-a"}
    assert listed(device_owner_prefixlike="neutron") == listed(device_owner=["neutron:VIP_PORT"]) == {"port-b"}
    assert listed(name=["port-a", "port-b"], status="DOWN") == listed(admin_state_up=True) == both
    assert listed(vpc_id=[NOTHING]) == listed(instance_type="RDS") == set()
    page = account.vpc3.list_ports(v3.ListPortsRequest(limit=1))
    assert page.page_info.current_count == 1 and page.page_info.next_marker == page.ports[0].id


def test_groups_are_inserted_and_removed(account, subnet):
    a, b, c = (make.group(account, f"group-{n}").id for n in "abc")
    port = make.port(account, subnet.id, security_groups=[a]).id

    def insert(groups, index=None, dry_run=None):
        body = v3.AddSecurityGroupsRequestBody(
            port=v3.InsertSecurityGroupOption(security_groups=groups, index=index), dry_run=dry_run)
        return account.vpc3.add_security_groups(v3.AddSecurityGroupsRequest(port, body))

    def remove(groups):
        body = v3.RemoveSecurityGroupsRequestBody(port=v3.RemoveSecurityGroupOption(security_groups=groups))
        return account.vpc3.remove_security_groups(v3.RemoveSecurityGroupsRequest(port, body)).port

    assert insert([b], index=0).port.security_groups == [b, a]
    assert insert([c]).port.security_groups == [b, a, c]
    with refused(400, "VPC.2500", "already"):
        insert([c])
    assert remove([a]).security_groups == show(account, port).security_groups == [b, c]
    with refused(400, "VPC.2500", "does not have"):
        remove([a])
    with refused(400, "VPC.2500", "at least one"):
        remove([b, c])
    with refused(400, "VPC.2500", "index"):
        insert([a], index=3)


def test_ports_that_cannot_be(account, subnet):
    with refused(404, "VPC.2204", NOTHING):
        make.port(account, NOTHING)
    with refused(400, "VPC.2500", "network_id"):
        make.port(account, "no-id")
    with refused(400, "VPC.2500", "name"):
        make.port(account, subnet.id, name="n" * 256)
    missing(account.vpc.show_port, v2.ShowPortRequest(NOTHING), 404, "VPC.2502", NOTHING)
