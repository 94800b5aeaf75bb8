"""What schemathesis does here beside its own: ids that exist, bodies that get past validation, and our own checks.

Loaded by `SCHEMATHESIS_HOOKS`. `SCHEMA_POOL` names a JSON file with the ids of objects that were made beforehand; what
the run itself makes is added. `SCHEMA_RESULT` names the file that the counts of calls are written to.
"""

import atexit
import json
import os
import pathlib
import random
import re
import zlib

import schemathesis

POOL = json.loads(pathlib.Path(os.environ["SCHEMA_POOL"]).read_text())
# Objects that must stay: calls would lose their credentials with them. Whoever changes or deletes a user, a key or an
# account gets one of the pool's others.
KEEP = {"account", "user", "access_key"}
# A well-formed id of nothing.
NOTHING = "00000000-0000-4000-8000-000000000000"
# operation -> {status: calls}
CALLS = {}

# What a parameter or field of this name names. The part of the path before it decides where the name is just `id`.
KINDS = {
    "vpc_id": "vpc", "router_id": "vpc", "subnet_id": "subnet", "virsubnet_id": "subnet",
    "port_id": "port", "routetable_id": "table", "group_id": "group", "security_group_id": "group",
    "remote_group_id": "group", "rule_id": "rule", "peering_id": "peering", "route_id": "route",
    "address_group_id": "address_group", "remote_address_group_id": "address_group",
    "source_address_group_id": "address_group", "destination_address_group_id": "address_group",
    "firewall_id": "acl", "firewall_group_id": "acl", "firewall_policy_id": "policy",
    "ingress_firewall_policy_id": "policy", "egress_firewall_policy_id": "policy", "firewall_rule_id": "acl_rule",
    "insert_after": "acl_rule", "insert_before": "acl_rule", "project_id": "project", "tenant_id": "project",
    "user_id": "user", "access_key": "access_key", "server_id": "server", "vip_id": "vip",
    "sub_network_interface_id": "sub_interface", "virsubnet_cidr_reservation_id": "reservation",
    "privateip_id": "private_ip", "parent_id": "port", "network_id": "network", "role_id": "role",
    "policy_id": "role", "enterprise_project_id": "enterprise_project", "endpoint_id": "endpoint",
    "service_id": "service", "resource_id": "vpc", "domain_id": "domain", "subnet_cidr_id": "neutron_subnet",
    "key": "tag_key", "tag_key": "tag_key", "alias": "extension",
}
# The same names in other places.
ELSEWHERE = {
    # (beginning of the path, name) in a path
    ("/v2.0/subnets", "subnet_id"): "neutron_subnet", ("/v3/roles", "role_id"): "builtin_role",
    # (key above it, name) in a body
    (None, "subnet_id"): "neutron_subnet", ("fixed_ips", "subnet_id"): "neutron_subnet",
    ("port", "network_id"): "subnet", ("sub_network_interfaces", "id"): "sub_interface",
    ("tag", "key"): "tag_key", ("tags", "key"): "tag_key",
}
COLLECTIONS = {
    "vpcs": "vpc", "subnets": "subnet", "ports": "port", "routetables": "table", "route-tables": "table",
    "security-groups": "group", "security-group-rules": "rule", "peerings": "peering", "routes": "route",
    "address-groups": "address_group", "firewalls": "acl", "firewall_groups": "acl", "firewall_policies": "policy",
    "firewall_rules": "acl_rule", "servers": "server", "vips": "vip", "projects": "project", "accounts": "account",
    "users": "user", "access-keys": "access_key", "events": "event",
}
# The key of a body that holds an object or a list of them.
ROOTS = {
    "vpc": "vpc", "vpcs": "vpc", "subnet": "subnet", "subnets": "subnet", "port": "port", "ports": "port",
    "routetable": "table", "routetables": "table", "security_group": "group", "security_groups": "group",
    "security_group_rule": "rule", "security_group_rules": "rule", "peering": "peering", "peerings": "peering",
    "route": "route", "routes": "route", "address_group": "address_group", "address_groups": "address_group",
    "firewall": "acl", "firewalls": "acl", "firewall_group": "acl", "firewall_groups": "acl",
    "firewall_policy": "policy", "firewall_policies": "policy", "firewall_rule": "acl_rule",
    "firewall_rules": "acl_rule", "server": "server", "servers": "server", "network": "network",
    "networks": "network", "router": "vpc", "routers": "vpc", "sub_network_interface": "sub_interface",
    "sub_network_interfaces": "sub_interface", "virsubnet_cidr_reservation": "reservation",
    "virsubnet_cidr_reservations": "reservation", "privateip": "private_ip", "privateips": "private_ip",
    "virsubnet": "subnet", "virsubnets": "subnet", "user": "other_user", "role": "role", "roles": "role", "events": "event",
    "services": "service", "endpoints": "endpoint",
}
# Roots of answers that name something else below these paths.
ANSWERS = {("/v2.0/subnets", "subnet"): "neutron_subnet", ("/v2.0/subnets", "subnets"): "neutron_subnet",
           ("/v3/roles", "roles"): "builtin_role", ("/v3/roles", "role"): "builtin_role"}
