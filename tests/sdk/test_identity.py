"""What a client needs before its first network call: projects, domains, tokens, access keys (api-iam)."""

import datetime

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.region.region import Region

import make
from cloud import OTHER_REGION, REGION
from make import NOTHING, refused


@pytest.fixture(autouse=True)
def nothing_remembered():
    """The SDK remembers projects and domains of access keys for the process."""
    BasicCredentials._CACHE.clear()


def password_auth(account, project=None, domain=None, password=None):
    user = iam.PwdPasswordUser(
        domain=iam.PwdPasswordUserDomain(account.domain.name), name=account.user.name,
        password=password or account.password)
    identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user))
    return iam.PwdAuth(identity=identity, scope=iam.AuthScope(project=project, domain=domain))


def token_of(account, nocatalog=None, **scope):
    body = iam.KeystoneCreateUserTokenByPasswordRequestBody(password_auth(account, **scope))
    return account.iam.keystone_create_user_token_by_password(
        iam.KeystoneCreateUserTokenByPasswordRequest(nocatalog=nocatalog, body=body))


def with_token(client, token):
    """The SDK has no credentials for tokens: a program presets the header."""
    client.preset_headers["X-Auth-Token"] = token
    return client


def test_a_project_is_found_by_its_region(server, account):
    """clients §4.1: `with_region` and `with_iam_endpoint` ask IAM for the project that has the region's name."""
    for region in (REGION, OTHER_REGION):
        credentials = BasicCredentials(account.access, account.secret).with_iam_endpoint(server.host("iam", region))
        client = account.client(v2.VpcClient, credentials, region=Region(region, server.host("vpc", region)))
        assert credentials.project_id == account.projects[region]
        option = v2.CreateVpcOption(name=f"vpc-{region}", cidr="10.0.0.0/16")
        made = client.create_vpc(v2.CreateVpcRequest(v2.CreateVpcRequestBody(option))).vpc
        assert made.tenant_id == account.projects[region]
        [only] = client.list_vpcs(v2.ListVpcsRequest()).vpcs
        assert only.id == made.id


def test_a_region_that_is_not_there_is_said_so(server, account):
    credentials = BasicCredentials(account.access, account.secret).with_iam_endpoint(server.endpoint)
    with pytest.raises(SdkException) as caught:
        account.client(v2.VpcClient, credentials, region=Region("region-9", server.endpoint))
    assert "region-9" in caught.value.error_msg and "X-IAM-Trace-Id=None" not in caught.value.error_msg


def test_the_environment_can_name_the_endpoints(server, account, monkeypatch):
    monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", server.endpoint)
    credentials = BasicCredentials(account.access, account.secret)
    account.client(v2.VpcClient, credentials, region=Region(REGION, server.endpoint))
    assert credentials.project_id == account.project


def test_a_domain_is_found_by_itself(server, account):
    credentials = GlobalCredentials(account.access, account.secret).with_iam_endpoint(server.host("iam"))
    client = account.client(iam.IamClient, credentials, region=Region(REGION, server.host("iam")))
    assert credentials.domain_id == account.domain.id
    [domain] = client.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains
    assert (domain.id, domain.name, domain.enabled) == (account.domain.id, account.domain.name, True)


def test_the_derived_signature_works(server, account):
    """api-iam §3.9: what the SDK's own predicate switches on for hosts that are not the vendor's."""
    credentials = account.basic().with_derived_predicate(BasicCredentials.get_default_derived_predicate())
    # The VPC client names no service for it, as clients of other services do.
    credentials._process_derived_auth_params("vpc", REGION)
    client = account.client(v2.VpcClient, credentials, region=Region(REGION, server.endpoint))
    assert client.list_vpcs(v2.ListVpcsRequest()).vpcs == []


