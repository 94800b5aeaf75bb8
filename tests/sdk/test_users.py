"""Users, their access keys and policies, and what policies keep a user from (api-iam §6, §9)."""

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials

import make
from cloud import OTHER_REGION, REGION
from make import NOTHING, refused

PASSWORD = "Secret-1"
NOBODY = NOTHING.replace("-", "")


def make_user(account, name, **fields):
    option = iam.KeystoneCreateUserOption(name=name, password=PASSWORD, **fields)
    return account.iam.keystone_create_user(
        iam.KeystoneCreateUserRequest(iam.KeystoneCreateUserRequestBody(option))).user


def make_key(client, user_id, **fields):
    option = iam.CreateCredentialOption(user_id=user_id, **fields)
    return client.create_permanent_access_key(
        iam.CreatePermanentAccessKeyRequest(iam.CreatePermanentAccessKeyRequestBody(option))).credential


class User:
    """A user with a key, and clients that call as it."""

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.id = make_user(account, name).id
        key = make_key(account.iam, self.id)
        self.access, self.secret = key.access, key.secret
        self.vpc = self.client(v2.VpcClient)
        self.vpc3 = self.client(v3.VpcClient)
        self.iam = account.client(iam.IamClient, GlobalCredentials(self.access, self.secret, account.domain.id))

    def client(self, kind, region=REGION):
        project = self.account.projects[region]
        return self.account.client(kind, BasicCredentials(self.access, self.secret, project))

    def attach(self, policy, region=None):
        body = {"policy_id": policy}
        if region:
            body["project_id"] = self.account.projects[region]
        return self.account.call("POST", f"/causeway/v1/users/{self.id}/policies", body)["policies"]


def builtin(account, name):
    """The id of a ready-made policy."""
    found = account.iam.keystone_list_permissions(iam.KeystoneListPermissionsRequest(display_name=name))
    [only] = found.roles
    return only.id


def make_policy(account, name, *statements):
    policy = iam.ServicePolicyRoleOption(
        display_name=name, type="AX", description="of a test",
        policy=iam.ServicePolicy(version="1.1", statement=list(statements)))
    return account.iam.create_cloud_service_custom_policy(iam.CreateCloudServiceCustomPolicyRequest(
        iam.CreateCloudServiceCustomPolicyRequestBody(policy))).role


def statement(effect, *actions, **fields):
    return iam.ServiceStatement(effect=effect, action=list(actions), **fields)


def test_a_user_from_its_making_to_its_end(account, other):
    made = make_user(account, "ann", description="d", enabled=True, domain_id=account.domain.id)
    assert (made.name, made.description, made.enabled, made.domain_id) == ("ann", "d", True, account.domain.id)
    assert made.links._self.endswith(f"/v3/users/{made.id}")
    shown = account.iam.keystone_show_user(iam.KeystoneShowUserRequest(made.id)).user
    assert (shown.id, shown.name, shown.pwd_status) == (made.id, "ann", False)
    full = account.iam.show_user(iam.ShowUserRequest(made.id)).user
    assert (full.is_domain_owner, full.description) == (False, "d")
    [found] = account.iam.keystone_list_users(iam.KeystoneListUsersRequest(name="ann")).users
    assert found.id == made.id

    option = iam.KeystoneUpdateUserOption(name="eve", enabled=False, description="")
    changed = account.iam.keystone_update_user_by_admin(iam.KeystoneUpdateUserByAdminRequest(
        made.id, iam.KeystoneUpdateUserByAdminRequestBody(option))).user
    assert (changed.name, changed.enabled, changed.description) == ("eve", False, "")

    with refused(404, 404, made.id):
        other.iam.keystone_show_user(iam.KeystoneShowUserRequest(made.id))
    with refused(404, 404):
        other.iam.keystone_delete_user(iam.KeystoneDeleteUserRequest(made.id))
    assert account.iam.keystone_delete_user(iam.KeystoneDeleteUserRequest(made.id)).status_code == 204
    with refused(404, 404, made.id):
        account.iam.keystone_show_user(iam.KeystoneShowUserRequest(made.id))


def test_a_user_in_the_services_own_form(account):
    option = iam.CreateUserOption(name="bob", domain_id=account.domain.id, password=PASSWORD, enabled=True)
    made = account.iam.create_user(iam.CreateUserRequest(iam.CreateUserRequestBody(option))).user
    assert (made.name, made.is_domain_owner, made.enabled) == ("bob", False, True)
    with refused(400, "1109", "bob"):
        account.iam.create_user(iam.CreateUserRequest(iam.CreateUserRequestBody(option)))

    def update(**fields):
        body = iam.UpdateUserRequestBody(iam.UpdateUserOption(**fields))
        return account.iam.update_user(iam.UpdateUserRequest(made.id, body)).user

    changed = update(name="rob", description="off for now", enabled=False)
    assert (changed.id, changed.name, changed.description, changed.enabled) == (made.id, "rob", "off for now", False)
    assert account.iam.show_user(iam.ShowUserRequest(made.id)).user.name == "rob"
    with refused(400, "1118", "too weak"):
        update(password="secret")
    option = iam.CreateUserOption(name="weak", domain_id=account.domain.id, password="secret")
    with refused(400, "1118", "too weak"):
        account.iam.create_user(iam.CreateUserRequest(iam.CreateUserRequestBody(option)))


