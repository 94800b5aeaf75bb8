"""Security groups, their rules, address groups and network ACLs as the provider handles them (clients 3.8, 3.10)."""

from lifecycle import Resource, given, set_tags, set_tags_v3, try_tags, try_tags_v3


class SecurityGroup(Resource):
    unread = ("delete_default_rules",)

    def path(self, tf, identity, state=None):
        return tf.v1(f"security-groups/{identity}")

    def create(self, tf, config):
        body = given(name=config["name"], enterprise_project_id=config.get("enterprise_project_id"))
        # 404 would mean "v3 is not there" and lead to v1 (trap 21).
        group = tf.post(tf.v3("vpc/security-groups"), {"security_group": body})["security_group"]
        if config.get("description"):
            tf.put(tf.v3(f"vpc/security-groups/{group['id']}"),
                   {"security_group": {"description": config["description"]}})
        if config.get("delete_default_rules"):
            for rule in group["security_group_rules"]:
                tf.delete(tf.v3(f"vpc/security-group-rules/{rule['id']}"))
        set_tags(tf, "security-groups", group["id"], {}, config.get("tags"))
        return group["id"]

    def read(self, tf, identity):
        v1 = tf.get(self.path(tf, identity), ok=(200,))["security_group"]
        v3 = tf.get(tf.v3(f"vpc/security-groups/{identity}"))["security_group"]
        assert (v1["name"], v1["description"]) == (v3["name"], v3["description"])
        assert {rule["id"] for rule in v1["security_group_rules"]} == {
            rule["id"] for rule in v3["security_group_rules"]}
        return {"name": v3["name"], "description": v3["description"], "created_at": v3["created_at"],
                "updated_at": v3["updated_at"], "enterprise_project_id": v1["enterprise_project_id"],
                "rules": v3["security_group_rules"], "tags": try_tags(tf, "security-groups", identity)}

    def update(self, tf, identity, old, new):
        tf.put(tf.v3(f"vpc/security-groups/{identity}"),
               {"security_group": {"name": new["name"], "description": new.get("description", "")}})
        if old.get("tags") != new.get("tags"):
            set_tags(tf, "security-groups", identity, old.get("tags"), new.get("tags"))

    def delete(self, tf, identity, state):
        tf.gone(self.path(tf, identity), self.path(tf, identity))


class SecurityGroupRule(Resource):
    """Every attribute forces a replacement: there is no update."""

    advanced = ("ports", "remote_address_group_id", "action", "priority")

    def path(self, tf, identity, state=None):
        return tf.v1(f"security-group-rules/{identity}")

    def create(self, tf, config):
        common = given(description=config.get("description"), security_group_id=config["security_group_id"],
                       remote_group_id=config.get("remote_group_id"), remote_ip_prefix=config.get("remote_ip_prefix"),
                       protocol=config.get("protocol"), ethertype=config["ethertype"], direction=config["direction"])
        if any(config.get(name) for name in self.advanced):
            body = common | given(multiport=config.get("ports"), action=config.get("action"),
                                  priority=config.get("priority"),
                                  remote_address_group_id=config.get("remote_address_group_id"))
            url = tf.v3("vpc/security-group-rules")
        else:
            # 0 is nothing to the Go client.
            body = common | given(port_range_min=config.get("port_range_min") or None,
                                  port_range_max=config.get("port_range_max") or None)
            url = tf.v1("security-group-rules")
        return tf.post(url, {"security_group_rule": body})["security_group_rule"]["id"]

    def read(self, tf, identity):
        v1 = tf.get(self.path(tf, identity))["security_group_rule"]
        v3 = tf.get(tf.v3(f"vpc/security-group-rules/{identity}"))["security_group_rule"]
        # A missing text is "" to the Go client, a missing number 0.
        state = {name: v1.get(name) or "" for name in ("direction", "description", "ethertype", "protocol",
                                                        "remote_group_id", "remote_ip_prefix", "security_group_id")}
        state |= {name: v1.get(name) or 0 for name in ("port_range_min", "port_range_max")}
        return state | {"ports": v3.get("multiport") or "", "action": v3["action"], "priority": v3["priority"],
                        "remote_address_group_id": v3.get("remote_address_group_id") or ""}

    def delete(self, tf, identity, state):
        tf.gone(self.path(tf, identity), self.path(tf, identity), retry=())