def test_projects(account, other):
    listed = account.iam.keystone_list_projects(iam.KeystoneListProjectsRequest())
    assert {project.name: project.id for project in listed.projects} == account.projects
    assert {project.domain_id for project in listed.projects} == {account.domain.id}
    # The pager follows `next` as long as there is one.
    assert listed.links.next is None
    [one] = account.iam.keystone_list_projects(iam.KeystoneListProjectsRequest(name=REGION)).projects
    assert (one.id, one.enabled, one.is_domain, one.parent_id) == (account.project, True, False, account.domain.id)
    assert account.iam.keystone_list_projects(iam.KeystoneListProjectsRequest(name="region-9")).projects == []
    own = account.iam.keystone_list_auth_projects(iam.KeystoneListAuthProjectsRequest()).projects
    assert {project.id for project in own} == set(account.projects.values())
    of_user = account.iam.keystone_list_projects_for_user(iam.KeystoneListProjectsForUserRequest(account.user.id))
    assert {project.id for project in of_user.projects} == set(account.projects.values())
    shown = account.iam.keystone_show_project(iam.KeystoneShowProjectRequest(account.project)).project
    assert shown.name == REGION
    with refused(404, 404, "project"):
        account.iam.keystone_show_project(iam.KeystoneShowProjectRequest(other.project))
    with refused(404, 404, "user"):
        account.iam.keystone_list_projects_for_user(iam.KeystoneListProjectsForUserRequest(other.user.id))


def test_users_and_regions(account):
    [user] = account.iam.keystone_list_users(iam.KeystoneListUsersRequest(name=account.user.name)).users
    assert (user.id, user.domain_id, user.enabled) == (account.user.id, account.domain.id, True)
    assert account.iam.keystone_list_users(iam.KeystoneListUsersRequest(name="nobody")).users == []
    regions = account.iam.keystone_list_regions(iam.KeystoneListRegionsRequest()).regions
    assert {region.id for region in regions} == {REGION, OTHER_REGION}
    assert {region.type for region in regions} == {"public"}


def test_versions(server, account):
    shown = account.iam.keystone_show_version(iam.KeystoneShowVersionRequest()).version
    assert shown.id.startswith("v3") and shown.status == "stable"
    # One listener: whose list of versions it is, the host name says.
    client = account.client(
        iam.IamClient, GlobalCredentials(account.access, account.secret, account.domain.id), server.host("iam", REGION))
    listed = client.keystone_list_versions(iam.KeystoneListVersionsRequest())
    assert listed.status_code == 300
    [version] = listed.versions.values
    # The link goes where the client came from.
    assert version.links[0].href == server.host("iam", REGION) + "/v3/"
    network = account.client(v2.VpcClient, endpoint=server.host("vpc", REGION))
    versions = network.list_api_version(v2.ListApiVersionRequest()).versions
    assert {version.id for version in versions} == {"v1", "v2.0", "v3"}
    assert account.vpc.list_api_version(v2.ListApiVersionRequest()).versions


def test_a_token_of_a_project(account):
    made = token_of(account, project=iam.AuthScopeProject(name=REGION))
    assert made.status_code == 201 and made.x_subject_token
    token = made.token
    assert (token.project.id, token.project.name, token.project.domain.id) == (
        account.project, REGION, account.domain.id)
    assert (token.user.id, token.user.domain.name, token.methods) == (
        account.user.id, account.domain.name, ["password"])
    assert token.domain is None and token.roles
    issued, expires = (datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
                       for text in (token.issued_at, token.expires_at))
    assert datetime.timedelta(hours=23, minutes=59) < expires - issued <= datetime.timedelta(hours=24)
    assert {entry.type for entry in token.catalog} >= {"identity", "vpc"}
    assert token_of(account, nocatalog="1", project=iam.AuthScopeProject(id=account.project)).token.catalog == []

    # The network API takes it instead of a signature.
    client = with_token(account.client(v2.VpcClient), made.x_subject_token)
    assert client.list_vpcs(v2.ListVpcsRequest()).vpcs == []
    elsewhere = with_token(account.client(v2.VpcClient, account.basic(OTHER_REGION)), made.x_subject_token)
    with refused(400, "VPC.0007", "urlTenantId is not equal tokenTenantId"):
        elsewhere.list_vpcs(v2.ListVpcsRequest())

    catalog = with_token(account.client(iam.IamClient, GlobalCredentials(
        account.access, account.secret, account.domain.id)), made.x_subject_token)
    entries = catalog.keystone_show_catalog(iam.KeystoneShowCatalogRequest()).catalog
    assert {entry.type for entry in entries} == {entry.type for entry in token.catalog}
    for entry in entries:
        # Of a global service there is one for every region, and one more for each region of the scope.
        regions = [endpoint.region_id for endpoint in entry.endpoints]
        assert regions in ([REGION], ["*", REGION]), (entry.type, regions)
        for endpoint in entry.endpoints:
            assert endpoint.url.startswith(account.server.endpoint) and endpoint.interface == "public"
    assert {entry.type for entry in entries if len(entry.endpoints) == 2} >= {"identity"}

    seen = account.iam.keystone_validate_token(iam.KeystoneValidateTokenRequest(x_subject_token=made.x_subject_token))
    assert seen.token.expires_at == token.expires_at and seen.x_subject_token == made.x_subject_token


