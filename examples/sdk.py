"""Two VPCs, a peering connection and its routes, with the official Python SDK.

    pip install huaweicloudsdkcore huaweicloudsdkvpc
    python3 examples/sdk.py /var/lib/causeway/credentials.json
"""

import json
import sys

import huaweicloudsdkvpc.v2 as vpc
from huaweicloudsdkcore.auth.credentials import BasicCredentials

with open(sys.argv[1], encoding="utf-8") as file:
    known = json.load(file)
credentials = BasicCredentials(known["access_key"], known["secret_key"], known["projects"][0]["id"])
client = vpc.VpcClient.new_builder().with_credentials(credentials).with_endpoint(known["endpoint"]).build()


def network(name, cidr, subnet_cidr, gateway):
    """A VPC with a subnet."""
    made = client.create_vpc(vpc.CreateVpcRequest(vpc.CreateVpcRequestBody(
        vpc.CreateVpcOption(name=name, cidr=cidr)))).vpc
    client.create_subnet(vpc.CreateSubnetRequest(vpc.CreateSubnetRequestBody(
        vpc.CreateSubnetOption(name=f"subnet-{name}", cidr=subnet_cidr, gateway_ip=gateway, vpc_id=made.id))))
    return made


a = network("sdk-a", "172.18.0.0/16", "172.18.0.0/24", "172.18.0.1")
b = network("sdk-b", "172.19.0.0/16", "172.19.0.0/24", "172.19.0.1")

peering = client.create_vpc_peering(vpc.CreateVpcPeeringRequest(vpc.CreateVpcPeeringRequestBody(
    vpc.CreateVpcPeeringOption(name="sdk-a-b", request_vpc_info=vpc.VpcInfo(vpc_id=a.id),
                               accept_vpc_info=vpc.VpcInfo(vpc_id=b.id))))).peering

for source, target in ((a, b), (b, a)):
    client.create_vpc_route(vpc.CreateVpcRouteRequest(vpc.CreateVpcRouteRequestBody(
        vpc.CreateVpcRouteOption(type="peering", vpc_id=source.id, destination=target.cidr, nexthop=peering.id))))
    print(f"{source.name} {source.cidr} reaches {target.cidr} by {peering.name}, which is {peering.status}")
