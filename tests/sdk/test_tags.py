"""Tags, v2.0 and v3 (api-vpc §13), and the tags of new objects."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, refused


def pairs(tags):
    return [(tag.key, tag.value) for tag in tags]


class Kind:
    """The operations of one type, under the names that the SDK gives them."""

    def __init__(self, client, package, name, *, identifier, one="", make_one=None):
        self.client, self.package = client, package
        self.name, self.identifier, self.make_one = name, identifier, make_one
        # The SDK calls the single tag of a VPC a `vpc resource tag` when it is made.
        self.one = one or f"{name}_tag"

    def request(self, operation):
        return getattr(self.package, "".join(part.capitalize() for part in operation.split("_")) + "Request")

    def call(self, operation, *body, id=None, **fields):
        if id is not None:
            fields[self.identifier] = id
        request = self.request(operation)(**fields)
        if body:
            name = "".join(part.capitalize() for part in operation.split("_")) + "RequestBody"
            request.body = getattr(self.package, name)(**body[0])
        return getattr(self.client, operation)(request)

    def show(self, id):
        return pairs(self.call(f"show_{self.name}_tags", id=id).tags)

    def create(self, id, key, value):
        return self.call(f"create_{self.one}", {"tag": self.package.ResourceTag(key, value)}, id=id)

    def delete(self, id, key):
        name = "key" if self.package is v2 else "tag_key"
        return self.call(f"delete_{self.name}_tag", id=id, **{name: key})

    def batch(self, action, id, tags):
        if self.package is v3 and action == "delete":
            tags = [v3.DeleteResourceTagRequestBody(key, value) for key, value in tags]
        else:
            tags = [self.package.ResourceTag(key, value) for key, value in tags]
        body = {"tags": tags} if self.package is v3 else {"action": action, "tags": tags}
        return self.call(f"batch_{action}_{self.name}_tags", body, id=id)

    def in_use(self, **page):
        return {tag.key: tag.values for tag in self.call(f"list_{self.name}_tags", **page).tags}

    def find(self, tags, matches=None, **page):
        operation = f"list_{self.name}s_by_tags"
        body = {"tags": [self.package.ListTag(key, values) for key, values in tags]}
        if matches:
            body["matches"] = [self.package.Match("resource_name", matches)]
        if self.package is v2:
            return self.call(operation, {"action": "filter", **body, **page})
        return self.call(operation, body, **page)

    def count(self, tags):
        body = {"tags": [self.package.ListTag(key, values) for key, values in tags]}
        if self.package is v2:
            return self.call(f"list_{self.name}s_by_tags", {"action": "count", **body}).total_count
        return self.call(f"count_{self.name}s_by_tags", body).total_count


def new_vpc(account, name):
    return make.vpc(account, name).id


def new_subnet(account, name):
    return make.subnet(account, make.vpc(account, f"vpc-{name}").id, name=name).id


def new_group(account, name):
    option = v3.CreateSecurityGroupOption(name=name)
    request = v3.CreateSecurityGroupRequest(v3.CreateSecurityGroupRequestBody(security_group=option))
    return account.vpc3.create_security_group(request).security_group.id


def new_acl(account, name):
    option = v3.CreateFirewallOption(name=name)
    request = v3.CreateFirewallRequest(v3.CreateFirewallRequestBody(firewall=option))
    return account.vpc3.create_firewall(request).firewall.id


def new_port(account, name):
    return make.port(account, new_subnet(account, f"subnet-{name}"), name=name).id


def new_sub(account, name):
    subnet = new_subnet(account, f"subnet-{name}")
    parent = make.port(account, subnet)
    option = v3.CreateSubNetworkInterfaceOption(virsubnet_id=subnet, parent_id=parent.id)
    body = v3.CreateSubNetworkInterfaceRequestBody(sub_network_interface=option)
    made = account.vpc3.create_sub_network_interface(v3.CreateSubNetworkInterfaceRequest(body))
    return made.sub_network_interface.id


def kind(account, name):
    match name:
        case "vpc":
            return Kind(account.vpc, v2, name, identifier="vpc_id", one="vpc_resource_tag", make_one=new_vpc)
        case "subnet":
            return Kind(account.vpc, v2, name, identifier="subnet_id", make_one=new_subnet)
        case "security_group":
            return Kind(account.vpc, v2, name, identifier="security_group_id", make_one=new_group)
        case "firewall":
            return Kind(account.vpc3, v3, name, identifier="firewall_id", make_one=new_acl)
        case "port":
            return Kind(account.vpc3, v3, name, identifier="port_id", make_one=new_port)
        case "sub_network_interface":
            return Kind(account.vpc3, v3, name, identifier="sub_network_interface_id", make_one=new_sub)
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["vpc", "subnet", "security_group", "firewall", "port"])
def test_every_operation_of_a_type(account, other, name):
    tags = kind(account, name)
    one, two = tags.make_one(account, "one"), tags.make_one(account, "two-one")
    assert tags.show(one) == []
    assert tags.create(one, "env", "test").status_code == 204
    assert tags.batch("create", one, [("env", "prod"), ("team", "")]).status_code == 204
    assert tags.batch("create", two, [("env", "preprod")]).status_code == 204
    assert tags.show(one) == [("env", "prod"), ("team", "")]
    assert tags.in_use() == {"env": ["preprod", "prod"], "team": [""]}

    def found(*args, **page):
        return {resource.resource_name: pairs(resource.tags) for resource in tags.find(*args, **page).resources}

    assert found([("env", ["prod"])]) == {"one": [("env", "prod"), ("team", "")]}
    assert set(found([("env", [])])) == set(found([("env", ["*prod"])])) == {"one", "two-one"}
    assert set(found([("env", [])], "two")) == {"two-one"}
    assert tags.find([("env", [])], limit=1).total_count == 2
    assert len(found([("env", [])], limit=1, offset=1)) == 1
    assert found([("env", [])], limit=1, offset=2) == {}
    assert (tags.count([("env", ["prod", "preprod"])]), tags.count([("none", [])])) == (2, 0)

    assert tags.batch("delete", one, [("team", ""), ("never there", "x")]).status_code == 204
    assert tags.delete(one, "env").status_code == 204
    assert tags.show(one) == []
    with refused(404, "VPC.2204", "env"):
        tags.delete(one, "env")
    with refused(404, "VPC.2204", NOTHING):
        tags.show(NOTHING)
    with refused(404, "VPC.2204"):
        kind(other, name).create(one, "k", "v")
    with refused(400, "VPC.1801", "repeated"):
        tags.batch("create", one, [("k", "a"), ("k", "b")])
    with refused(400, "VPC.1801", "number of tags exceeds max num of 10"):
        tags.batch("create", one, [(f"k{n}", "") for n in range(11)])
    with refused(400, "VPC.1801", "Tag length is invalid"):
        tags.create(one, "k" * 37, "")
    with refused(400, "VPC.1801", "resource id is invalid"):
        tags.show("no-id")


def test_every_operation_of_supplementary_interfaces(account, other):
    """They have no names: resources are found by their ids."""
    tags = kind(account, "sub_network_interface")
    one, two = tags.make_one(account, "one"), tags.make_one(account, "two")
    assert tags.create(one, "env", "test").status_code == 204
    assert tags.batch("create", one, [("env", "prod"), ("team", "")]).status_code == 204
    assert tags.batch("create", two, [("env", "preprod")]).status_code == 204
    assert tags.show(one) == [("env", "prod"), ("team", "")]
    assert tags.in_use() == {"env": ["preprod", "prod"], "team": [""]}

    def found(*args, **page):
        return {resource.resource_id for resource in tags.find(*args, **page).resources}

    assert found([("env", ["prod"])]) == {one}
    assert found([("env", [])]) == {one, two}
    assert len(found([("env", [])], limit=1, offset=1)) == 1
    assert (tags.count([("env", ["prod", "preprod"])]), tags.count([("none", [])])) == (2, 0)
    request = v3.ShowSubNetworkInterfaceRequest(one)
    shown = account.vpc3.show_sub_network_interface(request).sub_network_interface
    assert pairs(shown.tags) == [("env", "prod"), ("team", "")]
    # A tag of an interface is none of its parent's, and none of any port.
    assert kind(account, "port").in_use() == {}
    with refused(404, "VPC.2204"):
        kind(account, "port").show(one)
    with refused(404, "VPC.2204"):
        kind(other, "sub_network_interface").create(one, "k", "v")

    assert tags.batch("delete", one, [("team", "")]).status_code == 204
    assert tags.delete(one, "env").status_code == 204
    assert tags.show(one) == []
    with refused(404, "VPC.2204", "env"):
        tags.delete(one, "env")


def test_v3_tags_have_pages(account):
    acl, tags = new_acl(account, "acl"), kind(account, "firewall")
    tags.batch("create", acl, [("a", "1"), ("b", "2")])
    assert tags.in_use(limit=1, offset=0) == {"a": ["1"]}
    assert tags.in_use(limit=1, offset=1) == {"b": ["2"]}
    assert tags.in_use(limit=2, offset=2) == {}


def test_objects_are_made_with_tags(account):
    made = make.vpc(account, tags=["env*prod", "team"])
    assert kind(account, "vpc").show(made.id) == [("env", "prod"), ("team", "")]
    assert pairs(account.vpc3.show_vpc(v3.ShowVpcRequest(made.id)).vpc.tags) == [("env", "prod"), ("team", "")]
    subnet = make.subnet(account, made.id, tags=["a*b"])
    assert kind(account, "subnet").show(subnet.id) == [("a", "b")]
    tags = [v3.Tag(key="env", value="prod")]
    option = v3.CreateVpcOption(name="vpc-v3", cidr="10.1.0.0/16", tags=tags)
    account.vpc3.create_vpc(v3.CreateVpcRequest(v3.CreateVpcRequestBody(vpc=option)))
    [vpc] = account.vpc3.list_vpcs(v3.ListVpcsRequest(name=["vpc-v3"])).vpcs
    assert pairs(vpc.tags) == [("env", "prod")]
    tags = [v3.ResourceTag("env", "prod")]
    option = v3.CreateSecurityGroupOption(name="group", tags=tags)
    request = v3.CreateSecurityGroupRequest(v3.CreateSecurityGroupRequestBody(security_group=option))
    assert pairs(account.vpc3.create_security_group(request).security_group.tags) == [("env", "prod")]
    option = v3.CreateFirewallOption(name="acl", tags=tags)
    request = v3.CreateFirewallRequest(v3.CreateFirewallRequestBody(firewall=option))
    made = account.vpc3.create_firewall(request).firewall
    assert pairs(made.tags) == [("env", "prod")]
    with refused(400, "VPC.1801", "max num of 10"):
        make.vpc(account, "vpc-b", tags=[f"k{n}*v" for n in range(11)])


def test_the_switches_of_vpcs_and_subnets(account):
    made = make.vpc(account, block_service_endpoint_states="on", enable_network_address_usage_metrics=True)
    assert (made.block_service_endpoint_states, made.enable_network_address_usage_metrics) == ("on", True)
    shown = account.vpc3.show_vpc(v3.ShowVpcRequest(made.id)).vpc
    assert (shown.block_service_endpoint_states, shown.enable_network_address_usage_metrics) == ("on", True)
    option = v2.UpdateVpcOption(enable_network_address_usage_metrics=False)
    changed = account.vpc.update_vpc(v2.UpdateVpcRequest(made.id, v2.UpdateVpcRequestBody(option))).vpc
    assert (changed.block_service_endpoint_states, changed.enable_network_address_usage_metrics) == ("on", False)
    subnet = make.subnet(account, made.id, enable_network_address_usage_metrics=True)
    assert (subnet.enable_network_address_usage_metrics, subnet.scope) == (True, "center")