def test_a_token_of_a_domain_is_not_enough_for_the_network(account):
    made = token_of(account, domain=iam.AuthScopeDomain(name=account.domain.name))
    assert made.token.domain.id == account.domain.id and made.token.project is None
    client = with_token(account.client(v2.VpcClient), made.x_subject_token)
    with refused(400, "VPC.0007"):
        client.list_vpcs(v2.ListVpcsRequest())
    client = with_token(account.client(iam.IamClient, GlobalCredentials(
        account.access, account.secret, account.domain.id)), made.x_subject_token)
    assert len(client.keystone_list_projects(iam.KeystoneListProjectsRequest()).projects) == 2


def test_a_token_for_another_scope(account):
    first = token_of(account, domain=iam.AuthScopeDomain(id=account.domain.id))
    identity = iam.ScopedTokenIdentity(methods=["token"], token=iam.ScopedToken(first.x_subject_token))
    scope = iam.TokenSocpeOption(project=iam.ScopeProjectOption(id=account.project))
    body = iam.KeystoneCreateScopedTokenRequestBody(iam.ScopedTokenAuth(identity=identity, scope=scope))
    made = account.iam.keystone_create_scoped_token(iam.KeystoneCreateScopedTokenRequest(body))
    assert made.status_code == 201
    assert (made.token.project.id, made.token.methods) == (account.project, ["token"])
    client = with_token(account.client(v2.VpcClient), made.x_subject_token)
    assert client.list_vpcs(v2.ListVpcsRequest()).vpcs == []


def test_logins_that_fail(account, other):
    with refused(401, 401, "The username or password is wrong."):
        token_of(account, password="wrong")
    with refused(401, 401):
        token_of(account, project=iam.AuthScopeProject(id=other.project))
    with refused(401, 401):
        token_of(account, domain=iam.AuthScopeDomain(id=other.domain.id))
    with refused(404, 404, "X-Subject-Token is invalid"):
        account.iam.keystone_validate_token(iam.KeystoneValidateTokenRequest(x_subject_token="no such token"))
    with refused(401, "APIGW.0301", "token"):
        with_token(account.client(v2.VpcClient), "no such token").list_vpcs(v2.ListVpcsRequest())


