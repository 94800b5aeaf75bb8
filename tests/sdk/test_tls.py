"""Over TLS, by the host names that the SDK makes of a region (api-iam §2)."""

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as v2
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import SslHandShakeException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.region.region import Region

from cloud import OTHER_REGION, REGION


def trusting(server):
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = server.ca_file
    return config


@pytest.mark.parametrize("region", [REGION, OTHER_REGION])
def test_a_region_is_found_and_used_over_tls(server, account, region):
    # No project: the SDK looks for one of the region's name, at the identity service's host.
    credentials = BasicCredentials(account.access, account.secret)
    credentials = credentials.with_iam_endpoint(server.host("iam", region, tls=True))
    client = account.client(v2.VpcClient, credentials, http_config=trusting(server),
                            region=Region(region, server.host("vpc", region, tls=True)))
    body = v2.CreateVpcRequestBody(vpc=v2.CreateVpcOption(name="over-tls", cidr="10.0.0.0/16"))
    vpc = client.create_vpc(v2.CreateVpcRequest(body=body)).vpc
    assert [vpc.id for vpc in client.list_vpcs(v2.ListVpcsRequest()).vpcs] == [vpc.id]
    # The plain listener is the same server.
    plain = account.client(v2.VpcClient, account.basic(region))
    assert plain.show_vpc(v2.ShowVpcRequest(vpc_id=vpc.id)).vpc.name == "over-tls"
    client.delete_vpc(v2.DeleteVpcRequest(vpc_id=vpc.id))


def test_a_global_service_is_found_over_tls(server, account):
    credentials = GlobalCredentials(account.access, account.secret)
    credentials = credentials.with_iam_endpoint(server.host("iam", tls=True))
    client = account.client(iam.IamClient, credentials, http_config=trusting(server),
                            region=Region(REGION, server.host("iam", tls=True)))
    assert client.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains[0].id == account.domain.id
    project = client.keystone_list_projects(iam.KeystoneListProjectsRequest(name=REGION)).projects[0]
    assert project.links._self.startswith(server.host("iam", tls=True) + "/v3/projects/")


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_who_does_not_trust_the_authority_is_told_nothing(server, account):
    client = account.client(v2.VpcClient, endpoint=server.tls_endpoint)
    with pytest.raises(SslHandShakeException):
        client.list_vpcs(v2.ListVpcsRequest())
    unchecked = HttpConfig.get_default_config()
    unchecked.ignore_ssl_verification = True
    client = account.client(v2.VpcClient, endpoint=server.tls_endpoint, http_config=unchecked)
    assert client.list_vpcs(v2.ListVpcsRequest()).vpcs == []
