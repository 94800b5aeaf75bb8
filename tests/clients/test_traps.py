"""The traps for a naive server, by their number in clients.md section 6. The last test sees that none is missing."""

import http.client
import json
import re

import pytest

import scene
from lifecycle import create, read_tags, set_tags
from network import Route, RouteTable, Subnet, Vpc, default_table, route
from ports import CHECK_OFF, NetworkInterface, VirtualIp
from provider import USER_AGENT, authorization, canonical_request, now
from scene import NOTHING
from security import AddressGroup, NetworkAcl, SecurityGroup, SecurityGroupRule

TRAPS = 30


def pending_peering(tf, other):
    a, b = scene.vpc(tf, "vpc-a", "10.1.0.0/16"), scene.vpc(other, "vpc-b", "10.2.0.0/16")
    return scene.peering(tf, a, b, peer_tenant_id=other.project_id)


def lists(tf):
    """Every list that the provider pages through, with an item in each: url, key, family."""
    a, _, peering = scene.pair(tf)
    subnet, _ = scene.subnet(tf, a)
    create(tf, NetworkInterface(), subnet_id=subnet)
    Route().create(tf, {"vpc_id": a, "destination": "172.16.0.0/24", "type": "peering", "nexthop": peering})
    create(tf, SecurityGroup(), name="secgroup")
    create(tf, AddressGroup(), name="addresses", addresses=["10.0.0.1"])
    create(tf, NetworkAcl(), name="acl")
    return [
        *((tf.v1(path), key, "v1") for path, key in (
            ("vpcs", "vpcs"), ("subnets", "subnets"), ("ports", "ports"), ("routetables", "routetables"),
            ("security-groups", "security_groups"), ("security-group-rules", "security_group_rules"))),
        *((tf.v2(path), key, "v2.0") for path, key in (
            ("vpc/peerings", "peerings"), ("vpc/routes", "routes"), ("security-groups", "security_groups"),
            ("security-group-rules", "security_group_rules"))),
        *((tf.v3(path), key, "v3") for path, key in (
            ("vpc/vpcs", "vpcs"), ("vpc/security-groups", "security_groups"),
            ("vpc/security-group-rules", "security_group_rules"), ("vpc/address-groups", "address_groups"),
            ("vpc/firewalls", "firewalls")))]


@pytest.mark.parametrize("verb, status", [("accept", "ACTIVE"), ("reject", "REJECTED")])
def test_trap_01_accept_and_reject_answer_the_bare_object(tf, other, verb, status):
    identity = pending_peering(tf, other)
    bare = other.put(other.v2(f"vpc/peerings/{identity}/{verb}"), ok=(200,))
    assert (bare["id"], bare["status"]) == (identity, status) and "peering" not in bare
    shown = tf.get(tf.v2(f"vpc/peerings/{identity}"))
    changed = tf.put(tf.v2(f"vpc/peerings/{identity}"), {"peering": {"name": "renamed"}}, ok=(200,))
    assert shown.keys() == changed.keys() == {"peering"}


def test_trap_02_creating_is_201_in_v2_0_and_v3_and_200_in_v1(tf):
    def status(url, body):
        return tf.send("POST", url, body).status
    vpcs = [tf.send("POST", tf.v1("vpcs"), {"vpc": {"name": name, "cidr": cidr}})
            for name, cidr in (("vpc-a", "10.0.0.0/16"), ("vpc-b", "10.1.0.0/16"))]
    assert [answer.status for answer in vpcs] == [200, 200]
    a, b = (answer.json["vpc"]["id"] for answer in vpcs)
    peering = tf.send("POST", tf.v2("vpc/peerings"), {"peering": {
        "name": "peering-ab", "request_vpc_info": {"vpc_id": a}, "accept_vpc_info": {"vpc_id": b}}})
    assert peering.status == 201
    assert status(tf.v2("vpc/routes"), {"route": {
        "type": "peering", "nexthop": peering.json["peering"]["id"], "destination": "10.1.0.0/24",
        "vpc_id": a}}) == 201
    subnet = tf.send("POST", tf.v1("subnets"), {"subnet": {
        "name": "subnet-a", "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1", "vpc_id": a}})
    assert subnet.status == 200
    assert status(tf.v1("routetables"), {"routetable": {"name": "table-a", "vpc_id": a}}) in (200, 201)
    assert status(tf.v1("security-groups"), {"security_group": {"name": "group-a"}}) == 200
    assert status(tf.v1("ports"), {"port": {"network_id": subnet.json["subnet"]["id"]}}) == 200
    assert status(tf.v3("vpc/security-groups"), {"security_group": {"name": "group-b"}}) == 201
    assert status(tf.v3("vpc/firewalls"), {"firewall": {"name": "acl"}}) == 201


