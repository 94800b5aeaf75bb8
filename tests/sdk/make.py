"""The objects that most tests need, made through the SDK; and how a refusal is asserted."""

import contextlib
import ipaddress
import re

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A well-formed id of nothing.
NOTHING = "00000000-0000-4000-8000-000000000000"


@contextlib.contextmanager
def refused(status, code, text=""):
    """The block is refused with this status, code, and a message with `text` in it (regardless of case)."""
    kind = ClientRequestException if status < 500 else ServerResponseException
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert (error.status_code, error.error_code) == (status, code), error
    assert text.lower() in error.error_msg.lower(), error
    # SDKs quote it; a user sends it to whoever runs the server.
    assert re.fullmatch(r"[0-9a-f]{32}", error.request_id), error


def missing(call, request, status, code, text=""):
    """The object that a request names is not there."""
    with refused(status, code, text):
        call(request)


def vpc(account, name="vpc-a", cidr="10.0.0.0/16", **fields):
    option = v2.CreateVpcOption(name=name, cidr=cidr, **fields)
    return account.vpc.create_vpc(v2.CreateVpcRequest(v2.CreateVpcRequestBody(option))).vpc


def subnet(account, vpc_id, cidr="10.0.1.0/24", name="subnet-a", **fields):
    first = str(next(ipaddress.ip_network(cidr).hosts()))
    fields = {"gateway_ip": first, **fields}
    option = v2.CreateSubnetOption(name=name, cidr=cidr, vpc_id=vpc_id, **fields)
    return account.vpc.create_subnet(v2.CreateSubnetRequest(v2.CreateSubnetRequestBody(option))).subnet


def delete_subnet(account, found):
    return account.vpc.delete_subnet(v2.DeleteSubnetRequest(vpc_id=found.vpc_id, subnet_id=found.id))


def port(account, network_id, **fields):
    option = v2.CreatePortOption(network_id=network_id, **fields)
    return account.vpc.create_port(v2.CreatePortRequest(v2.CreatePortRequestBody(option))).port


def peering(account, request_vpc, accept_vpc, accept_project=None, name="peering-ab", **fields):
    option = v2.CreateVpcPeeringOption(
        name=name,
        request_vpc_info=v2.VpcInfo(vpc_id=request_vpc),
        accept_vpc_info=v2.VpcInfo(vpc_id=accept_vpc, tenant_id=accept_project),
        **fields)
    return account.vpc.create_vpc_peering(
        v2.CreateVpcPeeringRequest(v2.CreateVpcPeeringRequestBody(option))).peering


def show_peering(account, peering_id):
    return account.vpc.show_vpc_peering(v2.ShowVpcPeeringRequest(peering_id)).peering


def route(account, vpc_id, destination, nexthop, kind="peering"):
    option = v2.CreateVpcRouteOption(destination=destination, nexthop=nexthop, type=kind, vpc_id=vpc_id)
    return account.vpc.create_vpc_route(v2.CreateVpcRouteRequest(v2.CreateVpcRouteRequestBody(option))).route


def table(account, vpc_id, name="table-a", routes=None, **fields):
    option = v2.CreateRouteTableReq(name=name, vpc_id=vpc_id, routes=routes, **fields)
    return account.vpc.create_route_table(
        v2.CreateRouteTableRequest(v2.CreateRoutetableReqBody(option))).routetable


def tables(account, **filters):
    return account.vpc.list_route_tables(v2.ListRouteTablesRequest(**filters)).routetables


def default_table(account, vpc_id):
    """The VPC's default table with its routes, found as clients find it."""
    [found] = [item for item in tables(account, vpc_id=vpc_id) if item.default]
    return show_table(account, found.id)


def show_table(account, table_id):
    return account.vpc.show_route_table(v2.ShowRouteTableRequest(table_id)).routetable


def update_table(account, table_id, add=None, mod=None, delete=None, **fields):
    routes = None
    if add or mod or delete:
        routes = v2.RouteTableRouteAction(add=add, mod=mod, _del=delete)
    body = v2.UpdateRoutetableReqBody(v2.UpdateRouteTableReq(routes=routes, **fields))
    return account.vpc.update_route_table(v2.UpdateRouteTableRequest(table_id, body)).routetable


def custom(found):
    """The routes of a table that a user made: destination -> (type, next hop)."""
    return {route.destination: (route.type, route.nexthop) for route in found.routes if route.type != "local"}


def local(found):
    return {route.destination for route in found.routes if route.type == "local"}


def group(account, name="group-a", **fields):
    option = v3.CreateSecurityGroupOption(name=name, **fields)
    return account.vpc3.create_security_group(
        v3.CreateSecurityGroupRequest(v3.CreateSecurityGroupRequestBody(security_group=option))).security_group


def rule(account, security_group_id, direction="ingress", **fields):
    option = v3.CreateSecurityGroupRuleOption(security_group_id=security_group_id, direction=direction, **fields)
    return account.vpc3.create_security_group_rule(
        v3.CreateSecurityGroupRuleRequest(
            v3.CreateSecurityGroupRuleRequestBody(security_group_rule=option))).security_group_rule