# Values that are right somewhere, for fields whose schema says "string" alone. `{n}` is the same in one body.
CIDRS = ["192.168.{n}.0/24"] * 6 + ["10.0.0.0/16", "172.16.{n}.0/24", "0.0.0.0/0", "10.1.0.0/28", "2001:db8:{n}::/64",
                                    "168.{n}.0.0/16", "10.0.0.1/8", "1.1.1.1/0"]
ADDRESSES = ["192.168.{n}.1"] * 4 + ["192.168.0.{n}", "10.0.0.10", "8.8.8.8", "2001:db8::5", "255.255.255.255"]
VALUES = {
    "cidr": CIDRS, "destination": CIDRS, "remote_ip_prefix": CIDRS, "source_ip_address": CIDRS,
    "destination_ip_address": CIDRS, "cidr_v6": ["2001:db8:{n}::/64", "fd00::/64"], "extend_cidrs": CIDRS,
    "gateway_ip": ADDRESSES, "ip_address": ADDRESSES, "address": ADDRESSES, "source": ADDRESSES,
    "primary_dns": ADDRESSES, "secondary_dns": ADDRESSES, "dnsList": ADDRESSES,
    "direction": ["ingress", "egress"], "ethertype": ["IPv4", "IPv6"], "action": ["allow", "deny", "start", "stop"],
    "protocol": ["tcp", "udp", "icmp", "6", "any"], "type": ["peering", "peering", "ecs", "vip", "eni", "local"],
    "multiport": ["80", "22-30,33", "{n}"], "source_port": ["80", "1-5,9"], "destination_port": ["443"],
    "device_owner": ["", "neutron:VIP_PORT"], "status": ["ACTIVE", "PENDING_ACCEPTANCE", "DOWN"],
    "ip_set": ["10.0.0.{n}", "10.0.{n}.5-10.0.{n}.9", "10.2.0.0/16"], "name": ["name-a", "name-{n}"],
    "enterprise_project_id": ["0"], "opt_name": ["ntp", "addresstime", "domainname"],
    "opt_value": ["24h", "10.0.0.1", "test.com"], "description": ["", "described"], "ip_version": [4, 4, 6, "4"],
    "port_range_min": [80, "80", 1], "port_range_max": [80, "90", 65535], "priority": [1, 50, "7"],
    "dry_run": [False, False, True], "admin_state_up": [True], "port_security_enabled": [True],
    "binding:vnic_type": ["normal"], "extra_dhcp_opts": [[]], "binding:profile": [{}], "tags": [[]],
    "availability_zone": [""], "ip_extra_set": [[]], "max_capacity": [20],
    "subnet_cidr": CIDRS, "mask": [28, 29, "28"], "vlan_id": ["100", "{n}"], "private_ip_address": ADDRESSES,
    "password": ["Passw0rd-{n}x", "Passw0rd-{n}x", "weak"], "resource_types": [["vpcs"], ["firewalls"]],
    "resource_type": ["vpcs", "security-groups", "firewalls", "address-groups"], "values": [["prod"], [], ["*"]],
    "value": ["prod", ""], "provider:network_type": ["geneve"], "ipv6_ra_mode": [None], "host_routes": [[]],
    "allocation_pools": [None], "external_gateway_info": [{}], "shared": [False], "router:external": [False],
    "display_name": ["role-{n}"], "limit": [10, 1], "offset": [0], "methods": [["token"]], "duration_seconds": [900],
    "access_mode": ["default"], "xuser_type": [""], "xuser_id": [""], "areacode": [""], "phone": [""], "email": [""],
}
# Fields that a call is better off without: most values of them are refused.
RARE = {"fixed_ips", "allowed_address_pairs", "availability_zone", "max_capacity", "remote_address_group_id",
        "remote_group_id", "port_range_min", "port_range_max", "cidr_v6", "ip_extra_set", "insert_after",
        "insert_before", "source_address_group_id", "destination_address_group_id", "allocation_pools", "host_routes",
        "ipv6_ra_mode", "ipv6_address_mode", "external_gateway_info", "private_ip_address", "ipv6_ip_address", "mask",
        "vlan_id", "matches", "project_id", "subnet_cidr_id", "xuser_id", "xuser_type", "areacode", "phone", "email",
        "domain_id", "access_mode"}
