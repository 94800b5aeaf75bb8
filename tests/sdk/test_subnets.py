"""Subnets, v1 (api-vpc §5)."""

import huaweicloudsdkvpc.v2 as v2

import make
from make import NOTHING, UUID, missing, refused


def show(account, subnet_id):
    return account.vpc.show_subnet(v2.ShowSubnetRequest(subnet_id)).subnet


def update(account, subnet, vpc_id=None, **fields):
    body = v2.UpdateSubnetRequestBody(v2.UpdateSubnetOption(**fields))
    return account.vpc.update_subnet(v2.UpdateSubnetRequest(vpc_id or subnet.vpc_id, subnet.id, body)).subnet


def test_a_subnet_from_creation_to_deletion(account):
    vpc = make.vpc(account)
    option = v2.CreateSubnetOption(
        name="subnet-a", description="first", cidr="10.0.1.0/24", gateway_ip="10.0.1.1", vpc_id=vpc.id,
        primary_dns="100.125.1.250", secondary_dns="8.8.8.8")
    made = account.vpc.create_subnet(v2.CreateSubnetRequest(v2.CreateSubnetRequestBody(option)))
    assert made.status_code == 200
    subnet = made.subnet
    assert UUID.fullmatch(subnet.id) and UUID.fullmatch(subnet.neutron_subnet_id)
    # Two ids (clients §6, trap 22).
    assert subnet.neutron_network_id == subnet.id != subnet.neutron_subnet_id
    assert (subnet.name, subnet.description, subnet.vpc_id) == ("subnet-a", "first", vpc.id)
    assert (subnet.cidr, subnet.gateway_ip) == ("10.0.1.0/24", "10.0.1.1")
    assert (subnet.dhcp_enable, subnet.ipv6_enable, subnet.cidr_v6) == (True, False, None)
    assert subnet.dns_list == [subnet.primary_dns, subnet.secondary_dns] == ["100.125.1.250", "8.8.8.8"]
    # A /24 without network, gateway, system interface, DHCP and broadcast (api-vpc §5.4).
    assert subnet.available_ip_address_count == 251
    assert (subnet.tenant_id, subnet.scope) == (account.project, "center")
    found = show(account, subnet.id)
    assert found.status == "ACTIVE"
    assert account.vpc.list_subnets(v2.ListSubnetsRequest(vpc_id=vpc.id)).subnets == [found]

    table = make.default_table(account, vpc.id)
    assert [item.id for item in table.subnets] == [subnet.id]
    assert "10.0.1.0/24" in make.local(table)

    changed = update(account, subnet, name="subnet-b", description="", dns_list=["1.1.1.1"])
    # Nothing but these (clients §6, trap 26).
    assert changed.to_dict() == {"id": subnet.id, "status": "ACTIVE"}
    found = show(account, subnet.id)
    assert (found.name, found.description, found.primary_dns, found.secondary_dns) == ("subnet-b", "", "1.1.1.1", "")

    assert make.delete_subnet(account, subnet).status_code == 204
    missing(account.vpc.show_subnet, v2.ShowSubnetRequest(subnet.id), 404, "VPC.0202", subnet.id)
    with refused(404, "VPC.0202"):
        make.delete_subnet(account, subnet)
    assert "10.0.1.0/24" not in make.local(make.default_table(account, vpc.id))


def test_dhcp_options_are_set_and_cleared(account):
    vpc = make.vpc(account)
    options = [v2.ExtraDhcpOption("ntp", "10.0.1.5,10.0.1.6"), v2.ExtraDhcpOption("addresstime", "24h")]
    subnet = make.subnet(account, vpc.id, extra_dhcp_opts=options, dhcp_enable=True)

    def shown():
        return {option.opt_name: option.opt_value for option in show(account, subnet.id).extra_dhcp_opts}

    assert shown() == {"ntp": "10.0.1.5,10.0.1.6", "addresstime": "24h"}
    # Only the options that are listed change.
    update(account, subnet, name="subnet-a", extra_dhcp_opts=[v2.ExtraDhcpOption("addresstime", "-1")])
    assert shown() == {"ntp": "10.0.1.5,10.0.1.6", "addresstime": "-1"}
    for name, value in [("ntp", ""), ("ntp", "no address"), ("addresstime", "0h"), ("no such option", "1")]:
        with refused(400, "VPC.0201"):
            update(account, subnet, name="subnet-a", extra_dhcp_opts=[v2.ExtraDhcpOption(name, value)])
    update(account, subnet, name="subnet-a", dhcp_enable=False)
    assert show(account, subnet.id).dhcp_enable is False


def test_what_a_subnet_may_not_be(account):
    vpc = make.vpc(account)
    make.subnet(account, vpc.id)
    with refused(400, "VPC.0203", "10.1.0.0/24"):
        make.subnet(account, vpc.id, cidr="10.1.0.0/24")
    with refused(400, "VPC.0204", "subnet-a"):
        make.subnet(account, vpc.id, cidr="10.0.1.128/25", name="subnet-b")
    for cidr in ("10.0.2.1/24", "10.0.2.0/33", "no range"):
        option = v2.CreateSubnetOption(name="subnet-b", cidr=cidr, gateway_ip="10.0.2.1", vpc_id=vpc.id)
        with refused(400, "VPC.0212", cidr):
            account.vpc.create_subnet(v2.CreateSubnetRequest(v2.CreateSubnetRequestBody(option)))
    with refused(400, "VPC.0201", "10.0.4.1"):
        make.subnet(account, vpc.id, cidr="10.0.3.0/24", gateway_ip="10.0.4.1")
    with refused(400, "VPC.0201", "name"):
        make.subnet(account, vpc.id, cidr="10.0.3.0/24", name="")
    with refused(400, "VPC.0201", "dns"):
        make.subnet(account, vpc.id, cidr="10.0.3.0/24", primary_dns="no address")
    with refused(404, "VPC.0003", NOTHING):
        make.subnet(account, NOTHING, cidr="10.0.3.0/24")
    assert len(account.vpc.list_subnets(v2.ListSubnetsRequest()).subnets) == 1


def test_a_subnet_is_reached_through_its_own_vpc_only(account):
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b", "10.1.0.0/16")
    subnet = make.subnet(account, a.id)
    with refused(400, "VPC.0207"):
        update(account, subnet, vpc_id=b.id, name="subnet-b")
    with refused(400, "VPC.0207"):
        account.vpc.delete_subnet(v2.DeleteSubnetRequest(vpc_id=b.id, subnet_id=subnet.id))
    assert account.vpc.list_subnets(v2.ListSubnetsRequest(vpc_id=b.id)).subnets == []


def test_a_subnet_that_is_in_use_stays(account):
    vpc = make.vpc(account)
    subnet = make.subnet(account, vpc.id)
    port = make.port(account, subnet.id)
    assert show(account, subnet.id).available_ip_address_count == 250
    # Never 400: the Terraform provider would take the subnet for deleted (clients §6, trap 11).
    with refused(500, "VPC.0208"):
        make.delete_subnet(account, subnet)
    account.vpc.delete_port(v2.DeletePortRequest(port.id))
    assert make.delete_subnet(account, subnet).status_code == 204


def test_ids_that_are_none_and_ids_of_nothing(account):
    missing(account.vpc.show_subnet, v2.ShowSubnetRequest(NOTHING), 404, "VPC.0202", NOTHING)
    missing(account.vpc.show_subnet, v2.ShowSubnetRequest("no-id"), 400, "VPC.0201", "no-id")