class AddressGroup(Resource):
    sets = ("addresses",)
    unread = ("force_destroy",)

    def path(self, tf, identity, state=None):
        return tf.v3(f"vpc/address-groups/{identity}")

    def _set(self, config):
        if "ip_extra_set" in config:
            return {"ip_extra_set": config["ip_extra_set"]}
        return {"ip_set": config["addresses"]}

    def create(self, tf, config):
        body = given(name=config["name"], ip_version=config.get("ip_version", 4),
                     description=config.get("description"), max_capacity=config.get("max_capacity"),
                     enterprise_project_id=config.get("enterprise_project_id"), **self._set(config))
        return tf.post(tf.v3("vpc/address-groups"), {"address_group": body})["address_group"]["id"]

    def read(self, tf, identity):
        group = tf.get(self.path(tf, identity))["address_group"]
        extra = [{"ip": item["ip"], "remarks": item.get("remarks", "")} for item in group.get("ip_extra_set", [])]
        return {"name": group["name"], "description": group["description"], "addresses": group["ip_set"],
                "ip_extra_set": extra, "ip_version": group["ip_version"], "max_capacity": group["max_capacity"],
                "enterprise_project_id": group["enterprise_project_id"]}

    def update(self, tf, identity, old, new):
        body = {name: new.get(name, "") for name in ("name", "description", "max_capacity")
                if old.get(name) != new.get(name)}
        if self._set(old) != self._set(new):
            body |= self._set(new)
        tf.put(self.path(tf, identity), {"address_group": body})

    def delete(self, tf, identity, state):
        tf.delete(self.path(tf, identity))


class NetworkAcl(Resource):
    """`vpc_network_acl`. Its strict statuses: POST 201, GET and PUT 200, DELETE 204."""

    sets = ("associated_subnets",)
    fields = ("action", "protocol", "ip_version", "name", "description", "source_ip_address",
              "destination_ip_address", "source_port", "destination_port")

    def path(self, tf, identity, state=None):
        return tf.v3(f"vpc/firewalls/{identity}")

    def create(self, tf, config):
        body = {"name": config["name"], "enterprise_project_id": config.get("enterprise_project_id", "0"),
                "admin_state_up": config.get("enabled", True)} | given(description=config.get("description"))
        identity = tf.post(tf.v3("vpc/firewalls"), {"firewall": body}, ok=(201,))["firewall"]["id"]
        for direction in ("ingress_rules", "egress_rules"):
            self._insert(tf, identity, direction, config.get(direction))
        self._subnets(tf, identity, "associate", config.get("associated_subnets"))
        set_tags_v3(tf, "firewalls", identity, {}, config.get("tags"))
        return identity

    def _insert(self, tf, identity, direction, rules):
        if rules:
            # The description is sent even when it is empty.
            rules = [given(**rule) | {"description": rule.get("description", "")} for rule in rules]
            tf.put(self.path(tf, identity) + "/insert-rules", {"firewall": {direction: rules}}, ok=(200,))

    def _subnets(self, tf, identity, verb, subnets):
        if subnets:
            body = {"subnets": [{"virsubnet_id": subnet} for subnet in sorted(subnets)]}
            tf.put(self.path(tf, identity) + f"/{verb}-subnets", body, ok=(200,))

    def read(self, tf, identity):
        acl = tf.get(self.path(tf, identity), ok=(200,))["firewall"]
        state = {name: acl[name] for name in ("name", "description", "enterprise_project_id", "status", "created_at",
                                               "updated_at")}
        for direction in ("ingress_rules", "egress_rules"):
            state[direction] = [{name: rule[name] for name in self.fields if rule.get(name) not in (None, "")}
                                for rule in acl[direction]]
        state["rule_ids"] = [[rule["id"] for rule in acl[direction]] for direction in ("ingress_rules", "egress_rules")]
        return state | {"enabled": acl["admin_state_up"], "tags": try_tags_v3(tf, "firewalls", identity),
                        "associated_subnets": [item["virsubnet_id"] for item in acl["associations"]]}

    def update(self, tf, identity, old, new):
        if any(old.get(name) != new.get(name) for name in ("name", "description", "enabled")):
            body = {"name": new["name"], "description": new.get("description", ""),
                    "admin_state_up": new.get("enabled", True)}
            tf.put(self.path(tf, identity), {"firewall": body}, ok=(200,))
        ids = dict(zip(("ingress_rules", "egress_rules"), self.read(tf, identity)["rule_ids"]))
        for direction, rules in ids.items():
            if old.get(direction) != new.get(direction):
                if rules:
                    body = {"firewall": {direction: [{"id": rule} for rule in rules]}}
                    tf.put(self.path(tf, identity) + "/remove-rules", body, ok=(200,))
                self._insert(tf, identity, direction, new.get(direction))
        if old.get("associated_subnets") != new.get("associated_subnets"):
            self._subnets(tf, identity, "disassociate", old.get("associated_subnets"))
            self._subnets(tf, identity, "associate", new.get("associated_subnets"))
        if old.get("tags") != new.get("tags"):
            set_tags_v3(tf, "firewalls", identity, old.get("tags"), new.get("tags"))

    def delete(self, tf, identity, state):
        self._subnets(tf, identity, "disassociate", state["associated_subnets"])
        tf.delete(self.path(tf, identity), ok=(204,))


def rules_of(tf, group):
    """The rules of a group, as `networking_secgroup_rules` lists them."""
    return tf.all_by_marker(tf.v3(f"vpc/security-group-rules?security_group_id={group}"), "security_group_rules")
