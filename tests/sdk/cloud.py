"""A running server, its accounts, and the SDK's clients for them."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as vpc
import huaweicloudsdkvpc.v3 as vpc3
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

from server import OTHER_REGION, REGION, Server, names_resolved

__all__ = ["OTHER_REGION", "REGION", "Account", "Server", "named", "names_resolved", "operator"]


class Account:
    """An account with its keys, and clients that call as it."""

    def __init__(self, server, recorder, *, domain, user, password, access, secret, projects):
        self.server, self.recorder = server, recorder
        self.domain, self.user, self.password = domain, user, password
        self.access, self.secret = access, secret
        self.projects = projects
        self.project = projects[REGION]
        self.vpc = self.client(vpc.VpcClient)
        self.vpc3 = self.client(vpc3.VpcClient)
        self.iam = self.client(iam.IamClient, GlobalCredentials(access, secret, domain.id))

    def basic(self, region=REGION):
        """Credentials of this account's project in a region."""
        return BasicCredentials(self.access, self.secret, self.projects[region])

    def client(self, kind, credentials=None, endpoint=None, region=None, http_config=None):
        """A client that the recorder watches."""
        builder = kind.new_builder().with_credentials(credentials or self.basic())
        builder = builder.with_http_config(http_config) if http_config else builder
        builder = builder.with_region(region) if region else builder.with_endpoint(endpoint or self.server.endpoint)
        return self.recorder.watch(builder.build())

    def call(self, method, path, body=None):
        """A call that the SDK has no method for, signed by the SDK's signer."""
        text = "" if body is None else json.dumps(body)
        path, _, query = path.partition("?")
        request = SdkRequest(method=method, schema="http", host=self.server.endpoint.removeprefix("http://"),
                             resource_path=path, query_params=parse_qsl(query), body=text, stream=False,
                             header_params={"Content-Type": "application/json"})
        http = self.vpc.get_http_client()
        request = self.basic().process_auth_request(request, http).result()
        return json.loads(http.do_request_sync(request).content or "null")

    def create_account(self, name):
        """A new account; this one must be the operator's."""
        made = self.call("POST", "/causeway/v1/accounts", {"name": name})
        return Account(
            self.server, self.recorder,
            domain=named(made["account"]), user=named(made["user"]), password=made["user"]["password"],
            access=made["access_key"]["access"], secret=made["access_key"]["secret"],
            projects={project["name"]: project["id"] for project in made["projects"]})


def named(value):
    """An id and its name."""
    return SimpleNamespace(id=value["id"], name=value["name"])


def operator(server, recorder):
    """The account of `credentials.json`."""
    known = server.credentials
    return Account(
        server, recorder,
        domain=named(known["domain"]), user=named(known["user"]), password=known["password"],
        access=known["access_key"], secret=known["secret_key"],
        projects={project["region"]: project["id"] for project in known["projects"]})
