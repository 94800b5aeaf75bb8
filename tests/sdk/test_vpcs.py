"""VPCs, v1 and v3 (api-vpc §4)."""

import datetime

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

import make
from make import NOTHING, UUID, missing, refused


def show(account, vpc_id):
    return account.vpc.show_vpc(v2.ShowVpcRequest(vpc_id)).vpc


def show_v3(account, vpc_id):
    return account.vpc3.show_vpc(v3.ShowVpcRequest(vpc_id)).vpc


def update(account, vpc_id, **fields):
    return account.vpc.update_vpc(v2.UpdateVpcRequest(vpc_id, v2.UpdateVpcRequestBody(v2.UpdateVpcOption(**fields)))).vpc


def extend(account, vpc_id, *cidrs):
    body = v3.AddVpcExtendCidrRequestBody(vpc=v3.AddExtendCidrOption(list(cidrs)))
    return account.vpc3.add_vpc_extend_cidr(v3.AddVpcExtendCidrRequest(vpc_id, body)).vpc


def shrink(account, vpc_id, *cidrs):
    body = v3.RemoveVpcExtendCidrRequestBody(vpc=v3.RemoveExtendCidrOption(list(cidrs)))
    return account.vpc3.remove_vpc_extend_cidr(v3.RemoveVpcExtendCidrRequest(vpc_id, body)).vpc


def test_a_vpc_from_creation_to_deletion(account):
    option = v2.CreateVpcOption(name="vpc-a", cidr="192.168.0.0/16", description="first")
    made = account.vpc.create_vpc(v2.CreateVpcRequest(v2.CreateVpcRequestBody(option)))
    assert made.status_code == 200
    vpc = made.vpc
    assert UUID.fullmatch(vpc.id)
    assert (vpc.name, vpc.cidr, vpc.description) == ("vpc-a", "192.168.0.0/16", "first")
    assert (vpc.status, vpc.enterprise_project_id, vpc.tenant_id) == ("OK", "0", account.project)
    assert vpc.routes == []
    age = datetime.datetime.now(datetime.timezone.utc) - vpc.created_at
    assert abs(age) < datetime.timedelta(minutes=5)
    assert vpc.updated_at == vpc.created_at

    assert show(account, vpc.id).to_dict() == vpc.to_dict()
    changed = update(account, vpc.id, name="vpc-b", description="")
    assert (changed.name, changed.description, changed.cidr) == ("vpc-b", "", "192.168.0.0/16")
    assert update(account, vpc.id, cidr="10.0.0.0/8").cidr == "10.0.0.0/8"

    deleted = account.vpc.delete_vpc(v2.DeleteVpcRequest(vpc.id))
    assert deleted.status_code == 204 and not deleted.raw_content
    missing(account.vpc.show_vpc, v2.ShowVpcRequest(vpc.id), 404, "VPC.0003")
    missing(account.vpc.delete_vpc, v2.DeleteVpcRequest(vpc.id), 404, "VPC.0003")
    missing(account.vpc3.show_vpc, v3.ShowVpcRequest(vpc.id), 404, "VPC.2204", vpc.id)


def test_a_vpc_in_v3(account):
    option = v3.CreateVpcOption(name="vpc-a", cidr="10.0.0.0/16", description="first")
    made = account.vpc3.create_vpc(v3.CreateVpcRequest(v3.CreateVpcRequestBody(vpc=option)))
    # The model of this answer has no `vpc`: a program finds it by its name.
    assert made.status_code == 201 and made.request_id
    [vpc] = account.vpc3.list_vpcs(v3.ListVpcsRequest(name=["vpc-a"])).vpcs
    assert (vpc.status, vpc.project_id, vpc.extend_cidrs, vpc.tags) == ("ACTIVE", account.project, [], [])
    make.subnet(account, vpc.id)
    vpc = show_v3(account, vpc.id)
    assert {item.resource_type: item.resource_count for item in vpc.cloud_resources} == {"routetable": 1, "virsubnet": 1}
    [subnet] = account.vpc.list_subnets(v2.ListSubnetsRequest(vpc_id=vpc.id)).subnets
    make.delete_subnet(account, subnet)
    vpc = show_v3(account, vpc.id)
    assert account.vpc3.list_vpcs(v3.ListVpcsRequest(id=[vpc.id])).vpcs == [vpc]
    # One VPC, two words for its state (clients §6, trap 19).
    assert show(account, vpc.id).status == "OK"

    option = v3.UpdateVpcOption(name="vpc-b", description="second")
    answer = account.vpc3.update_vpc(v3.UpdateVpcRequest(vpc.id, v3.UpdateVpcRequestBody(vpc=option)))
    assert answer.status_code == 200
    assert (show_v3(account, vpc.id).name, show(account, vpc.id).description) == ("vpc-b", "second")
    assert account.vpc3.delete_vpc(v3.DeleteVpcRequest(vpc.id)).status_code == 204
    missing(account.vpc3.delete_vpc, v3.DeleteVpcRequest(vpc.id), 404, "VPC.2204")