def test_access_keys(server, account, other):
    def listed():
        found = account.iam.list_permanent_access_keys(iam.ListPermanentAccessKeysRequest(user_id=account.user.id))
        return {key.access for key in found.credentials}

    assert listed() == {account.access}
    option = iam.CreateCredentialOption(user_id=account.user.id, description="second")
    made = account.iam.create_permanent_access_key(
        iam.CreatePermanentAccessKeyRequest(iam.CreatePermanentAccessKeyRequestBody(option)))
    assert made.status_code == 201
    key = made.credential
    assert (len(key.access), len(key.secret), key.user_id, key.status) == (20, 40, account.user.id, "active")
    assert listed() == {account.access, key.access}

    client = account.client(v2.VpcClient, BasicCredentials(key.access, key.secret, account.project))
    assert client.list_vpcs(v2.ListVpcsRequest()).vpcs == []
    # Two are the most that a user has.
    with refused(409, "IAM.0005"):
        account.iam.create_permanent_access_key(
            iam.CreatePermanentAccessKeyRequest(iam.CreatePermanentAccessKeyRequestBody(option)))
    with refused(404, "IAM.0004"):
        other.iam.delete_permanent_access_key(iam.DeletePermanentAccessKeyRequest(key.access))
    gone = account.iam.delete_permanent_access_key(iam.DeletePermanentAccessKeyRequest(key.access))
    assert gone.status_code == 204
    with refused(401, "APIGW.0301", key.access):
        client.list_vpcs(v2.ListVpcsRequest())
    with refused(404, "IAM.0004"):
        account.iam.delete_permanent_access_key(iam.DeletePermanentAccessKeyRequest(key.access))


def test_signatures_that_are_wrong(server, account, other):
    def client(access=None, secret=None, project=None):
        return account.client(v2.VpcClient, BasicCredentials(
            access or account.access, secret or account.secret, project or account.project))

    # The server shows what it has signed: a client's author compares.
    with refused(401, "APIGW.0301", "verify aksk signature fail, canonicalRequest:GET|"):
        client(secret="wrong").list_vpcs(v2.ListVpcsRequest())
    with refused(401, "APIGW.0301", "ak NOSUCHACCESSKEY not exist"):
        client(access="NOSUCHACCESSKEY").list_vpcs(v2.ListVpcsRequest())
    with refused(400, "VPC.0007", "urlTenantId is not equal tokenTenantId"):
        client(project=other.project).list_vpcs(v2.ListVpcsRequest())
    with refused(400, "400", "urlTenantId is not equal tokenTenantId"):
        client(project=other.project).list_vpc_peerings(v2.ListVpcPeeringsRequest())
    with refused(400, "VPC.0007"):
        client(project=NOTHING).list_vpcs(v2.ListVpcsRequest())
    credentials = account.basic().with_security_token("not one of this key")
    with refused(401, "APIGW.0301"):
        account.client(v2.VpcClient, credentials).list_vpcs(v2.ListVpcsRequest())


def test_what_the_server_does_not_have_is_said_so(account):
    with refused(404, "APIGW.0101", "does not exist"):
        account.vpc3.list_clouddcn_subnets(v3.ListClouddcnSubnetsRequest())


def test_one_account_does_not_see_another(account, other):
    vpc = make.vpc(account)
    subnet = make.subnet(account, vpc.id)
    port = make.port(account, subnet.id)
    group = make.group(account)
    table = make.default_table(account, vpc.id)
    for call, request, code in [
        (other.vpc.show_vpc, v2.ShowVpcRequest(vpc.id), "VPC.0003"),
        (other.vpc.delete_vpc, v2.DeleteVpcRequest(vpc.id), "VPC.0003"),
        (other.vpc.show_subnet, v2.ShowSubnetRequest(subnet.id), "VPC.0202"),
        (other.vpc.delete_subnet, v2.DeleteSubnetRequest(vpc.id, subnet.id), "VPC.0202"),
        (other.vpc.show_port, v2.ShowPortRequest(port.id), "VPC.2502"),
        (other.vpc.delete_port, v2.DeletePortRequest(port.id), "VPC.2502"),
        (other.vpc.show_security_group, v2.ShowSecurityGroupRequest(group.id), "VPC.0603"),
        (other.vpc.delete_security_group, v2.DeleteSecurityGroupRequest(group.id), "VPC.0603"),
        (other.vpc.show_route_table, v2.ShowRouteTableRequest(table.id), "VPC.2808"),
    ]:
        with refused(404, code):
            call(request)
    assert other.vpc.list_vpcs(v2.ListVpcsRequest()).vpcs == []
    assert other.vpc.list_ports(v2.ListPortsRequest()).ports == []
