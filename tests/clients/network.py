"""VPCs, subnets, peering connections, routes and route tables as the provider handles them (clients 3.1 to 3.7)."""

from lifecycle import Resource, given, set_tags, try_tags
from provider import Refused


class Vpc(Resource):
    sets = ("secondary_cidrs",)

    def path(self, tf, identity, state=None):
        return tf.v1(f"vpcs/{identity}")

    def create(self, tf, config):
        local_route = config.get("enhanced_local_route")
        body = given(name=config["name"], cidr=config["cidr"], description=config.get("description"),
                     enterprise_project_id=config.get("enterprise_project_id"),
                     block_service_endpoint_states=config.get("block_service_endpoint_states"))
        if local_route is not None:
            body["enhanced_local_route"] = local_route == "true"
        identity = tf.post(tf.v1("vpcs"), {"vpc": body}, ok=(200,))["vpc"]["id"]
        tf.wait(lambda: tf.get(self.path(tf, identity))["vpc"]["status"], pending=("CREATING",), target=("OK",))
        set_tags(tf, "vpcs", identity, {}, config.get("tags"))
        if config.get("secondary_cidrs"):
            self.extend(tf, identity, "add", config["secondary_cidrs"])
        return identity

    def extend(self, tf, identity, verb, cidrs):
        if cidrs:
            tf.put(tf.v3(f"vpc/vpcs/{identity}/{verb}-extend-cidr"), {"vpc": {"extend_cidrs": sorted(cidrs)}})

    def read(self, tf, identity):
        vpc = tf.get(self.path(tf, identity))["vpc"]
        tags = try_tags(tf, "vpcs", identity)
        v3 = tf.get(tf.v3(f"vpc/vpcs/{identity}"))["vpc"]
        return {"name": vpc["name"], "cidr": vpc["cidr"], "description": vpc["description"], "status": vpc["status"],
                "enhanced_local_route": str(vpc.get("enhanced_local_route", False)).lower(),
                "enterprise_project_id": vpc["enterprise_project_id"], "tags": tags,
                "secondary_cidrs": v3["extend_cidrs"],
                "routes": [(route["destination"], route["nexthop"]) for route in vpc["routes"]]}

    def update(self, tf, identity, old, new):
        watched = ("name", "cidr", "description", "enhanced_local_route")
        if any(old.get(name) != new.get(name) for name in watched):
            body = {"name": new["name"], "cidr": new["cidr"]}
            if old.get("description") != new.get("description"):
                body["description"] = new.get("description", "")
            if old.get("enhanced_local_route") != new.get("enhanced_local_route"):
                body["enhanced_local_route"] = new["enhanced_local_route"] == "true"
            tf.put(self.path(tf, identity), {"vpc": body}, ok=(200,))
        if old.get("tags") != new.get("tags"):
            set_tags(tf, "vpcs", identity, old.get("tags"), new.get("tags"))
        before, after = set(old.get("secondary_cidrs", ())), set(new.get("secondary_cidrs", ()))
        self.extend(tf, identity, "remove", before - after)
        self.extend(tf, identity, "add", after - before)
        if old.get("enterprise_project_id") != new.get("enterprise_project_id"):
            tf.post(f"/v1.0/enterprise-projects/{new['enterprise_project_id']}/resources-migrate",
                    {"resource_id": identity, "resource_type": "vpcs", "region_id": tf.region,
                     "project_id": tf.project_id}, ok=(204,))

    def delete(self, tf, identity, state):
        tf.gone(self.path(tf, identity), self.path(tf, identity))