def test_a_user_changes_its_own_password(account):
    ann = User(account, "ann")

    def change(old, new):
        option = iam.KeystoneUpdatePasswordOption(password=new, original_password=old)
        return ann.iam.keystone_update_user_password(iam.KeystoneUpdateUserPasswordRequest(
            ann.id, iam.KeystoneUpdateUserPasswordRequestBody(option)))

    with refused(400, 400, "original password is wrong"):
        change("nonsense", "Secret-2")
    assert change(PASSWORD, "Secret-2").status_code == 204
    with refused(400, 400, "original password is wrong"):
        change(PASSWORD, "Secret-3")


def test_a_new_user_sees_itself_and_nothing_else(account):
    ann, bob = User(account, "ann"), User(account, "bob")
    assert [user.id for user in ann.iam.keystone_list_users(iam.KeystoneListUsersRequest()).users] == [ann.id]
    assert ann.iam.keystone_show_user(iam.KeystoneShowUserRequest(ann.id)).user.name == "ann"
    with refused(403, 403, "iam:users:getUser"):
        ann.iam.keystone_show_user(iam.KeystoneShowUserRequest(bob.id))
    with refused(403, "VPC.2201", "Policy doesn't allow vpc:vpcs:list to be performed"):
        ann.vpc.list_vpcs(v2.ListVpcsRequest())
    with refused(403, "VPC.2201", "vpc:vpcs:list"):
        ann.vpc3.list_vpcs(v3.ListVpcsRequest())
    with refused(403, "403", "vpc:peerings:get"):
        ann.vpc.list_vpc_peerings(v2.ListVpcPeeringsRequest())
    with refused(403, "IAM.0003", "iam:credentials:createCredential"):
        make_key(ann.iam, bob.id)
    assert make_key(ann.iam, ann.id, description="mine").description == "mine"


@pytest.mark.parametrize("name, writes", [("VPC ReadOnlyAccess", False), ("VPC FullAccess", True)])
def test_ready_made_policies(account, name, writes):
    ann = User(account, "ann")
    [attached] = ann.attach(builtin(account, name))
    assert (attached["name"], attached["builtin"], attached["project_id"]) == (name, True, None)
    made = make.vpc(account)
    assert ann.vpc.show_vpc(v2.ShowVpcRequest(made.id)).vpc.id == made.id
    option = v2.CreateVpcOption(name="new", cidr="10.1.0.0/16")
    request = v2.CreateVpcRequest(v2.CreateVpcRequestBody(option))
    if writes:
        assert ann.vpc.create_vpc(request).vpc.name == "new"
    else:
        with refused(403, "VPC.2201", "vpc:vpcs:create"):
            ann.vpc.create_vpc(request)
        with refused(403, "VPC.2201", "vpc:vpcs:delete"):
            ann.vpc.delete_vpc(v2.DeleteVpcRequest(made.id))
        assert ann.vpc.show_vpc(v2.ShowVpcRequest(made.id)).vpc.id == made.id


def test_a_policy_for_one_project(account):
    ann = User(account, "ann")
    ann.attach(builtin(account, "VPC FullAccess"), OTHER_REGION)
    assert ann.client(v2.VpcClient, OTHER_REGION).list_vpcs(v2.ListVpcsRequest()).vpcs == []
    with refused(403, "VPC.2201"):
        ann.vpc.list_vpcs(v2.ListVpcsRequest())


def test_a_custom_policy_denies_and_allows(account):
    ann = User(account, "ann")
    kept, free = make.vpc(account, "kept", "10.1.0.0/16"), make.vpc(account, "free", "10.2.0.0/16")
    role = make_policy(
        account, "all but one",
        statement("Allow", "vpc:*:*"),
        statement("Deny", "vpc:vpcs:delete", resource=[f"vpc:*:*:vpc:{kept.id}"],
                  condition={"StringEquals": {"g:UserName": ["ann"]}}))
    assert (role.display_name, role.type, role.catalog) == ("all but one", "AX", "CUSTOMED")
    assert role.policy.statement[1].resource == [f"vpc:*:*:vpc:{kept.id}"]
    ann.attach(role.id)
    with refused(403, "VPC.2201", "vpc:vpcs:delete"):
        ann.vpc.delete_vpc(v2.DeleteVpcRequest(kept.id))
    assert ann.vpc.delete_vpc(v2.DeleteVpcRequest(free.id)).status_code == 204

    [listed] = account.iam.list_custom_policies(iam.ListCustomPoliciesRequest()).roles
    assert listed.id == role.id
    shown = account.iam.show_custom_policy(iam.ShowCustomPolicyRequest(role.id)).role
    assert shown.description == "of a test"
    change = iam.ServicePolicyRoleOption(
        display_name="less", type="AX", description="",
        policy=iam.ServicePolicy(version="1.1", statement=[statement("Allow", "vpc:*:get")]))
    changed = account.iam.update_cloud_service_custom_policy(iam.UpdateCloudServiceCustomPolicyRequest(
        role.id, iam.UpdateCloudServiceCustomPolicyRequestBody(change))).role
    assert changed.display_name == "less"
    with refused(403, "VPC.2201", "vpc:vpcs:list"):
        ann.vpc.list_vpcs(v2.ListVpcsRequest())
    with refused(409, "IAM.0005", "ann"):
        account.iam.delete_custom_policy(iam.DeleteCustomPolicyRequest(role.id))
    account.call("DELETE", f"/causeway/v1/users/{ann.id}/policies/{role.id}")
    assert account.iam.delete_custom_policy(iam.DeleteCustomPolicyRequest(role.id)).status_code == 200
    with refused(404, "IAM.0004"):
        account.iam.show_custom_policy(iam.ShowCustomPolicyRequest(role.id))


