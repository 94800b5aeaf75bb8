"""What this product does not have says so, in a way that ends the provider's run with a sentence (clients 3.10)."""

import json

import pytest

from scene import NOTHING

FLOW_LOG = {"flow_log": {"name": "flow_log", "resource_type": "vpc", "resource_id": NOTHING, "traffic_type": "all",
                         "log_group_id": NOTHING, "log_topic_id": NOTHING}}
MIRROR_FILTER = {"traffic_mirror_filter": {"name": "filter"}}
MIRROR_SESSION = {"traffic_mirror_session": {"name": "session", "traffic_mirror_filter_id": NOTHING,
                                             "traffic_mirror_sources": [NOTHING], "traffic_mirror_target_id": NOTHING,
                                             "traffic_mirror_target_type": "eni", "priority": 1}}


@pytest.mark.parametrize("family, path, body", [
    ("v1", "fl/flow_logs", FLOW_LOG),
    ("v3", "vpc/traffic-mirror-filters", MIRROR_FILTER),
    ("v3", "vpc/traffic-mirror-sessions", MIRROR_SESSION),
])
def test_creating_is_refused_with_the_reason(tf, family, path, body):
    answer = tf.send("POST", getattr(tf, family)(path), body)
    # Not 404: an API that is not there would tell the user nothing.
    assert 400 <= answer.status < 500 and answer.status != 404, answer.text
    said = json.loads(answer.text)
    message = said.get("message") or said.get("error_msg")
    assert "not" in message and ("support" in message or "available" in message), message


@pytest.mark.parametrize("family, path, key", [
    ("v1", "fl/flow_logs", "flow_logs"),
    ("v3", "vpc/traffic-mirror-filters", "traffic_mirror_filters"),
    ("v3", "vpc/traffic-mirror-filter-rules", "traffic_mirror_filter_rules"),
    ("v3", "vpc/traffic-mirror-sessions", "traffic_mirror_sessions"),
])
def test_lists_are_empty_and_nothing_is_found(tf, family, path, key):
    url = getattr(tf, family)(path)
    assert tf.page(url)[key] == []
    assert tf.status("GET", f"{url}/{NOTHING}") == 404
    assert tf.status("DELETE", f"{url}/{NOTHING}") == 404
