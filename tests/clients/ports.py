"""Network interfaces, virtual IPs, private IPs, supplementary interfaces, reservations (clients 3.9, 3.10)."""

from lifecycle import Resource, given, set_tags_v3, try_tags_v3

VIP_OWNER = "neutron:VIP_PORT"
# The literal pair that turns the source/destination check off.
CHECK_OFF = "1.1.1.1/0"


class NetworkInterface(Resource):
    def path(self, tf, identity, state=None):
        return tf.v1(f"ports/{identity}")

    def create(self, tf, config):
        body = {"network_id": config["subnet_id"]} | given(
            name=config.get("name"), security_groups=config.get("security_group_ids"),
            fixed_ips=config.get("fixed_ip_v4") and [{"ip_address": config["fixed_ip_v4"]}],
            allowed_address_pairs=[{"ip_address": text} for text in config.get("allowed_addresses", [])],
            extra_dhcp_opts=self._lease(config))
        identity = tf.post(tf.v1("ports"), {"port": body})["port"]["id"]
        set_tags_v3(tf, "ports", identity, {}, config.get("tags"))
        return identity

    def _lease(self, config):
        lease = config.get("dhcp_lease_time")
        return [{"opt_name": "51", "opt_value": lease}] if lease else None

    def read(self, tf, identity):
        port = tf.get(self.path(tf, identity))["port"]
        options = port["extra_dhcp_opts"]
        return {"name": port["name"], "status": port["status"], "device_id": port["device_id"],
                "device_owner": port["device_owner"], "mac_address": port["mac_address"],
                "subnet_id": port["network_id"], "security_group_ids": port["security_groups"],
                "fixed_ip_v4": port["fixed_ips"][0]["ip_address"],
                "allowed_addresses": [pair["ip_address"] for pair in port["allowed_address_pairs"]],
                "dhcp_lease_time": options[0]["opt_value"] if options else "",
                "port_security_enabled": port["port_security_enabled"], "tags": try_tags_v3(tf, "ports", identity)}

    def update(self, tf, identity, old, new):
        body = {"name": new.get("name", ""), "security_groups": None, "allowed_address_pairs": None,
                "extra_dhcp_opts": None}
        if old.get("security_group_ids") != new.get("security_group_ids"):
            body["security_groups"] = new.get("security_group_ids") or None
        if old.get("allowed_addresses") != new.get("allowed_addresses"):
            body["allowed_address_pairs"] = [{"ip_address": text} for text in new.get("allowed_addresses", [])]
        if old.get("dhcp_lease_time") != new.get("dhcp_lease_time"):
            body["extra_dhcp_opts"] = self._lease(new)
        tf.put(self.path(tf, identity), {"port": body})
        if old.get("tags") != new.get("tags"):
            set_tags_v3(tf, "ports", identity, old.get("tags"), new.get("tags"))

    def delete(self, tf, identity, state):
        # 404 would be an error here.
        tf.delete(self.path(tf, identity))


class VirtualIp(Resource):
    def path(self, tf, identity, state=None):
        return tf.v1(f"ports/{identity}")

    def create(self, tf, config):
        subnet = tf.get(tf.v1(f"subnets/{config['network_id']}"))["subnet"]
        family = "neutron_subnet_id_v6" if config.get("ip_version") == 6 else "neutron_subnet_id"
        assert subnet[family]
        address = {"subnet_id": subnet[family]} | given(ip_address=config.get("ip_address"))
        body = {"network_id": config["network_id"], "device_owner": VIP_OWNER, "fixed_ips": [address]}
        identity = tf.post(tf.v1("ports"), {"port": body | given(name=config.get("name"))})["port"]["id"]
        tf.wait(lambda: tf.get(self.path(tf, identity))["port"]["status"], pending=("BUILD",),
                target=("DOWN", "ACTIVE"))
        return identity

    def read(self, tf, identity):
        port = tf.get(self.path(tf, identity))["port"]
        address = port["fixed_ips"][0]
        return {"name": port["name"], "status": {"DOWN": "ACTIVE"}.get(port["status"], port["status"]),
                "device_owner": port["device_owner"], "mac_address": port["mac_address"],
                "network_id": port["network_id"], "ip_address": address["ip_address"],
                "subnet_id": address["subnet_id"], "ip_version": 6 if ":" in address["ip_address"] else 4}

    def update(self, tf, identity, old, new):
        tf.put(self.path(tf, identity), {"port": {"name": new.get("name", ""), "security_groups": None,
                                                  "allowed_address_pairs": None, "extra_dhcp_opts": None}})

    def delete(self, tf, identity, state):
        tf.delete(self.path(tf, identity))
        def status():
            answer = tf.send("GET", self.path(tf, identity))
            return "DELETED" if answer.status == 404 else answer.json["port"]["status"]
        tf.wait(status, pending=("DOWN", "ACTIVE"), target=("DELETED",))


