"""Runs schemathesis against a fresh server: see run.sh. Ends with 1 when an answer is not what the document says."""

import collections
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

import cloud
from lifecycle import create
from network import Route, RouteTable
from ports import CidrReservation, NetworkInterface, PrivateIp, SubNetworkInterface, VirtualIp
from provider import Provider
from recorder import Recorder
from scene import pair, peering, server, subnet, vpc
from security import AddressGroup, NetworkAcl, SecurityGroup, rules_of

SEED = 20260702
EXAMPLES = int(os.environ.get("CAUSEWAY_EXAMPLES", 10_000))
# Each runs in a process of its own, on its share of the operations.
WORKERS = min(4, os.cpu_count() or 2)
# Seconds after which the calls are taken for stuck. On an idle machine with two cores they take about two minutes.
TIME = 1800
CHECKS = ("server_error,request_id,credentials_hold,status_code_conformance,content_type_conformance,"
          "response_schema_conformance,response_headers_conformance")
SOAK = 10
# Systematic requests are right and wrong, random ones are right: wrong ones end at the first field.
CONFIG = """
[phases.coverage.generation]
mode = "all"
[phases.fuzzing.generation]
mode = "positive"
"""
HERE = pathlib.Path(__file__).parent
# A policy of one's own, and an enterprise project, which is there as soon as something is in it.
ROLE = {"role": {"display_name": "readers", "type": "AX", "description": "", "policy": {
    "Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["vpc:*:get", "vpc:*:list"]}]}}}
ENTERPRISE = "0f3c52c0-87b4-4dc4-8bd4-1f9d8b1d6e5a"
TAGS = {"tags": [{"key": "env", "value": "prod"}, {"key": "team", "value": ""}]}


def main(only):
    factor = SOAK if os.environ.get("CAUSEWAY_SOAK") else 1
    running = cloud.Server()
    try:
        with cloud.names_resolved():
            status = run(running, only, factor)
    finally:
        log = running.log()
        code = running.stop()
    if code != 0 or "panicked" in log:
        print(f"the server ended with {code}:\n{log}", file=sys.stderr)
        return 1
    return status


def run(running, only, factor):
    # The operator may call what nobody else may.
    account = cloud.operator(running, Recorder())
    tf = Provider.of(running, account).start()
    pool = make(tf)
    for provider in (Provider.of(running, account.create_account(f"schema-{n}")).start() for n in range(3)):
        pool["other_account"].append(provider.domain_id)
        # Requests that wait: to accept, to reject, to expire.
        theirs = vpc(provider, "vpc-c", "10.9.0.0/16")
        pool["peering"].append(peering(provider, theirs, pool["vpc"][1], peer_tenant_id=tf.project_id))
    login = {"region": "region-1", "user_name": account.user.name, "password": account.password,
             "domain_name": account.domain.name}
    # One that carries the run, one that calls look at and revoke.
    token, subject = (Provider(running, **login).start().token for _ in range(2))
    pool["bodies"] = {"createToken": {"auth": {
        "identity": {"methods": ["token"], "token": {"id": token}},
        "scope": {"project": {"id": tf.project_id}}}},
        "createTemporaryCredential": {"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": 900}}}},
        "createCustomPolicy": ROLE, "updateCustomPolicy": ROLE,
        "migrateResource": {"resource_id": pool["vpc"][0], "resource_type": "vpcs"}}
    with urllib.request.urlopen(running.endpoint + "/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    operations = sorted(item["operationId"] for methods in document["paths"].values() for item in methods.values())
    wanted = [name for name in operations if name in only] if only else operations
    if unknown := set(only) - set(operations):
        sys.exit(f"run.sh: the document has no operation {', '.join(sorted(unknown))}")
    # Random ones for each operation. The systematic ones are as many again as are missing, and more; an operation may
    # have fewer different requests than this: GET /v3 has one.
    examples = math.ceil(factor * 0.5 * EXAMPLES / len(operations))
    with tempfile.TemporaryDirectory(prefix="causeway-schema-") as folder:
        folder = pathlib.Path(folder)
        (folder / "pool.json").write_text(json.dumps(pool))
        started = time.monotonic()
        shares = [wanted[n::WORKERS] for n in range(WORKERS) if wanted[n::WORKERS]]
        processes = [start(folder, n, share, running, token, subject, examples) for n, share in enumerate(shares)]
        late = not finished(processes, started + TIME * factor)
        failed = [n for n, process in enumerate(processes) if process.returncode != 0]
        took = time.monotonic() - started
        for n in failed:
            print((folder / f"log-{n}").read_text())
        calls = collections.Counter()
        for n, _ in enumerate(shares):
            # A process that was ended in the middle may have left none.
            path = folder / f"calls-{n}.json"
            for operation, statuses in json.loads(path.read_text() if path.exists() else "{}").items():
                for status, count in statuses.items():
                    calls[operation, status] += count
    if late:
        print(f"run.sh: not done after {TIME * factor} s", file=sys.stderr)
        return 1
    return judge(document, wanted, operations, calls, failed, took, factor)


def finished(processes, deadline):
    """Waits for all of them until the time is up; then ends them. Whether all ended by themselves."""
    for process in processes:
        try:
            process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            for running in processes:
                running.kill()
                running.wait()
            return False
    return True


def judge(document, wanted, operations, calls, failed, took, factor):
    """Prints what was called; 1 if an answer was wrong, or if less was called than was to be."""
    by_operation = collections.Counter()
    for (operation, _), count in calls.items():
        by_operation[operation] += count
    by_status = collections.Counter()
    for (_, status), count in calls.items():
        by_status[status] += count
    expected = {f"{method.upper()} {path}" for path, methods in document["paths"].items()
                for method, item in methods.items() if item["operationId"] in wanted}
    total = sum(calls.values())
    listed = ", ".join(f"{status}: {count}" for status, count in sorted(by_status.items()))
    print(f"{total} calls of {len(by_operation)} operations in {took:.0f} s ({listed})")
    succeeded = {operation for (operation, status), _ in calls.items() if status[0] in "23"}
    if never := sorted(expected - succeeded):
        print(f"{len(never)} operations never succeeded: {'; '.join(never)}")
    problems = []
    if failed:
        problems.append("answers were not what the document says")
    if missing := sorted(expected - by_operation.keys()):
        problems.append(f"operations were not called: {'; '.join(missing)}")
    if wanted == operations and total < factor * EXAMPLES:
        problems.append(f"{factor * EXAMPLES} calls were to be made")
    for problem in problems:
        print(f"run.sh: {problem}", file=sys.stderr)
    return 1 if problems else 0


def start(folder, n, share, running, token, subject, examples):
    """A schemathesis process for a share of the operations."""
    command = [pathlib.Path(sys.executable).with_name("schemathesis"), "run", running.endpoint + "/openapi.json",
               "--header", f"X-Auth-Token: {token}", "--checks", CHECKS, "--phases", "coverage,fuzzing",
               "--max-examples", str(examples), "--seed", str(SEED), "--workers", "1",
               "--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off", "--no-color",
               "--request-timeout", "30"]
    for name in share:
        command += ["--include-operation-id", name]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "SCHEMA_POOL": str(folder / "pool.json"),
                   "SCHEMA_RESULT": str(folder / f"calls-{n}.json"), "SCHEMA_TOKEN": token,
                   "SCHEMA_SUBJECT": subject}
    cwd = folder / f"worker-{n}"
    cwd.mkdir()
    (cwd / "schemathesis.toml").write_text(CONFIG)
    with open(folder / f"log-{n}", "wb") as log:
        # Its own files (a database of examples) go into the folder that vanishes.
        return subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT)