def test_trap_03_a_peering_within_a_project_is_active_in_the_answer_of_create(tf):
    a, b = scene.vpc(tf, "vpc-a", "10.1.0.0/16"), scene.vpc(tf, "vpc-b", "10.2.0.0/16")
    body = {"peering": {"name": "peering-ab", "request_vpc_info": {"vpc_id": a}, "accept_vpc_info": {"vpc_id": b}}}
    assert tf.post(tf.v2("vpc/peerings"), body, ok=(201,))["peering"]["status"] == "ACTIVE"


def test_trap_04_filters_of_peerings_match_either_side(tf, other):
    identity = pending_peering(tf, other)
    peering = tf.get(tf.v2(f"vpc/peerings/{identity}"))["peering"]
    for side in ("request_vpc_info", "accept_vpc_info"):
        for name in ("vpc_id", "tenant_id"):
            for provider in (tf, other):
                found = provider.get(provider.v2(f"vpc/peerings?{name}={peering[side][name]}"))["peerings"]
                assert [item["id"] for item in found] == [identity], (side, name)


def test_trap_05_times_in_v2_0_have_no_zone(tf):
    a, _, peering = scene.pair(tf)
    subnet, _ = scene.subnet(tf, a)
    port, _ = create(tf, NetworkInterface(), subnet_id=subnet)
    for path, key in ((f"vpc/peerings/{peering}", "peering"), (f"ports/{port}", "port")):
        found = tf.get(tf.v2(path))[key]
        for field in ("created_at", "updated_at"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", found[field]), found[field]


def test_trap_06_lists_end_and_honour_the_marker(tf):
    for url, key, _ in lists(tf):
        items = tf.all_by_marker(url, key)
        ids = [item["id"] for item in items]
        assert ids and len(ids) == len(set(ids)), url
        # An item at a time: the same ones in the same order, each once.
        assert [item["id"] for item in tf.all_by_marker(f"{url}?limit=1", key)] == ids, url
        assert tf.get(f"{url}?marker={ids[-1]}")[key] == [], url
        assert tf.get(f"{url}?marker=ffffffff-ffff-4fff-bfff-ffffffffffff")[key] == [], url


def test_trap_07_a_v1_list_without_limit_is_whole(tf):
    """More than any default page of Neutron's clients (20), in the list that grows the easiest."""
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    for port in range(1, 31):
        tf.post(tf.v1("security-group-rules"), {"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
            "port_range_min": port, "port_range_max": port}})
    rules = tf.get(tf.v1(f"security-group-rules?security_group_id={group}"))["security_group_rules"]
    assert len(rules) == 34
    vpc = scene.vpc(tf)
    for n in range(12):
        scene.subnet(tf, vpc, f"192.168.{n}.0/24", f"subnet-{n}")
    assert len(tf.get(tf.v1("subnets"))["subnets"]) == 12


def test_trap_08_a_list_has_one_array(tf):
    for url, key, _ in lists(tf):
        for query in ("", "?limit=1", "?limit=1000"):
            page = tf.get(url + query)
            # The generic pager knows links by the end of their name.
            arrays = [name for name, value in page.items() if isinstance(value, list) and not name.endswith("links")]
            assert arrays == [key], (url, page.keys())