class VirtualIpAssociate(Resource):
    """`networking_vip_associate`: in v2.0, the addresses of ports into the virtual IP's pairs."""

    sets = ("port_ids",)

    def create(self, tf, config):
        vip = tf.get(tf.v2(f"ports/{config['vip_id']}"))["port"]
        ports = [tf.get(tf.v2(f"ports/{port}"))["port"] for port in config["port_ids"]]
        self._pairs(tf, vip["id"], [port["fixed_ips"][0]["ip_address"] for port in ports])
        for port in ports:
            self._pairs(tf, port["id"], [CHECK_OFF])
        return f"{vip['id']}/" + "/".join(port["id"] for port in ports)

    def _pairs(self, tf, port, addresses):
        body = {"port": {"allowed_address_pairs": [{"ip_address": address} for address in addresses]}}
        tf.put(tf.v2(f"ports/{port}"), body, ok=(200, 201))

    def read(self, tf, identity):
        vip_id, *ports = identity.split("/")
        vip = tf.get(tf.v2(f"ports/{vip_id}"))["port"]
        bound = [pair["ip_address"] for pair in vip["allowed_address_pairs"]]
        found = [tf.get(tf.v2(f"ports/{port}"))["port"] for port in ports]
        addresses = {port["id"]: [ip["ip_address"] for ip in port["fixed_ips"]] for port in found}
        return {"vip_id": vip_id, "port_ids": [port for port in ports if set(addresses[port]) & set(bound)],
                "vip_subnet_id": vip["fixed_ips"][0]["subnet_id"],
                "vip_ip_address": vip["fixed_ips"][0]["ip_address"]}

    def delete(self, tf, identity, state):
        self._pairs(tf, state["vip_id"], [])


class PrivateIp(Resource):
    def path(self, tf, identity, state=None):
        return tf.v1(f"privateips/{identity}")

    def create(self, tf, config):
        body = {"subnet_id": config["subnet_id"]} | given(ip_address=config.get("ip_address"))
        return tf.post(tf.v1("privateips"), {"privateips": [body]})["privateips"][0]["id"]

    def read(self, tf, identity):
        found = tf.get(self.path(tf, identity))["privateip"]
        return {name: found[name] for name in ("subnet_id", "ip_address", "status", "device_owner")}

    def delete(self, tf, identity, state):
        tf.delete(self.path(tf, identity))


class SubNetworkInterface(Resource):
    root = "sub_network_interface"

    def path(self, tf, identity, state=None):
        return tf.v3(f"vpc/sub-network-interfaces/{identity}")

    def create(self, tf, config):
        body = {"virsubnet_id": config["subnet_id"], "parent_id": config["parent_id"]} | given(
            security_groups=config.get("security_group_ids"), description=config.get("description"),
            vlan_id=config.get("vlan_id"), private_ip_address=config.get("ip_address"),
            ipv6_enable=config.get("ipv6_enable") or None)
        return tf.post(tf.v3("vpc/sub-network-interfaces"), {self.root: body}, ok=(201,))[self.root]["id"]

    def read(self, tf, identity):
        found = tf.get(self.path(tf, identity), ok=(200,))[self.root]
        return {"subnet_id": found["virsubnet_id"], "parent_id": found["parent_id"],
                "security_group_ids": found["security_groups"], "description": found["description"],
                "vlan_id": str(found["vlan_id"]), "ip_address": found["private_ip_address"],
                "mac_address": found["mac_address"], "vpc_id": found["vpc_id"], "status": found["state"],
                "parent_device_id": found["parent_device_id"], "created_at": found["created_at"]}

    def update(self, tf, identity, old, new):
        body = {"description": new.get("description", "")} | given(security_groups=new.get("security_group_ids"))
        tf.put(self.path(tf, identity), {self.root: body}, ok=(200,))

    def delete(self, tf, identity, state):
        tf.delete(self.path(tf, identity), ok=(204,))


class CidrReservation(Resource):
    root = "virsubnet_cidr_reservation"

    def path(self, tf, identity, state=None):
        return tf.v3(f"vpc/virsubnet-cidr-reservations/{identity}")

    def create(self, tf, config):
        body = {"virsubnet_id": config["subnet_id"], "ip_version": config["ip_version"]} | given(
            **{name: config.get(name) for name in ("cidr", "mask", "name", "description")})
        return tf.post(tf.v3("vpc/virsubnet-cidr-reservations"), {self.root: body}, ok=(201,))[self.root]["id"]

    def read(self, tf, identity):
        found = tf.get(self.path(tf, identity), ok=(200,))[self.root]
        state = {name: found[name] for name in ("ip_version", "cidr", "name", "description", "vpc_id", "project_id",
                                                "created_at", "updated_at")}
        return state | {"subnet_id": found["virsubnet_id"], "mask": int(found["cidr"].split("/")[1])}

    def update(self, tf, identity, old, new):
        body = given(name=new.get("name"), description=new.get("description"))
        tf.put(self.path(tf, identity), {self.root: body}, ok=(200,))

    def delete(self, tf, identity, state):
        tf.delete(self.path(tf, identity), ok=(204,))