def make(tf):
    """One of everything, so that ids in paths and bodies name something: kind -> ids."""
    a, b, between = pair(tf)
    network, _ = subnet(tf, a, ipv6_enable=True)
    port, _ = create(tf, NetworkInterface(), subnet_id=network)
    vip, _ = create(tf, VirtualIp(), network_id=network)
    machine = server(tf, network, "ecs-a")
    Route().create(tf, {"vpc_id": a, "destination": "172.16.0.0/24", "type": "peering", "nexthop": between})
    [legacy] = tf.get(tf.v2("vpc/routes"))["routes"]
    table, _ = create(tf, RouteTable(), vpc_id=a, name="table-a")
    group, _ = create(tf, SecurityGroup(), name="secgroup")
    addresses, _ = create(tf, AddressGroup(), name="addresses", addresses=["10.0.0.1"])
    acl, _ = create(tf, NetworkAcl(), name="acl", ingress_rules=[
        {"action": "allow", "ip_version": 4, "protocol": "any"}])
    rule = tf.post(tf.v2("fwaas/firewall_rules"), {"firewall_rule": {"action": "allow", "protocol": "tcp"}},
                   ok=(201,))["firewall_rule"]["id"]
    policy = tf.post(tf.v2("fwaas/firewall_policies"), {"firewall_policy": {"name": "policy"}},
                     ok=(201,))["firewall_policy"]["id"]
    sub_interface, _ = create(tf, SubNetworkInterface(), subnet_id=network, parent_id=machine["port_id"])
    reservation, _ = create(tf, CidrReservation(), subnet_id=network, ip_version=4, mask=28)
    private_ip, _ = create(tf, PrivateIp(), subnet_id=network)
    alone = tf.post(tf.v2("networks"), {"network": {"name": "alone"}}, ok=(201,))["network"]["id"]
    tf.post(tf.v2("subnets"), {"subnet": {"network_id": alone, "cidr": "10.200.0.0/24"}}, ok=(201,))
    vpc(tf, "vpc-e", "10.3.0.0/16", enterprise_project_id=ENTERPRISE)
    for kind, identity in (("vpcs", a), ("subnets", network), ("security-groups", group)):
        tf.post(tf.v2_tags(f"{kind}/{identity}/tags/action"), {"action": "create", **TAGS}, ok=(204,))
    for kind, identity in (("ports", port), ("firewalls", acl), ("address-groups", addresses),
                           ("sub-network-interfaces", sub_interface)):
        tf.post(tf.v3(f"{kind}/{identity}/tags/create"), TAGS, ok=(204,))

    def call(method, path, body=None):
        return tf.account.call(method, path, body)

    def ids(path, root):
        return [item["id"] for item in call("GET", path)[root]]

    users = [call("POST", "/v3/users", {"user": {"name": f"user-{n}", "password": "Passw0rd-long"}})["user"]["id"]
             for n in range(4)]
    keys = [call("POST", "/v3.0/OS-CREDENTIAL/credentials", {"credential": {"user_id": user}})["credential"]["access"]
            for user in users]
    role = call("POST", "/v3.0/OS-ROLE/roles", ROLE)["role"]["id"]
    call("POST", f"/causeway/v1/users/{users[-1]}/policies", {"policy_id": role})
    return {"other_user": users, "other_access_key": keys, "other_account": [], "domain": [tf.domain_id],
            "role": [role], "builtin_role": ids("/v3/roles", "roles"), "service": ids("/v3/services", "services"),
            "endpoint": ids("/v3/endpoints", "endpoints"), "event": ids("/causeway/v1/events", "events"),
            "enterprise_project": ["0", ENTERPRISE], "tag_key": ["env", "team", "other"],
            "extension": ["router", "security-group"], "network": [network, alone],
            "neutron_subnet": ids("/v2.0/subnets", "subnets"), "sub_interface": [sub_interface],
            "reservation": [reservation], "private_ip": [private_ip], "project": [tf.project_id], "user": [tf.account.user.id], "access_key": [tf.access_key],
            "account": [tf.domain_id], "vpc": [a, b], "subnet": [network], "port": [port, vip, machine["port_id"]],
            "vip": [vip], "server": [machine["id"]], "peering": [between], "route": [legacy["id"]], "table": [table],
            "group": [group], "rule": [found["id"] for found in rules_of(tf, group)], "address_group": [addresses],
            "acl": [acl], "policy": [policy], "acl_rule": [rule]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
