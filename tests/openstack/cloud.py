"""Accounts, and the clients that call as them."""

import contextlib

import openstack
import requests
from otcextensions import sdk

from server import REGION
from shell import Shell, pristine


class Account:
    """An account: the `openstack` command and the SDK below it, in one of its projects."""

    def __init__(self, server, recorder, *, domain, user, password, projects):
        self.server, self._recorder = server, recorder
        self.domain, self.user, self.password, self.projects = domain, user, password, projects
        self.project = projects[REGION]
        self.run = Shell(recorder, self.environment())

    def environment(self, auth_url=None, region=REGION, **others):
        """What a user exports."""
        return {
            "OS_AUTH_URL": auth_url or f"{self.server.endpoint}/v3",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": self.user,
            "OS_PASSWORD": self.password,
            "OS_USER_DOMAIN_NAME": self.domain,
            "OS_PROJECT_DOMAIN_NAME": self.domain,
            "OS_PROJECT_NAME": region,
            "OS_REGION_NAME": region,
            **others,
        }

    def shell(self, **others):
        """The command with other settings."""
        return Shell(self._recorder, self.environment(**others))

    def service(self, name):
        """A service of the SDK, for what the command has no words for."""
        with pristine():
            connection = openstack.connect(
                auth_url=f"{self.server.endpoint}/v3", username=self.user, password=self.password,
                user_domain_name=self.domain, project_domain_name=self.domain, project_name=REGION,
                region_name=REGION, load_envvars=False, load_yaml_config=False)
            sdk.register_single_service(connection, "vpc")
            return getattr(connection, name)

    def create_account(self, name):
        """A new account; this one must be the operator's."""
        login = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": self.user, "password": self.password, "domain": {"name": self.domain}}}}}}
        answer = requests.post(f"{self.server.endpoint}/v3/auth/tokens", json=login, timeout=10)
        token = answer.headers["X-Subject-Token"]
        answer = requests.post(f"{self.server.endpoint}/causeway/v1/accounts", json={"name": name},
                               headers={"X-Auth-Token": token}, timeout=10)
        answer.raise_for_status()
        made = answer.json()
        return Account(
            self.server, self._recorder,
            domain=made["account"]["name"], user=made["user"]["name"], password=made["user"]["password"],
            projects={project["name"]: project["id"] for project in made["projects"]})


def operator(server, recorder):
    """The account of `credentials.json`."""
    known = server.credentials
    return Account(
        server, recorder,
        domain=known["domain"]["name"], user=known["user"]["name"], password=known["password"],
        projects={project["region"]: project["id"] for project in known["projects"]})


class Sdk:
    """A service of the SDK whose calls the recorder sees."""

    def __init__(self, recorder, service, name):
        self._recorder, self._service, self._name = recorder, service, name

    def __getattr__(self, method):
        call = getattr(self._service, method)

        def recorded(*arguments, **named):
            with self._recorder.watch(f"{self._name}.{method}"):
                result = call(*arguments, **named)
                # A list asks when it is read.
                return list(result) if hasattr(result, "__next__") else result

        return recorded


@contextlib.contextmanager
def two_vpcs(account, names=("a", "b"), ranges=("10.1.0.0/16", "10.2.0.0/16")):
    """Two VPCs of an account, made by the SDK; what is left of them goes at the end."""
    vpc = account.service("vpc")
    made = [vpc.create_vpc(name=name, cidr=cidr) for name, cidr in zip(names, ranges)]
    try:
        yield made
    finally:
        for peering in vpc.peerings():
            vpc.delete_peering(peering)
        for one in made:
            vpc.delete_vpc(one.id)