# Whole bodies by operation, for what nothing else would find.
BODIES = POOL.pop("bodies", {})


def chance(value):
    """Randomness that depends on the generated value alone: a run with the same seed makes the same choices."""
    return random.Random(zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode()))


def pick(kind, dice):
    ids = POOL.get(kind)
    return dice.choice(ids) if ids else None


def kind_of(name, path):
    """What `{name}` in a path names."""
    for (beginning, other), kind in ELSEWHERE.items():
        if beginning and other == name and path.startswith(beginning):
            return kind
    if name in KINDS:
        return KINDS[name]
    before = path.split("{" + name + "}")[0].rstrip("/").rpartition("/")[2]
    return COLLECTIONS.get(before)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Names objects that are there in the path. Not earlier: systematic requests are made past the hooks for
    generated values, with "0" or with ids that answers had."""
    if not case.path_parameters:
        return
    operation = case.operation
    # The values of systematic requests are the same everywhere: each operation throws its own dice for them.
    dice = chance([operation.label, dict(case.path_parameters)])
    for name, value in list(case.path_parameters.items()):
        kind = kind_of(name, operation.path)
        ours = ()
        if kind in KEEP and operation.method != "get":
            # Never the run's own.
            kind, ours = f"other_{kind}", POOL.get(kind, ())
        # The project is nearly always the caller's: everything else would be refused before it is looked at.
        known = value in ours or dice.random() < (0.97 if kind == "project" else 0.85)
        found = pick(kind, dice) if known else None
        case.path_parameters[name] = found or (NOTHING if value in ours else value)


def resolved(schema, document):
    """A schema without references and without the choice of null."""
    while isinstance(schema, dict):
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            continue
        choices = schema.get("oneOf") or schema.get("anyOf") or []
        real = [choice for choice in choices if choice.get("type") != "null"]
        if not real:
            return schema
        schema = real[0]
    return {}


def known_value(name, root, n, dice):
    """A value for a field of this name that is right somewhere; None when none is known."""
    kind = ELSEWHERE.get((root, name)) or KINDS.get(name)
    if kind:
        # No call gives what it makes to the user that the calls are made as.
        return pick(f"other_{kind}" if kind in KEEP else kind, dice)
    if name == "nexthop":
        return pick(dice.choice(["peering", "peering", "server", "port"]), dice)
    if name == "id" and root in ROOTS:
        return pick(ROOTS[root], dice)
    if name == "security_groups":
        return [pick("group", dice)]
    found = dice.choice(VALUES[name]) if name in VALUES else None
    return found.replace("{n}", str(n)) if isinstance(found, str) else found


def improve(value, schema, document, n, dice, root=None):
    """Replaces most values of fields that are known, and adds most that are missing."""
    schema = resolved(schema, document)
    if isinstance(value, list):
        return [improve(item, schema.get("items", {}), document, n, dice, root) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    made = dict(value)
    for name in sorted({*properties, *value}, key=str):
        part = resolved(properties.get(name, {}), document)
        if dice.random() > (0.1 if name in RARE else 0.85):
            if name in RARE and dice.random() < 0.9:
                made.pop(name, None)
            continue
        found = known_value(name, root, n, dice)
        is_list = "array" in (part.get("type") if isinstance(part.get("type"), list) else [part.get("type")])
        if found is not None:
            made[name] = [found] if is_list and not isinstance(found, list) else found
        elif "properties" in part:
            made[name] = improve(made[name] if isinstance(made.get(name), dict) else {}, part, document, n, dice, name)
        elif is_list and "properties" in resolved(part.get("items", {}), document):
            items = made[name] if isinstance(made.get(name), list) and made[name] else [{}]
            made[name] = improve(items, part, document, n, dice, name)
    return made


@schemathesis.hook
def map_body(context, body):
    dice = chance(body)
    whole = BODIES.get(context.operation.definition.raw.get("operationId"))
    if whole is not None and dice.random() < 0.5:
        return whole
    raw = context.operation.definition.raw.get("requestBody", {})
    schema = raw.get("content", {}).get("application/json", {}).get("schema", {})
    return improve(body, schema, context.operation.schema.raw_schema, dice.randint(1, 250), dice)


@schemathesis.hook
def map_headers(context, headers):
    if headers and "X-Subject-Token" in headers and chance(dict(headers)).random() < 0.7:
        return {**headers, "X-Subject-Token": os.environ["SCHEMA_SUBJECT"]}
    return headers


@schemathesis.hook
def map_query(context, query):
    if not query:
        return query
    dice = chance(query)
    filled = {}
    for name, value in query.items():
        kind = KINDS.get(name) or (kind_of(name, context.operation.path + "/{id}") if name == "id" else None)
        known = dice.random() < 0.7
        found = pick(kind, dice) if kind and known else None
        filled[name] = found or (known_value(name, None, 1, dice) if known and name in VALUES else value)
    return filled


def learn(value, path=""):
    """Adds the ids of an answer to the pool."""
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        kind = next((kind for (beginning, root), kind in ANSWERS.items()
                     if root == name and path.startswith(beginning)), ROOTS.get(name))
        for found in item if isinstance(item, list) else [item]:
            if kind and isinstance(found, dict) and isinstance(found.get("id"), str):
                ids = POOL.setdefault(kind, [])
                if found["id"] not in ids + POOL.get(kind.removeprefix("other_"), []):
                    ids.append(found["id"])
                    # The oldest go: most of them are deleted by now.
                    del ids[1:-60]
                learn(found, path)


@schemathesis.hook
def after_call(context, case, response):
    operation = case.operation.label
    counts = CALLS.setdefault(operation, {})
    counts[str(response.status_code)] = counts.get(str(response.status_code), 0) + 1
    if response.status_code in (200, 201) and response.content:
        try:
            learn(json.loads(response.content), case.operation.path)
        except ValueError:
            pass


# A subnet in use is 500 by the documents, with a code that says what uses it.
DOCUMENTED = re.compile(r'"(VPC\.020[5-9]|VPC\.021[01])"')


@schemathesis.check
def server_error(ctx, response, case):
    """5xx is the server's fault, but for the refusals that the documents give one."""
    text = response.content.decode(errors="replace")
    if response.status_code < 500:
        return
    if response.status_code == 500 and case.method.upper() == "DELETE" and DOCUMENTED.search(text):
        return
    raise AssertionError(f"{response.status_code}: {text}")


@schemathesis.check
def request_id(ctx, response, case):
    """Every answer names its request, and a refusal its reason."""
    [identity] = response.headers.get("x-request-id", [""])
    assert re.fullmatch("[0-9a-f]{32}", identity), f"X-Request-Id: {identity!r}"
    if response.status_code >= 400:
        assert response.headers.get("x-causeway-error"), "no X-Causeway-Error"


@schemathesis.check
def credentials_hold(ctx, response, case):
    """The run's own credentials stay good: a 401 would hide everything behind it."""
    sent = {name.lower(): value for name, value in response.request.headers.items()}
    ours = sent.get("x-auth-token") == os.environ["SCHEMA_TOKEN"]
    # Issuing and looking up tokens refuse what the body or another header says.
    if ours and not case.operation.path.startswith("/v3/auth/tokens"):
        assert response.status_code != 401, response.content


@atexit.register
def write():
    pathlib.Path(os.environ["SCHEMA_RESULT"]).write_text(json.dumps(CALLS))
