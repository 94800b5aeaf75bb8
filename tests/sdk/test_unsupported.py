"""Flow logs and traffic mirrors: served, and clearly refused (api-vpc §14 and §15)."""

import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3

from make import NOTHING, refused


def test_flow_logs(account):
    assert account.vpc.list_flow_logs(v2.ListFlowLogsRequest()).flow_logs == []
    option = v2.CreateFlowLogReq(resource_type="vpc", resource_id=NOTHING, traffic_type="all", log_group_id="g",
                                 log_topic_id="t")
    with refused(400, "VPC.2500", "flow logs are not supported"):
        account.vpc.create_flow_log(v2.CreateFlowLogRequest(v2.CreateFlowLogReqBody(option)))
    with refused(404, "VPC.2204", "not found"):
        account.vpc.show_flow_log(v2.ShowFlowLogRequest(NOTHING))
    with refused(404, "VPC.2204", "not found"):
        body = v2.UpdateFlowLogReqBody(v2.UpdateFlowLogReq(admin_state=False))
        account.vpc.update_flow_log(v2.UpdateFlowLogRequest(NOTHING, body))
    with refused(404, "VPC.2204", "not found"):
        account.vpc.delete_flow_log(v2.DeleteFlowLogRequest(NOTHING))


def test_traffic_mirrors(account):
    client = account.vpc3
    text = "traffic mirrors are not supported"
    assert client.list_traffic_mirror_filters(v3.ListTrafficMirrorFiltersRequest()).traffic_mirror_filters == []
    found = client.list_traffic_mirror_filter_rules(v3.ListTrafficMirrorFilterRulesRequest())
    assert found.traffic_mirror_filter_rules == []
    found = client.list_traffic_mirror_sessions(v3.ListTrafficMirrorSessionsRequest())
    assert (found.traffic_mirror_sessions, found.page_info.current_count) == ([], 0)
    options = {
        "filter": v3.CreateTrafficMirrorFilterOption(name="f"),
        "filter_rule": v3.CreateTrafficMirrorFilterRuleOption(
            traffic_mirror_filter_id=NOTHING, direction="ingress", protocol="TCP", ethertype="IPv4", action="accept",
            priority=1),
        "session": v3.CreateTrafficMirrorSessionOption(
            name="s", traffic_mirror_filter_id=NOTHING, traffic_mirror_sources=[NOTHING],
            traffic_mirror_target_id=NOTHING, traffic_mirror_target_type="eni", priority=1),
    }
    updates = {
        "filter": v3.UpdateTrafficMirrorFilterOption(name="g"),
        "filter_rule": v3.UpdateTrafficMirrorFilterRuleOption(priority=2),
        "session": v3.UpdateTrafficMirrorSessionOption(name="t"),
    }
    for kind, option in options.items():
        name, camel = f"traffic_mirror_{kind}", "TrafficMirror" + "".join(part.capitalize() for part in kind.split("_"))

        def request(verb, **fields):
            return getattr(v3, f"{verb}{camel}Request")(**fields)

        def body(verb, value):
            return getattr(v3, f"{verb}{camel}RequestBody")(**{name: value})

        with refused(400, "VPC.2500", text):
            getattr(client, f"create_{name}")(request("Create", body=body("Create", option)))
        with refused(404, "VPC.2204", text):
            getattr(client, f"show_{name}")(request("Show", **{f"{name}_id": NOTHING}))
        with refused(404, "VPC.2204", text):
            changed = body("Update", updates[kind])
            getattr(client, f"update_{name}")(request("Update", **{f"{name}_id": NOTHING}, body=changed))
        with refused(404, "VPC.2204", text):
            getattr(client, f"delete_{name}")(request("Delete", **{f"{name}_id": NOTHING}))
    sources = v3.TrafficMirrorSourcesOption([NOTHING])
    with refused(404, "VPC.2204", text):
        body = v3.AddSourcesToTrafficMirrorSessionRequestBody(sources)
        client.add_sources_to_traffic_mirror_session(v3.AddSourcesToTrafficMirrorSessionRequest(NOTHING, body))
    with refused(404, "VPC.2204", text):
        body = v3.RemoveSourcesFromTrafficMirrorSessionRequestBody(sources)
        client.remove_sources_from_traffic_mirror_session(
            v3.RemoveSourcesFromTrafficMirrorSessionRequest(NOTHING, body))
