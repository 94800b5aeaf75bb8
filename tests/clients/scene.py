"""What most tests start from, made as the provider makes it."""

import contextlib
import ipaddress

import pytest

from lifecycle import create
from network import Peering, Subnet, Vpc
from provider import Refused

# A well-formed id of nothing.
NOTHING = "00000000-0000-4000-8000-000000000000"
DNS = ["8.8.8.8", "114.114.114.114"]


def vpc(tf, name="vpc-a", cidr="192.168.0.0/16", **config):
    return create(tf, Vpc(), name=name, cidr=cidr, **config)[0]


def subnet(tf, vpc_id, cidr="192.168.0.0/24", name="subnet-a", **config):
    """Id and state."""
    gateway = str(next(ipaddress.ip_network(cidr).hosts()))
    return create(tf, Subnet(), name=name, cidr=cidr, gateway_ip=gateway, vpc_id=vpc_id, **config)


def peering(tf, vpc_id, peer_vpc_id, name="peering-ab", **config):
    return create(tf, Peering(), name=name, vpc_id=vpc_id, peer_vpc_id=peer_vpc_id, **config)[0]


def pair(tf):
    """Two VPCs with a peering between them."""
    a, b = vpc(tf, "vpc-a"), vpc(tf, "vpc-b", "172.16.0.0/16")
    return a, b, peering(tf, a, b)


def server(tf, subnet_id, name):
    """A server with a network interface in a subnet."""
    return tf.account.call("POST", "/causeway/v1/servers", {"server": {"name": name, "subnet_id": subnet_id}})["server"]


@contextlib.contextmanager
def refused(*statuses):
    with pytest.raises(Refused) as caught:
        yield caught
    assert caught.value.status in statuses, caught.value
