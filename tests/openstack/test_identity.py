"""Logging in, and what the catalog leads to (api-iam §5, §6)."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from server import OTHER_REGION, REGION
from shell import Refused


def test_a_password_buys_a_token_of_the_project(account):
    token = account.run("token issue")
    assert token["project_id"] == account.project
    assert account.shell(region=OTHER_REGION)("token issue")["project_id"] == account.projects[OTHER_REGION]
    account.run.text("token revoke", token["id"])


def test_a_wrong_password_and_a_foreign_project_are_refused(account, other):
    wrong = account.shell(OS_PASSWORD="wrong")
    with pytest.raises(Refused, match="The username or password is wrong"):
        wrong("token issue")
    foreign = account.shell(OS_PROJECT_DOMAIN_NAME=other.domain)
    with pytest.raises(Refused, match="of the scope is not yours"):
        foreign("token issue")


def test_the_catalog_names_the_services_of_the_region(account, server):
    services = {service["Type"]: service["Endpoints"] for service in account.run("catalog list")}
    for kind in ("identity", "vpc", "network"):
        regions = {endpoint["region"]: endpoint["url"] for endpoint in services[kind]}
        assert regions[REGION].startswith(server.endpoint), kind
    assert services["network"][0]["url"] == f"{server.endpoint}/v2.0"
    shown = account.run("catalog show", "vpc")
    assert shown["endpoints"][0]["url"] == f"{server.endpoint}/v1/{account.project}"


def test_projects_regions_and_users_are_those_of_the_account(account):
    projects = {project["Name"]: project["ID"] for project in account.run("project list")}
    assert projects == account.projects
    assert account.run("project show", REGION)["id"] == account.project
    assert {region["Region"] for region in account.run("region list")} == {REGION, OTHER_REGION}
    assert [user["Name"] for user in account.run("user list")] == [account.user]
    with pytest.raises(Refused, match="No Project"):
        account.run("project show", "nowhere")


@pytest.mark.parametrize("host", ["iam", "address"])
def test_everything_goes_over_tls_when_the_login_does(account, server, host):
    base = server.tls_endpoint if host == "address" else server.host("iam", REGION, tls=True)
    secure = account.shell(auth_url=f"{base}/v3", OS_CACERT=server.ca_file)
    services = {service["Type"]: service["Endpoints"][-1]["url"] for service in secure("catalog list")}
    vpc = server.tls_endpoint if host == "address" else server.host("vpc", REGION, tls=True)
    assert services["vpc"] == f"{vpc}/v1/{account.project}"
    assert services["network"] == f"{vpc}/v2.0"
    assert secure("vpc peering list") == []
    assert {project["Name"] for project in secure("project list")} == {REGION, OTHER_REGION}
    with pytest.raises(Refused, match="(?i)certificate"):
        account.shell(auth_url=f"{base}/v3")("token issue")


def test_the_address_without_a_version_leads_to_one(account, server):
    """OS_AUTH_URL without /v3: the version documents lead on (api-iam §4)."""
    for base in (server.endpoint, server.host("iam", REGION)):
        assert account.shell(auth_url=base)("token issue")["project_id"] == account.project


def test_the_command_itself(account):
    """The other tests run it inside this process; this one as a user does."""
    command = pathlib.Path(sys.executable).with_name("openstack")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    done = subprocess.run([command, "security", "group", "list", "-f", "json"], capture_output=True, text=True,
                          timeout=120, check=False, env={**clean, **account.environment()})
    assert done.returncode == 0, done.stderr
    assert [group["Name"] for group in json.loads(done.stdout)] == ["default"]