def test_trap_09_every_answer_with_a_body_is_json(tf):
    urls = [url for url, _, _ in lists(tf)]
    urls += [tf.v1(f"vpcs/{NOTHING}"), tf.v2(f"vpc/peerings/{NOTHING}"), tf.v3(f"vpc/vpcs/{NOTHING}"), "/v1/nothing"]
    urls += ["/nothing", "/v3/projects", "/", "/v3", tf.v1("vpcs?limit=x"), tf.v1("vpcs/%ff"),
             tf.v2("vpc/peerings?%ff")]
    for url in urls:
        answer = tf.send("GET", url)
        assert answer.headers["Content-Type"].startswith("application/json"), (url, answer.headers["Content-Type"])
        json.loads(answer.text)
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_trap_10_what_is_gone_is_404_for_get_and_delete(tf):
    a, _, peering = scene.pair(tf)
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    rule, _ = create(tf, SecurityGroupRule(), direction="ingress", ethertype="IPv4", security_group_id=group,
                     protocol="tcp", ports="80")
    addresses, _ = create(tf, AddressGroup(), name="addresses", addresses=["10.0.0.1"])
    acl, _ = create(tf, NetworkAcl(), name="acl")
    table, _ = create(tf, RouteTable(), vpc_id=a, name="table-a")
    subnet, _ = scene.subnet(tf, a)
    port, _ = create(tf, NetworkInterface(), subnet_id=subnet)
    legacy = tf.post(tf.v2("vpc/routes"), {"route": {"type": "peering", "nexthop": peering, "vpc_id": a,
                                                     "destination": "172.16.0.0/24"}}, ok=(201,))["route"]["id"]
    gone = [tf.v1(f"ports/{port}"), tf.v1(f"routetables/{table}"), tf.v2(f"vpc/routes/{legacy}"),
            tf.v2(f"vpc/peerings/{peering}"), tf.v1(f"security-group-rules/{rule}"),
            tf.v1(f"security-groups/{group}"), tf.v3(f"vpc/address-groups/{addresses}"), tf.v3(f"vpc/firewalls/{acl}")]
    for url in gone:
        tf.delete(url)
        assert (tf.status("GET", url), tf.status("DELETE", url)) == (404, 404), url
    tf.delete(tf.v1(f"vpcs/{a}/subnets/{subnet}"))
    assert tf.status("GET", tf.v1(f"subnets/{subnet}")) == 404
    assert tf.status("DELETE", tf.v1(f"vpcs/{a}/subnets/{subnet}")) == 404
    tf.delete(tf.v1(f"vpcs/{a}"))
    for url in (tf.v1(f"vpcs/{a}"), tf.v3(f"vpc/vpcs/{a}")):
        assert (tf.status("GET", url), tf.status("DELETE", url)) == (404, 404), url
    # Its subnet is gone as well when the VPC is.
    assert tf.status("DELETE", tf.v1(f"vpcs/{a}/subnets/{subnet}")) == 404


def test_trap_11_a_subnet_in_use_is_never_400(tf):
    """Servers, private addresses, routes: whatever keeps it."""
    vpc = scene.vpc(tf)
    subnet, state = scene.subnet(tf, vpc)
    url = Subnet().path(tf, subnet, state)
    port, _ = create(tf, NetworkInterface(), subnet_id=subnet)
    assert tf.status("DELETE", url) in (409, 500)
    tf.delete(tf.v1(f"ports/{port}"))
    vip, _ = create(tf, VirtualIp(), network_id=subnet, ip_address="192.168.0.100")
    Route().create(tf, {"vpc_id": vpc, "destination": "10.0.0.0/8", "type": "vip", "nexthop": "192.168.0.100"})
    assert tf.status("DELETE", url) in (409, 500)
    server = scene.server(tf, subnet, "ecs-a")
    assert tf.status("DELETE", url) in (409, 500)
    assert tf.get(tf.v1(f"subnets/{subnet}"))["subnet"]["status"] == "ACTIVE" and server["id"] and vip


def test_trap_12_a_vpc_in_use_is_409(tf):
    a, b, peering = scene.pair(tf)
    for vpc in (a, b):
        assert tf.status("DELETE", tf.v1(f"vpcs/{vpc}")) == 409, "by its peering"
    tf.delete(tf.v2(f"vpc/peerings/{peering}"))
    scene.subnet(tf, a)
    assert tf.status("DELETE", tf.v1(f"vpcs/{a}")) == 409, "by its subnet"
    assert tf.status("DELETE", tf.v1(f"vpcs/{b}")) == 204