def test_a_dry_run_checks_and_changes_nothing(account):
    def create(cidr):
        body = v3.CreateVpcRequestBody(dry_run=True, vpc=v3.CreateVpcOption(name="vpc-a", cidr=cidr))
        return account.vpc3.create_vpc(v3.CreateVpcRequest(body))

    assert create("10.0.0.0/16").status_code == 202
    with refused(400, "VPC.0101", "8.8.8.0/24"):
        create("8.8.8.0/24")
    assert account.vpc3.list_vpcs(v3.ListVpcsRequest()).vpcs == []

    vpc = make.vpc(account)
    body = v3.UpdateVpcRequestBody(dry_run=True, vpc=v3.UpdateVpcOption(name="vpc-b"))
    assert account.vpc3.update_vpc(v3.UpdateVpcRequest(vpc.id, body)).status_code == 202
    body = v3.AddVpcExtendCidrRequestBody(dry_run=True, vpc=v3.AddExtendCidrOption(["23.8.0.0/16"]))
    assert account.vpc3.add_vpc_extend_cidr(v3.AddVpcExtendCidrRequest(vpc.id, body)).status_code == 202
    found = show_v3(account, vpc.id)
    assert (found.name, found.extend_cidrs) == ("vpc-a", [])


def test_secondary_cidrs(account):
    vpc = make.vpc(account)
    assert extend(account, vpc.id, "23.8.0.0/16").extend_cidrs == ["23.8.0.0/16"]
    found = extend(account, vpc.id, "172.16.0.0/16", "192.168.0.0/24")
    assert sorted(found.extend_cidrs) == ["172.16.0.0/16", "192.168.0.0/24", "23.8.0.0/16"]
    assert show_v3(account, vpc.id).extend_cidrs == found.extend_cidrs

    subnet = make.subnet(account, vpc.id, cidr="23.8.1.0/24")
    assert "23.8.1.0/24" in make.local(make.default_table(account, vpc.id))
    with refused(400, "VPC.0101", "overlaps"):
        extend(account, vpc.id, "10.0.128.0/20")
    with refused(400, "VPC.0101", "overlaps"):
        extend(account, vpc.id, "172.16.0.0/24")
    with refused(400, "VPC.0101"):
        extend(account, vpc.id, "100.64.0.0/16")
    with refused(400, "VPC.0101", "30.0.0.0/16"):
        shrink(account, vpc.id, "30.0.0.0/16")
    with refused(409, "VPC.0104", "subnet"):
        shrink(account, vpc.id, "23.8.0.0/16")

    make.delete_subnet(account, subnet)
    left = shrink(account, vpc.id, "23.8.0.0/16", "172.16.0.0/16")
    assert left.extend_cidrs == ["192.168.0.0/24"]
    missing(account.vpc3.add_vpc_extend_cidr,
            v3.AddVpcExtendCidrRequest(NOTHING, v3.AddVpcExtendCidrRequestBody(
                vpc=v3.AddExtendCidrOption(["23.8.0.0/16"]))), 404, "VPC.2204")


def test_filters_of_lists(account):
    a, b, c = (make.vpc(account, name, f"10.{n}.0.0/16", description=name[-1])
               for n, name in enumerate(["vpc-a", "vpc-b", "vpc-c"]))

    def v1(**filters):
        return {vpc.name for vpc in account.vpc.list_vpcs(v2.ListVpcsRequest(**filters)).vpcs}

    def v3_(**filters):
        return {vpc.name for vpc in account.vpc3.list_vpcs(v3.ListVpcsRequest(**filters)).vpcs}

    assert v1() == v3_() == {"vpc-a", "vpc-b", "vpc-c"}
    assert v1(id=a.id) == {"vpc-a"}
    assert v1(enterprise_project_id="0") == v1(enterprise_project_id="all_granted_eps") == v1()
    assert v1(enterprise_project_id=NOTHING) == v1(id=NOTHING) == set()
    # The SDK sends one parameter for each value.
    assert v3_(id=[a.id, b.id]) == {"vpc-a", "vpc-b"}
    assert v3_(name=["vpc-b", "vpc-c", "vpc-x"]) == {"vpc-b", "vpc-c"}
    assert v3_(cidr=["10.2.0.0/16"], description=["c"]) == {"vpc-c"}
    assert v3_(cidr=["10.2.0.0/16"], description=["a"]) == set()
    assert c.name == "vpc-c"