class Subnet(Resource):
    def path(self, tf, identity, state):
        return tf.v1(f"vpcs/{state['vpc_id']}/subnets/{identity}")

    def _options(self, config, update):
        found = []
        for name, option in (("dhcp_lease_time", "addresstime"), ("dhcp_ipv6_lease_time", "ipv6_addresstime")):
            if config.get(name):
                found.append({"opt_name": option, "opt_value": config[name]})
        for name, option in (("ntp_server_address", "ntp"), ("dhcp_domain_name", "domainname")):
            if config.get(name):
                found.append({"opt_name": option, "opt_value": config[name]})
            elif update:
                found.append({"opt_name": option, "opt_value": None})
        return found

    def create(self, tf, config):
        dns = config.get("dns_list") or (None if config.get("primary_dns") else self._name_servers(tf))
        body = {"name": config["name"], "cidr": config["cidr"], "gateway_ip": config["gateway_ip"],
                "vpc_id": config["vpc_id"], "dhcp_enable": config.get("dhcp_enable", True),
                "ipv6_enable": config.get("ipv6_enable", False)}
        body |= given(availability_zone=config.get("availability_zone"), description=config.get("description"),
                      primary_dns=config.get("primary_dns"), secondary_dns=config.get("secondary_dns"), dnsList=dns,
                      extra_dhcp_opts=self._options(config, update=False))
        identity = tf.post(tf.v1("subnets"), {"subnet": body}, ok=(200,))["subnet"]["id"]

        def status():
            found = tf.get(tf.v1(f"subnets/{identity}"))["subnet"]["status"]
            return found if found in ("ACTIVE", "DOWN", "ERROR") else "PENDING"
        tf.wait(status, pending=("PENDING",), target=("ACTIVE",))
        set_tags(tf, "subnets", identity, {}, config.get("tags"))
        return identity

    def _name_servers(self, tf):
        """The DNS service knows them; where there is none, public ones are taken."""
        answer = tf.send("GET", f"/v2/nameservers?region={tf.region}")
        if answer.status == 200 and answer.json["nameservers"]:
            return [record["address"] for record in answer.json["nameservers"][0]["ns_records"]]
        return ["8.8.8.8", "114.114.114.114"]

    def read(self, tf, identity):
        subnet = tf.get(tf.v1(f"subnets/{identity}"))["subnet"]
        state = {name: subnet[name] for name in ("name", "description", "cidr", "gateway_ip", "ipv6_enable",
                                                  "dhcp_enable", "primary_dns", "secondary_dns", "availability_zone",
                                                  "vpc_id")}
        state |= {"dns_list": subnet["dnsList"], "ipv4_subnet_id": subnet["neutron_subnet_id"],
                  "ipv6_subnet_id": subnet.get("neutron_subnet_id_v6") or "", "ipv6_cidr": subnet.get("cidr_v6") or "",
                  "ipv6_gateway": subnet.get("gateway_ip_v6") or "", "tags": try_tags(tf, "subnets", identity)}
        names = {"ntp": "ntp_server_address", "addresstime": "dhcp_lease_time",
                 "ipv6_addresstime": "dhcp_ipv6_lease_time", "domainname": "dhcp_domain_name"}
        for option in subnet["extra_dhcp_opts"]:
            if option["opt_name"] in names:
                state[names[option["opt_name"]]] = option["opt_value"]
        return state

    def update(self, tf, identity, old, new):
        body = {"name": new["name"], "dhcp_enable": new.get("dhcp_enable", True)}
        for name, field in (("description", "description"), ("primary_dns", "primary_dns"),
                            ("secondary_dns", "secondary_dns"), ("dns_list", "dnsList"),
                            ("ipv6_enable", "ipv6_enable")):
            if old.get(name) != new.get(name):
                body[field] = new.get(name, "")
        options = ("dhcp_lease_time", "ntp_server_address", "dhcp_ipv6_lease_time", "dhcp_domain_name")
        if any(old.get(name) != new.get(name) for name in options):
            body["extra_dhcp_opts"] = self._options(new, update=True)
        if body.keys() - {"name", "dhcp_enable"} or any(old.get(n) != new.get(n) for n in ("name", "dhcp_enable")):
            tf.put(self.path(tf, identity, new), {"subnet": body}, ok=(200,))
        if old.get("tags") != new.get("tags"):
            set_tags(tf, "subnets", identity, old.get("tags"), new.get("tags"))

    def delete(self, tf, identity, state):
        # 400 is taken for "deleted", so the server must never say it of a subnet that is there (trap 11).
        tf.gone(tf.v1(f"subnets/{identity}"), self.path(tf, identity, state),
                done=(404, 400), retry=(409, 500), read_retry=(403, 500))


class Peering(Resource):
    def path(self, tf, identity, state=None):
        return tf.v2(f"vpc/peerings/{identity}")

    def create(self, tf, config):
        accept = {"vpc_id": config["peer_vpc_id"]} | given(tenant_id=config.get("peer_tenant_id"))
        body = {"name": config["name"], "request_vpc_info": {"vpc_id": config["vpc_id"]}, "accept_vpc_info": accept}
        body |= given(description=config.get("description"))
        identity = tf.post(tf.v2("vpc/peerings"), {"peering": body}, ok=(201,))["peering"]["id"]
        wanted = ("PENDING_ACCEPTANCE", "ACTIVE")

        def status():
            found = tf.get(self.path(tf, identity))["peering"]["status"]
            return found if found in wanted else "CREATING"
        tf.wait(status, pending=("CREATING",), target=wanted)
        return identity

    def read(self, tf, identity):
        peering = tf.get(self.path(tf, identity))["peering"]
        return {"name": peering["name"], "status": peering["status"], "description": peering["description"],
                "vpc_id": peering["request_vpc_info"]["vpc_id"],
                "peer_vpc_id": peering["accept_vpc_info"]["vpc_id"],
                "peer_tenant_id": peering["accept_vpc_info"]["tenant_id"]}

    def update(self, tf, identity, old, new):
        body = {"name": new["name"], "description": new.get("description", "")}
        tf.put(self.path(tf, identity), {"peering": body}, ok=(200,))

    def delete(self, tf, identity, state):
        tf.gone(self.path(tf, identity), self.path(tf, identity))