def test_trap_13_null_in_an_update_of_a_port_means_unchanged(tf):
    subnet, _ = scene.subnet(tf, scene.vpc(tf))
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    identity, before = create(tf, NetworkInterface(), subnet_id=subnet, name="nic", security_group_ids=[group],
                              allowed_addresses=["10.0.0.5"])
    fields = {"name": None, "security_groups": None, "allowed_address_pairs": None, "extra_dhcp_opts": None}
    tf.put(tf.v1(f"ports/{identity}"), {"port": fields})
    assert NetworkInterface().read(tf, identity) == before
    tf.put(tf.v1(f"ports/{identity}"), {"port": {**fields, "name": ""}})
    assert NetworkInterface().read(tf, identity) == {**before, "name": ""}


def test_trap_14_a_tag_without_value_has_an_empty_one(tf):
    vpc = scene.vpc(tf)
    tf.post(tf.v2_tags(f"vpcs/{vpc}/tags/action"), {"action": "create", "tags": [{"key": "bare"}]}, ok=(200, 204))
    assert read_tags(tf, "vpcs", vpc) == {"bare": ""}
    set_tags(tf, "vpcs", vpc, {"bare": ""}, {})
    assert read_tags(tf, "vpcs", vpc) == {}


def test_trap_15_null_clears_a_dhcp_option(tf):
    vpc = scene.vpc(tf)
    subnet, state = scene.subnet(tf, vpc, ntp_server_address="10.100.0.33", dhcp_domain_name="test.com")
    url = Subnet().path(tf, subnet, state)
    tf.put(url, {"subnet": {"name": "subnet-a", "extra_dhcp_opts": [{"opt_name": "ntp", "opt_value": None}]}},
           ok=(200,))
    state = Subnet().read(tf, subnet)
    assert "ntp_server_address" not in state and state["dhcp_domain_name"] == "test.com"
    tf.put(url, {"subnet": {"name": "subnet-a", "extra_dhcp_opts": [{"opt_name": "domainname"}]}}, ok=(200,))
    assert "dhcp_domain_name" not in Subnet().read(tf, subnet)


def test_trap_16_a_destination_comes_back_as_it_was_sent(tf):
    vpc, _, peering = scene.pair(tf)
    table = default_table(tf, vpc)
    # Not the form that a parser would write.
    sent = ["172.16.0.0/16", "172.31.255.255/32", "0.0.0.0/0", "2001:db8:0:0::/64", "2001:DB8:1::/64"]
    for destination in sent:
        answer = tf.send("PUT", tf.v1(f"routetables/{table}"), {"routetable": {"routes": {"add": [
            route(destination, peering)]}}})
        if answer.status == 200:
            assert Route().read(tf, f"{table}/{destination}")["nexthop"] == peering
        else:
            # What is not kept as it is must be refused, with the form that is.
            assert answer.status == 400 and ":" in destination, (destination, answer.text)
    routes = tf.get(tf.v1(f"routetables/{table}"))["routetable"]["routes"]
    ours = {found["destination"] for found in routes if found["type"] != "local"}
    assert ours <= set(sent) and set(sent[:3]) <= ours, "a system route that is not local would be drift"


def test_trap_17_the_default_table_says_so_in_lists(tf):
    vpc = scene.vpc(tf)
    create(tf, RouteTable(), vpc_id=vpc, name="table-a")
    tables = tf.get(tf.v1(f"routetables?vpc_id={vpc}"))["routetables"]
    assert sorted(table["default"] for table in tables) == [False, True]


def test_trap_18_an_update_takes_more_than_five_routes(tf):
    vpc, _, peering = scene.pair(tf)
    table, _ = create(tf, RouteTable(), vpc_id=vpc, name="table-a")
    routes = [route(f"172.16.{n}.0/24", peering) for n in range(50)]
    assert tf.status("POST", tf.v1("routetables"), {"routetable": {
        "vpc_id": vpc, "name": "table-b", "routes": routes[:6]}}) == 400
    tf.put(tf.v1(f"routetables/{table}"), {"routetable": {"routes": {"add": routes}}}, ok=(200,))
    assert len(RouteTable().read(tf, table)["route"]) == 50


