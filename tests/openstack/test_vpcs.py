"""VPCs and subnets: the plugin has no command for them, its SDK has calls."""

import pytest
from openstack import exceptions


def test_a_vpc_from_beginning_to_end(sdk):
    vpc = sdk.create_vpc(name="one", cidr="10.0.0.0/16", description="first")
    assert (vpc.status, vpc.cidr, vpc.description) == ("OK", "10.0.0.0/16", "first")
    assert [vpc.id for vpc in sdk.vpcs()] == [vpc.id]
    assert sdk.find_vpc("one").id == vpc.id
    assert sdk.get_vpc(vpc.id).name == "one"
    assert sdk.update_vpc(vpc.id, name="uno", description="").name == "uno"
    assert sdk.get_vpc(vpc.id).description == ""
    sdk.delete_vpc(vpc.id)
    with pytest.raises(exceptions.NotFoundException):
        sdk.get_vpc(vpc.id)
    sdk.delete_vpc(vpc.id)


def test_a_vpc_with_a_wrong_range_is_refused_in_words(sdk):
    with pytest.raises(exceptions.BadRequestException, match="invalid CIDR: `10.0.0.1/33`"):
        sdk.create_vpc(name="wrong", cidr="10.0.0.1/33")


def test_a_subnet_from_beginning_to_end(sdk):
    vpc = sdk.create_vpc(name="one", cidr="10.0.0.0/16")
    subnet = sdk.create_subnet(name="s", cidr="10.0.1.0/24", gateway_ip="10.0.1.1", vpc_id=vpc.id,
                               dns_list=["10.0.0.53", "10.0.0.54"])
    assert (subnet.status, subnet.primary_dns, subnet.secondary_dns) == ("ACTIVE", "10.0.0.53", "10.0.0.54")
    assert subnet.dhcp_enable is True
    assert subnet.neutron_subnet_id != subnet.id
    assert [one.id for one in sdk.subnets(vpc_id=vpc.id)] == [subnet.id]
    assert sdk.find_subnet("s").id == subnet.id
    assert sdk.get_subnet(subnet.id).gateway_ip == "10.0.1.1"
    sdk.update_subnet(subnet, name="t", dhcp_enable=False)
    changed = sdk.get_subnet(subnet.id)
    assert (changed.name, changed.dhcp_enable) == ("t", False)
    with pytest.raises(exceptions.ConflictException):
        sdk.delete_vpc(vpc.id)
    sdk.delete_subnet(changed)
    sdk.delete_vpc(vpc.id)
    assert sdk.vpcs() == []