class Accepter(Resource):
    """`vpc_peering_connection_accepter`: read with the accepter's credentials; a destroy only forgets it."""

    unread = ("accept", "vpc_peering_connection_id")

    def create(self, tf, config):
        identity = config["vpc_peering_connection_id"]
        status = tf.get(tf.v2(f"vpc/peerings/{identity}"))["peering"]["status"]
        if status != "PENDING_ACCEPTANCE":
            raise ValueError("VPC peering action not permitted: Can not accept/reject peering request not in "
                             "PENDING_ACCEPTANCE state.")
        verb = "accept" if config["accept"] else "reject"
        tf.put(tf.v2(f"vpc/peerings/{identity}/{verb}"), ok=(200,))
        tf.wait(lambda: self.read(tf, identity)["status"], pending=("PENDING_ACCEPTANCE",),
                target=("ACTIVE", "REJECTED"))
        return identity

    def read(self, tf, identity):
        return Peering().read(tf, identity)


class Route(Resource):
    """`vpc_route`: one route in a table; its id is `<table>/<destination>`."""

    def create(self, tf, config):
        table = config.get("route_table_id") or default_table(tf, config["vpc_id"])
        self._put(tf, table, "add", self._route(config))
        return f"{table}/{config['destination']}"

    def _route(self, config):
        return {"type": config["type"], "nexthop": config["nexthop"], "destination": config["destination"],
                "description": config.get("description", "")}

    def _put(self, tf, table, verb, route):
        tf.put(tf.v1(f"routetables/{table}"), {"routetable": {"routes": {verb: [route]}}}, ok=(200,))

    def read(self, tf, identity):
        table_id, destination = identity.split("/", 1)
        table = tf.get(tf.v1(f"routetables/{table_id}"))["routetable"]
        for route in table["routes"]:
            if route["destination"] == destination:
                return {"type": route["type"], "nexthop": route["nexthop"], "destination": destination,
                        "description": route["description"], "vpc_id": table["vpc_id"], "route_table_id": table["id"],
                        "route_table_name": table["name"]}
        raise Refused("GET", identity, 404, "no such destination")

    def update(self, tf, identity, old, new):
        self._put(tf, identity.split("/")[0], "mod", self._route(new))

    def delete(self, tf, identity, state):
        route = self._route(state)
        del route["description"]
        self._put(tf, identity.split("/")[0], "del", route)


def default_table(tf, vpc_id):
    """The table of the list that says so."""
    for table in tf.all_by_marker(tf.v1(f"routetables?vpc_id={vpc_id}"), "routetables"):
        if table["default"]:
            return table["id"]
    raise AssertionError("no table of the list is the default one")


def route(destination, nexthop, kind="peering", description=""):
    return {"destination": destination, "type": kind, "nexthop": nexthop, "description": description}


class RouteTable(Resource):
    sets = ("subnets", "route")
    # What a call that makes a table may carry.
    most_routes = 5

    def path(self, tf, identity, state=None):
        return tf.v1(f"routetables/{identity}")

    def create(self, tf, config):
        routes = config.get("route", [])
        body = given(vpc_id=config["vpc_id"], name=config["name"], description=config.get("description"),
                     routes=routes if len(routes) <= self.most_routes else None)
        identity = tf.post(tf.v1("routetables"), {"routetable": body})["routetable"]["id"]
        self._action(tf, identity, "associate", config.get("subnets"))
        if len(routes) > self.most_routes:
            tf.put(self.path(tf, identity), {"routetable": {"routes": {"add": routes}}}, ok=(200,))
        return identity

    def _action(self, tf, identity, verb, subnets):
        if subnets:
            tf.post(self.path(tf, identity) + "/action", {"routetable": {"subnets": {verb: sorted(subnets)}}})

    def read(self, tf, identity):
        table = tf.get(self.path(tf, identity))["routetable"]
        return {"vpc_id": table["vpc_id"], "name": table["name"], "description": table["description"],
                "route": [route(r["destination"], r["nexthop"], r["type"], r["description"])
                          for r in table["routes"] if r["type"] != "local"],
                "subnets": [subnet["id"] for subnet in table["subnets"]]}

    def update(self, tf, identity, old, new):
        body = {}
        if any(old.get(name) != new.get(name) for name in ("name", "description")):
            body |= {"name": new["name"], "description": new.get("description", "")}
        before = {r["destination"]: r for r in old.get("route", [])}
        after = {r["destination"]: r for r in new.get("route", [])}
        if before != after:
            gone = [{k: r[k] for k in ("type", "nexthop", "destination")} for d, r in before.items() if d not in after]
            body["routes"] = given(add=[r for d, r in after.items() if d not in before], **{
                "del": gone, "mod": [r for d, r in after.items() if d in before and before[d] != r]})
        if body:
            tf.put(self.path(tf, identity), {"routetable": body}, ok=(200,))
        had, has = set(old.get("subnets", ())), set(new.get("subnets", ()))
        self._action(tf, identity, "disassociate", had - has)
        self._action(tf, identity, "associate", has - had)

    def delete(self, tf, identity, state):
        self._action(tf, identity, "disassociate", state["subnets"])
        tf.delete(self.path(tf, identity))