def test_trap_19_a_vpc_has_two_views(tf):
    vpc = scene.vpc(tf)
    v1, v3 = tf.get(tf.v1(f"vpcs/{vpc}"))["vpc"], tf.get(tf.v3(f"vpc/vpcs/{vpc}"))["vpc"]
    assert (v1["status"], v3["status"]) == ("OK", "ACTIVE")
    assert v3["extend_cidrs"] == []
    assert (v1["id"], v1["name"], v1["cidr"]) == (v3["id"], v3["name"], v3["cidr"])
    made = tf.post(tf.v3("vpc/vpcs"), {"vpc": {"name": "vpc-b", "cidr": "10.0.0.0/16"}}, ok=(201,))["vpc"]["id"]
    assert Vpc().read(tf, made)["status"] == "OK"


def test_trap_20_groups_and_rules_have_two_views_and_priority_1(tf):
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    for family, ports in (("v1", {"port_range_min": 80, "port_range_max": 80}), ("v3", {"multiport": "80"})):
        url = tf.v1("security-group-rules") if family == "v1" else tf.v3("vpc/security-group-rules")
        cidr = {"v1": "10.0.0.0/8", "v3": "11.0.0.0/8"}[family]
        body = {"security_group_id": group, "direction": "ingress", "protocol": "tcp", "remote_ip_prefix": cidr}
        body |= ports
        rule = tf.post(url, {"security_group_rule": body})["security_group_rule"]["id"]
        state = SecurityGroupRule().read(tf, rule)
        assert (state["priority"], state["action"], state["ports"], state["port_range_max"]) == (1, "allow", "80", 80)
    for rule in SecurityGroup().read(tf, group)["rules"]:
        assert rule["priority"] in (1, 100), rule


@pytest.mark.parametrize("body", [
    {}, {"security_group": {}}, {"security_group": {"name": "x" * 300}}, {"security_group": {"name": 5}}, [],
    {"security_group": {"name": "a", "enterprise_project_id": NOTHING}},
    {"security_group": {"name": "a", "description": "<"}},
])
def test_trap_21_a_bad_body_in_v3_is_not_404(tf, body):
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    for method, url in (("POST", tf.v3("vpc/security-groups")), ("PUT", tf.v3(f"vpc/security-groups/{group}"))):
        answer = tf.send(method, url, body)
        assert answer.status != 404 and answer.status < 500, (method, answer.text)


def test_trap_22_the_neutron_subnet_has_an_id_of_its_own(tf):
    subnet, state = scene.subnet(tf, scene.vpc(tf), ipv6_enable=True)
    ids = {subnet, state["ipv4_subnet_id"], state["ipv6_subnet_id"]}
    assert len(ids) == 3
    port, _ = create(tf, NetworkInterface(), subnet_id=subnet)
    for url in (tf.v1(f"ports/{port}"), tf.v2(f"ports/{port}")):
        found = tf.get(url)["port"]
        assert found["network_id"] == subnet
        for address in found["fixed_ips"]:
            family = "ipv6_subnet_id" if ":" in address["ip_address"] else "ipv4_subnet_id"
            assert address["subnet_id"] == state[family]


def test_trap_23_the_switch_keeps_its_text(tf):
    subnet, _ = scene.subnet(tf, scene.vpc(tf))
    port = scene.server(tf, subnet, "ecs-a")["port_id"]
    for url in (tf.v1(f"ports/{port}"), tf.v2(f"ports/{port}")):
        tf.put(url, {"port": {"allowed_address_pairs": [{"ip_address": CHECK_OFF}]}}, ok=(200, 201))
        for shown in (tf.v1(f"ports/{port}"), tf.v2(f"ports/{port}")):
            pairs = tf.get(shown)["port"]["allowed_address_pairs"]
            assert [pair["ip_address"] for pair in pairs] == [CHECK_OFF]
        tf.put(url, {"port": {"allowed_address_pairs": []}}, ok=(200, 201))
        assert tf.get(url)["port"]["allowed_address_pairs"] == []


def test_trap_24_a_virtual_ip_is_down(tf):
    subnet, _ = scene.subnet(tf, scene.vpc(tf))
    vip, state = create(tf, VirtualIp(), network_id=subnet)
    assert tf.get(tf.v1(f"ports/{vip}"))["port"]["status"] == "DOWN"
    assert state["status"] == "ACTIVE", "as the provider shows it"