@pytest.mark.parametrize("bad, code", [
    (statement("Maybe", "vpc:*:*"), "IAM.1029"),
    (statement("Allow"), "IAM.1033"),
    (statement("Allow", "vpc"), "IAM.1035"),
    (statement("Allow", "vpc:vpcs:lst"), "IAM.1036"),
    (statement("Allow", "vpc:*:*", resource=["x"] * 11), "IAM.1040"),
    (statement("Allow", "vpc:*:*", condition={"Like": {"g:UserName": ["x"]}}), "IAM.0073"),
])
def test_policies_that_are_not_well_formed(account, bad, code):
    with refused(400, code, "Statement" if code != "IAM.1036" else "there is no action"):
        make_policy(account, "bad", bad)


def test_an_access_key_is_turned_off_and_on(account):
    ann = User(account, "ann")
    ann.attach(builtin(account, "VPC ReadOnlyAccess"))

    def turn(status):
        option = iam.UpdateCredentialOption(status=status, description="turned")
        return account.iam.update_permanent_access_key(iam.UpdatePermanentAccessKeyRequest(
            ann.access, iam.UpdatePermanentAccessKeyRequestBody(option))).credential

    assert (turn("inactive").status, turn("inactive").description) == ("inactive", "turned")
    with refused(401, "APIGW.0301", f"ak {ann.access} is inactive"):
        ann.vpc.list_vpcs(v2.ListVpcsRequest())
    shown = account.iam.show_permanent_access_key(iam.ShowPermanentAccessKeyRequest(ann.access)).credential
    assert (shown.status, shown.user_id) == ("inactive", ann.id)
    turn("active")
    assert ann.vpc.list_vpcs(v2.ListVpcsRequest()).vpcs == []


def test_a_temporary_access_key(account):
    """api-iam §5.3: signed with like another, with its security token."""
    user = iam.PwdPasswordUser(
        domain=iam.PwdPasswordUserDomain(account.domain.name), name=account.user.name, password=account.password)
    login = iam.PwdAuth(identity=iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user)))
    token = account.iam.keystone_create_user_token_by_password(iam.KeystoneCreateUserTokenByPasswordRequest(
        body=iam.KeystoneCreateUserTokenByPasswordRequestBody(login))).x_subject_token
    identity = iam.TokenAuthIdentity(methods=["token"], token=iam.IdentityToken(id=token, duration_seconds=900))
    made = account.iam.create_temporary_access_key_by_token(iam.CreateTemporaryAccessKeyByTokenRequest(
        iam.CreateTemporaryAccessKeyByTokenRequestBody(iam.TokenAuth(identity)))).credential
    credentials = BasicCredentials(made.access, made.secret, account.project)
    with refused(401, "APIGW.0301", "X-Security-Token is missing"):
        account.client(v2.VpcClient, credentials).list_vpcs(v2.ListVpcsRequest())
    credentials = BasicCredentials(made.access, made.secret, account.project).with_security_token(made.securitytoken)
    assert account.client(v2.VpcClient, credentials).list_vpcs(v2.ListVpcsRequest()).vpcs == []


def test_roles_services_and_endpoints(account):
    roles = account.iam.keystone_list_permissions(iam.KeystoneListPermissionsRequest())
    names = {role.display_name for role in roles.roles}
    assert {"Tenant Administrator", "VPC FullAccess", "VPC ReadOnlyAccess", "ReadOnlyAccess"} <= names
    assert roles.total_number == len(roles.roles)
    one = account.iam.keystone_show_permission(iam.KeystoneShowPermissionRequest(roles.roles[0].id)).role
    assert one.policy.version == "1.1"
    [service] = account.iam.keystone_list_services(iam.KeystoneListServicesRequest(type="vpc")).services
    found = account.iam.keystone_list_endpoints(iam.KeystoneListEndpointsRequest(service_id=service.id))
    assert {endpoint.region_id for endpoint in found.endpoints} == {REGION, OTHER_REGION}
    assert account.iam.keystone_show_service(iam.KeystoneShowServiceRequest(service.id)).service.name == "vpc"
    endpoint = found.endpoints[0]
    assert account.iam.keystone_show_endpoint(
        iam.KeystoneShowEndpointRequest(endpoint.id)).endpoint.url == endpoint.url
