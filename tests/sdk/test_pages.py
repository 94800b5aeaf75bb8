"""Pages of every list (api-vpc §0.4): small ones, by marker, to the empty one behind the last."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

import make
from make import NOTHING, refused


def vpcs(account):
    return {make.vpc(account, f"vpc-{n}").id for n in range(5)}


def subnets(account):
    vpc = make.vpc(account).id
    return {make.subnet(account, vpc, f"10.0.{n}.0/24", f"subnet-{n}").id for n in range(5)}


def tables(account):
    vpc = make.vpc(account).id
    return {make.table(account, vpc, f"table-{n}").id for n in range(4)} | {make.default_table(account, vpc).id}


def peerings(account):
    first = make.vpc(account).id
    others = [make.vpc(account, f"vpc-{n}", f"10.{n}.0.0/16").id for n in range(1, 6)]
    return {make.peering(account, first, vpc, name=f"peering-{n}").id for n, vpc in enumerate(others)}


def routes(account):
    a, b = make.vpc(account).id, make.vpc(account, "vpc-b", "10.1.0.0/16").id
    peering = make.peering(account, a, b).id
    return {make.route(account, a, f"172.16.{n}.0/24", peering).id for n in range(5)}


def ports(account):
    subnet = make.subnet(account, make.vpc(account).id).id
    return {make.port(account, subnet).id for _ in range(5)}


def groups(account):
    return {make.group(account, f"group-{n}").id for n in range(5)}


def rules(account):
    group = make.group(account)
    return {rule.id for rule in group.security_group_rules} | {
        make.rule(account, group.id, protocol="tcp", multiport=str(port)).id for port in (22, 80)}


# What is made, the client, its method, the request, the list in the answer.
V1 = [
    (vpcs, "list_vpcs", v2.ListVpcsRequest, "vpcs"),
    (subnets, "list_subnets", v2.ListSubnetsRequest, "subnets"),
    (tables, "list_route_tables", v2.ListRouteTablesRequest, "routetables"),
    (ports, "list_ports", v2.ListPortsRequest, "ports"),
    (groups, "list_security_groups", v2.ListSecurityGroupsRequest, "security_groups"),
    (rules, "list_security_group_rules", v2.ListSecurityGroupRulesRequest, "security_group_rules"),
]
V2 = [
    (peerings, "list_vpc_peerings", v2.ListVpcPeeringsRequest, "peerings"),
    (routes, "list_vpc_routes", v2.ListVpcRoutesRequest, "routes"),
    (ports, "neutron_list_ports", v2.NeutronListPortsRequest, "ports"),
    (groups, "neutron_list_security_groups", v2.NeutronListSecurityGroupsRequest, "security_groups"),
    (rules, "neutron_list_security_group_rules", v2.NeutronListSecurityGroupRulesRequest, "security_group_rules"),
]
V3 = [
    (vpcs, "list_vpcs", v3.ListVpcsRequest, "vpcs"),
    (groups, "list_security_groups", v3.ListSecurityGroupsRequest, "security_groups"),
    (rules, "list_security_group_rules", v3.ListSecurityGroupRulesRequest, "security_group_rules"),
]


def named(cases):
    return pytest.mark.parametrize(("make_all", "method", "request_class", "field"), cases,
                                   ids=[method for _, method, *_ in cases])


def walk(call, request_class, field, size=2):
    """Every page of a list, with the answers."""
    marker, pages, answers = None, [], []
    # As long as there could be items; a server that ignores the marker would go round for ever.
    for _ in range(50):
        answer = call(request_class(limit=size, marker=marker))
        page = [item.id for item in getattr(answer, field)]
        answers.append(answer)
        pages.append(page)
        if not page:
            return pages, answers
        assert len(page) <= size
        marker = page[-1]
    raise AssertionError(f"no end after {len(pages)} pages")


def whole(pages, expected):
    """The pages hold everything that was made, each item once, in the order of ids."""
    found = [item for page in pages for item in page]
    assert found == sorted(found)
    assert len(found) == len(set(found))
    assert expected <= set(found)
    assert pages[-1] == [] and all(len(page) == 2 for page in pages[:-2])
    return found


@named(V1)
def test_v1_lists(account, make_all, method, request_class, field):
    expected = make_all(account)
    call = getattr(account.vpc, method)
    found = whole(walk(call, request_class, field)[0], expected)
    # No limit: everything (clients §6, trap 7); a marker alone: everything behind it.
    assert [item.id for item in getattr(call(request_class()), field)] == found
    assert [item.id for item in getattr(call(request_class(marker=found[1])), field)] == found[2:]
    with refused(400, ANY_CODE[field], "limit"):
        call(request_class(limit=-1))
    with refused(400, ANY_CODE[field], "marker"):
        call(request_class(marker="no marker"))


ANY_CODE = {
    "vpcs": "VPC.0101", "subnets": "VPC.0201", "routetables": "VPC.2801", "ports": "VPC.2500",
    "security_groups": "VPC.0601", "security_group_rules": "VPC.0601",
}


@named(V2)
def test_v2_0_lists(account, make_all, method, request_class, field):
    expected = make_all(account)
    call = getattr(account.vpc, method)
    pages, answers = walk(call, request_class, field)
    found = whole(pages, expected)
    links = [{link.rel: link for link in getattr(answer, field + "_links") or []} for answer in answers]
    # A link to the next page where there is one, and only there.
    assert [("next" in of_page) for of_page in links] == [bool(page) and page[-1] != found[-1] for page in pages]
    assert f"marker={pages[0][-1]}" in links[0]["next"].href and "limit=2" in links[0]["next"].href
    # The marker of a page that was deleted meanwhile still works.
    assert [item.id for item in getattr(call(request_class(marker=NOTHING)), field)] == found
    assert not getattr(call(request_class()), field + "_links")
    with refused(400, "400", "marker"):
        call(request_class(marker="no marker"))


@named(V3)
def test_v3_lists(account, make_all, method, request_class, field):
    expected = make_all(account)
    call = getattr(account.vpc3, method)
    pages, answers = walk(call, request_class, field)
    found = whole(pages, expected)
    for page, answer in zip(pages, answers, strict=True):
        info = answer.page_info
        assert info.current_count == len(page)
        assert info.previous_marker == (page[0] if page else None)
        # Absent on the last page (clients §6, trap 27).
        assert info.next_marker == (page[-1] if page and page[-1] != found[-1] else None)
        assert answer.request_id
    with refused(400, ANY_CODE[field], "limit"):
        call(request_class(limit=2001))