def test_what_a_vpc_may_not_be(account):
    make.vpc(account)
    with refused(400, "VPC.0115", "vpc-a"):
        make.vpc(account)
    with refused(400, "VPC.0101", "8.8.8.0/24"):
        make.vpc(account, "vpc-b", "8.8.8.0/24")
    with refused(400, "VPC.0101", "10.0.0.1/16"):
        make.vpc(account, "vpc-b", "10.0.0.1/16")
    with refused(400, "VPC.0101", "no range"):
        make.vpc(account, "vpc-b", "no range")
    with refused(400, "VPC.0101", "name"):
        make.vpc(account, "a name with spaces")
    with refused(400, "VPC.0101", "name"):
        make.vpc(account, "a" * 65)
    with refused(400, "VPC.0101", "description"):
        make.vpc(account, "vpc-b", description="<b>")
    [only] = account.vpc.list_vpcs(v2.ListVpcsRequest()).vpcs
    assert only.name == "vpc-a"


def test_what_would_not_be_kept_is_refused(account):
    vpc = make.vpc(account, tags=[])
    with refused(400, "VPC.0101", "routes"):
        update(account, vpc.id, routes=[v2.Route("0.0.0.0/0", "10.0.0.5")])


def test_names_may_be_empty_or_chinese(account):
    assert make.vpc(account, "虚拟私有云-1").name == "虚拟私有云-1"
    assert make.vpc(account, None).name == make.vpc(account, "").name == ""


def test_a_vpc_that_is_in_use_stays(account):
    a, b = make.vpc(account, "vpc-a"), make.vpc(account, "vpc-b", "10.1.0.0/16")
    subnet = make.subnet(account, a.id)
    with refused(409, "VPC.0104", "subnet"):
        account.vpc.delete_vpc(v2.DeleteVpcRequest(a.id))
    with refused(400, "VPC.0117", "10.0.1.0/24"):
        update(account, a.id, cidr="10.0.128.0/17")
    make.delete_subnet(account, subnet)
    peering = make.peering(account, a.id, b.id)
    for vpc in (a, b):
        with refused(409, "VPC.0108", "peering"):
            account.vpc.delete_vpc(v2.DeleteVpcRequest(vpc.id))
    account.vpc.delete_vpc_peering(v2.DeleteVpcPeeringRequest(peering.id))
    assert account.vpc.delete_vpc(v2.DeleteVpcRequest(a.id)).status_code == 204


def test_ids_that_are_none_and_ids_of_nothing(account):
    missing(account.vpc.show_vpc, v2.ShowVpcRequest(NOTHING), 404, "VPC.0003", NOTHING)
    missing(account.vpc.show_vpc, v2.ShowVpcRequest("no-id"), 400, "VPC.0101", "no-id")
    missing(account.vpc3.show_vpc, v3.ShowVpcRequest("no-id"), 404, "VPC.2204")
    with refused(404, "VPC.0003"):
        update(account, NOTHING, name="vpc-x")


def test_many_at_once(account):
    """The SDK's asynchronous client: requests on several connections, each answered as if alone."""
    client = account.client(v2.VpcAsyncClient)

    def create(number):
        option = v2.CreateVpcOption(name=f"vpc-{number % 10}", cidr="10.0.0.0/16")
        return client.create_vpc_async(v2.CreateVpcRequest(v2.CreateVpcRequestBody(option)))

    outcomes = []
    for pending in [create(number) for number in range(20)]:
        try:
            outcomes.append(pending.result().vpc.name)
        except ClientRequestException as refusal:
            assert (refusal.status_code, refusal.error_code) == (400, "VPC.0115"), refusal
    # Ten names, each taken once.
    assert sorted(outcomes) == sorted(vpc.name for vpc in account.vpc.list_vpcs(v2.ListVpcsRequest()).vpcs)
    assert sorted(outcomes) == [f"vpc-{number}" for number in range(10)]
