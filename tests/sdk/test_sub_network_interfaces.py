"""Supplementary network interfaces (api-vpc §11)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, UUID, missing, refused


@pytest.fixture
def subnet(account):
    return make.subnet(account, make.vpc(account).id)


@pytest.fixture
def other(account, subnet):
    return make.subnet(account, subnet.vpc_id, cidr="10.0.2.0/24", name="subnet-b")


@pytest.fixture
def parent(account, subnet):
    return make.port(account, subnet.id)


def create(account, subnet_id, parent_id, **fields):
    option = v3.CreateSubNetworkInterfaceOption(virsubnet_id=subnet_id, parent_id=parent_id, **fields)
    body = v3.CreateSubNetworkInterfaceRequestBody(sub_network_interface=option)
    return account.vpc3.create_sub_network_interface(v3.CreateSubNetworkInterfaceRequest(body))


def batch(account, subnet_id, parent_id, count, **fields):
    option = v3.BatchCreateSubNetworkInterfaceOption(virsubnet_id=subnet_id, parent_id=parent_id, **fields)
    body = v3.BatchCreateSubNetworkInterfaceRequestBody(sub_network_interface=option, count=count)
    return account.vpc3.batch_create_sub_network_interface(v3.BatchCreateSubNetworkInterfaceRequest(body))


def show(account, interface_id):
    return account.vpc3.show_sub_network_interface(
        v3.ShowSubNetworkInterfaceRequest(interface_id)).sub_network_interface


def count(account):
    return account.vpc3.show_sub_network_interfaces_quantity(
        v3.ShowSubNetworkInterfacesQuantityRequest()).sub_network_interfaces


def attach(account, interface_id, parent_id, **fields):
    option = v3.AttachSubNetworkInterfaceOption(parent_id=parent_id, **fields)
    body = v3.AttachSubNetworkInterfaceRequestBody(sub_network_interface=option)
    return account.vpc3.attach_sub_network_interface(v3.AttachSubNetworkInterfaceRequest(interface_id, body))


def test_one_from_creation_to_deletion(account, other, parent):
    made = create(account, other.id, parent.id, vlan_id="100", description="text", private_ip_address="10.0.2.9")
    assert made.status_code == 201 and made.request_id
    found = made.sub_network_interface
    assert UUID.fullmatch(found.id) and found.mac_address.startswith("fa:16:3e:")
    assert (found.virsubnet_id, found.vpc_id, found.parent_id) == (other.id, other.vpc_id, parent.id)
    assert (found.vlan_id, found.state, found.parent_device_id) == (100, "NORMAL", "")
    assert (found.private_ip_address, found.description, found.project_id) == ("10.0.2.9", "text", account.project)
    assert found.security_enabled is True and len(found.security_groups) == 1
    assert show(account, found.id) == found
    # A port as well, which says what carries it.
    port = account.vpc.show_port(v2.ShowPortRequest(found.id)).port
    details = port.bindingvif_details
    assert (details.vlan_id, details.parent_id, details.primary_interface) == (100, parent.id, False)
    with refused(400, "VPC.2500", "sub-network-interfaces"):
        account.vpc.delete_port(v2.DeletePortRequest(found.id))
    with refused(409, "VPC.2500", found.id):
        account.vpc.delete_port(v2.DeletePortRequest(parent.id))

    group = make.group(account).id
    option = v3.UpdateSubNetworkInterfaceOption(
        description="other", security_groups=[group],
        allowed_address_pairs=[v3.AllowedAddressPair(ip_address="10.9.0.0/16")])
    changed = account.vpc3.update_sub_network_interface(v3.UpdateSubNetworkInterfaceRequest(
        found.id, v3.UpdateSubNetworkInterfaceRequestBody(sub_network_interface=option)))
    assert changed.status_code == 200
    changed = changed.sub_network_interface
    assert (changed.description, changed.security_groups) == ("other", [group])
    assert [pair.ip_address for pair in changed.allowed_address_pairs] == ["10.9.0.0/16"]

    delete = v3.DeleteSubNetworkInterfaceRequest(found.id)
    assert account.vpc3.delete_sub_network_interface(delete).status_code == 204
    missing(account.vpc3.show_sub_network_interface, v3.ShowSubNetworkInterfaceRequest(found.id), 404, "VPC.2204",
            found.id)
    missing(account.vpc3.delete_sub_network_interface, delete, 404, "VPC.2204", found.id)
    assert account.vpc.delete_port(v2.DeletePortRequest(parent.id)).status_code == 204


def test_vlans_are_unique_at_a_parent(account, subnet, other, parent):
    assert create(account, other.id, parent.id).sub_network_interface.vlan_id == 1
    assert create(account, other.id, parent.id, vlan_id="3").sub_network_interface.vlan_id == 3
    assert create(account, other.id, parent.id).sub_network_interface.vlan_id == 2
    with refused(409, "VPC.2500", "VLAN 3"):
        create(account, other.id, parent.id, vlan_id="3")
    for vlan in ("0", "4095"):
        with refused(400, "VPC.2500", "4094"):
            create(account, other.id, parent.id, vlan_id=vlan)
    second = make.port(account, subnet.id)
    assert create(account, other.id, second.id, vlan_id="3").sub_network_interface.vlan_id == 3
    with refused(404, "VPC.2204", NOTHING):
        create(account, other.id, NOTHING)
    elsewhere = make.subnet(account, make.vpc(account, "vpc-b").id)
    with refused(400, "VPC.2500", "parent_id"):
        create(account, elsewhere.id, parent.id)


def test_several_are_made_counted_and_listed(account, other, parent):
    made = batch(account, other.id, parent.id, 20, description="many")
    assert made.status_code == 201
    interfaces = made.sub_network_interfaces
    assert [interface.vlan_id for interface in interfaces] == list(range(1, 21))
    assert len({interface.private_ip_address for interface in interfaces}) == count(account) == 20
    for wrong in (0, 21):
        with refused(400, "VPC.2500", "1 to 20"):
            batch(account, other.id, parent.id, wrong)

    def listed(**filters):
        request = v3.ListSubNetworkInterfacesRequest(**filters)
        return account.vpc3.list_sub_network_interfaces(request).sub_network_interfaces

    assert len(listed()) == len(listed(parent_id=[parent.id])) == len(listed(description=["many"])) == 20
    assert [found.id for found in listed(id=[interfaces[0].id])] == [interfaces[0].id]
    assert len(listed(private_ip_address=[interfaces[0].private_ip_address, interfaces[1].private_ip_address])) == 2
    assert listed(vpc_id=[NOTHING]) == listed(virsubnet_id=[NOTHING]) == listed(mac_address=["fa:16:3e:00:00:00"]) == []
    page = account.vpc3.list_sub_network_interfaces(v3.ListSubNetworkInterfacesRequest(limit=15))
    assert page.page_info.current_count == 15
    rest = listed(limit=15, marker=page.page_info.next_marker)
    assert len(rest) == 5


def test_one_is_detached_attached_and_moved(account, subnet, other, parent):
    interface = create(account, other.id, parent.id, vlan_id="9").sub_network_interface
    with refused(400, "VPC.2500", "detach it first"):
        attach(account, interface.id, parent.id)
    free = account.vpc3.detach_sub_network_interface(
        v3.DetachSubNetworkInterfaceRequest(interface.id)).sub_network_interface
    assert (free.state, free.parent_id, free.vlan_id) == ("UNBOUND", "", 0)
    group = make.group(account).id
    again = attach(account, interface.id, parent.id, security_groups=[group], security_enabled=False)
    again = again.sub_network_interface
    assert (again.state, again.parent_id, again.vlan_id) == ("NORMAL", parent.id, 1)
    assert (again.security_groups, again.security_enabled) == ([group], False)

    second = make.port(account, subnet.id)
    option = v3.MigrateSubNetworkInterfaceOption(
        parent_id=second.id, sub_network_interfaces=[{"id": interface.id, "vlan_id": "30"}])
    moved = account.vpc3.migrate_sub_network_interface(
        v3.MigrateSubNetworkInterfaceRequest(v3.MigrateSubNetworkInterfaceRequestBody(migration_info=option)))
    [moved] = moved.sub_network_interfaces
    assert (moved.id, moved.parent_id, moved.vlan_id) == (interface.id, second.id, 30)
    with refused(400, "VPC.2500", "at least one"):
        account.vpc3.migrate_sub_network_interface(v3.MigrateSubNetworkInterfaceRequest(
            v3.MigrateSubNetworkInterfaceRequestBody(migration_info=v3.MigrateSubNetworkInterfaceOption(
                parent_id=second.id, sub_network_interfaces=[]))))


def test_a_route_leads_to_one(account, other, parent):
    interface = create(account, other.id, parent.id).sub_network_interface
    table = make.default_table(account, other.vpc_id)
    route = v2.RouteTableRoute(type="subeni", destination="192.168.0.0/24", nexthop=interface.id)
    make.update_table(account, table.id, add=[route])
    shown = account.vpc.show_route_table(v2.ShowRouteTableRequest(table.id)).routetable
    assert [(r.type, r.nexthop) for r in shown.routes if r.destination == "192.168.0.0/24"] == [("subeni", interface.id)]
    with refused(409, "VPC.0210", "192.168.0.0/24"):
        account.vpc3.delete_sub_network_interface(v3.DeleteSubNetworkInterfaceRequest(interface.id))


def test_it_follows_the_server_of_its_parent(account, subnet, other):
    server = account.call("POST", "/causeway/v1/servers", {"server": {"name": "ecs-a", "subnet_id": subnet.id}})["server"]
    interface = create(account, other.id, server["port_id"]).sub_network_interface
    assert interface.parent_device_id == server["id"]
    account.call("DELETE", f"/causeway/v1/servers/{server['id']}")
    assert (show(account, interface.id).state, show(account, interface.id).parent_device_id) == ("UNBOUND", "")