def test_trap_25_orders_are_kept(tf):
    given = ["192.168.9.9", "10.0.0.0/8", "172.16.0.5-172.16.0.9", "1.2.3.4"]
    group, state = create(tf, AddressGroup(), name="addresses", addresses=given)
    assert state["addresses"] == given and AddressGroup().read(tf, group)["addresses"] == given
    rules = [{"action": "deny" if n % 2 else "allow", "ip_version": 4, "protocol": "tcp", "name": f"rule-{n}",
              "destination_port": str(port)} for n, port in enumerate((443, 22, 8080, 80, 53))]
    _, state = create(tf, NetworkAcl(), name="acl", ingress_rules=rules, egress_rules=rules[::-1])
    assert [rule["name"] for rule in state["ingress_rules"]] == [rule["name"] for rule in rules]
    assert [rule["name"] for rule in state["egress_rules"]] == [rule["name"] for rule in rules[::-1]]


def test_trap_26_an_update_of_a_subnet_answers_id_and_status(tf):
    subnet, state = scene.subnet(tf, scene.vpc(tf))
    changed = tf.put(Subnet().path(tf, subnet, state), {"subnet": {"name": "renamed", "dhcp_enable": True}}, ok=(200,))
    assert changed == {"subnet": {"id": subnet, "status": "ACTIVE"}}


def test_trap_27_v3_bodies_carry_the_request_and_the_next_marker(tf):
    for url, key, family in lists(tf):
        if family != "v3":
            continue
        whole = tf.send("GET", url)
        assert whole.json["request_id"] == whole.headers["X-Request-Id"]
        assert "next_marker" not in whole.json["page_info"], "the last page"
        items = whole.json[key]
        first = tf.get(f"{url}?limit=1")
        assert first["page_info"]["current_count"] == 1
        assert first["page_info"].get("next_marker") == (items[0]["id"] if len(items) > 1 else None)
        shown = tf.get(f"{url}/{items[0]['id']}")
        assert re.fullmatch("[0-9a-f]{32}", shown["request_id"])
        refusal = json.loads(tf.send("GET", f"{url}/{NOTHING}").text)
        assert re.fullmatch("[0-9a-f]{32}", refusal["request_id"])


def test_trap_28_numbers_may_be_strings(tf):
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    body = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    rule = tf.post(tf.v1("security-group-rules"), {"security_group_rule": {
        **body, "port_range_min": "80", "port_range_max": "90"}})["security_group_rule"]
    assert (rule["port_range_min"], rule["port_range_max"]) == (80, 90)
    rule = tf.post(tf.v3("vpc/security-group-rules"), {"security_group_rule": {
        **body, "multiport": "443", "priority": "7"}})["security_group_rule"]
    assert rule["priority"] == 7
    assert len(tf.get(tf.v1("security-groups?limit=1"))["security_groups"]) == 1
    group = tf.post(tf.v3("vpc/address-groups"), {"address_group": {
        "name": "addresses", "ip_version": "4", "ip_set": ["10.0.0.1"], "max_capacity": "5"}})["address_group"]
    assert (group["ip_version"], group["max_capacity"]) == (4, 5)


def test_trap_29_the_canonical_path_ends_in_a_slash(tf):
    path = tf.v1("vpcs")
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT, "X-Sdk-Date": now()}
    canonical = canonical_request("GET", path, "", headers, b"")
    assert canonical.split("\n")[1] == path + "/"

    def status(canonical, url):
        names = "accept;user-agent;x-sdk-date"
        header = authorization(canonical, names, headers["X-Sdk-Date"], tf.access_key, tf.secret_key)
        connection = http.client.HTTPConnection("127.0.0.1", tf.server.port, timeout=60)
        connection.request("GET", url, headers={**headers, "Authorization": header})
        found = connection.getresponse().status
        connection.close()
        return found
    assert status(canonical, path) == 200
    assert status(canonical, path + "/") == 200
    assert status(canonical.replace(path + "/\n", path + "\n"), path) == 401


def test_trap_30_polling_is_not_limited(tf):
    vpc = scene.vpc(tf)
    assert {tf.status("GET", tf.v1(f"vpcs/{vpc}")) for _ in range(300)} == {200}


def test_no_trap_is_missing():
    numbers = {int(found[1]) for name in globals() for found in [re.match(r"test_trap_(\d\d)_", name)] if found}
    assert numbers == set(range(1, TRAPS + 1))
