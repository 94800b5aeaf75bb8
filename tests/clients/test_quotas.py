"""`vpc_quotas` (clients 3.10)."""

import scene


def test_quotas(tf):
    before = quotas(tf)
    scene.subnet(tf, scene.vpc(tf))
    after = quotas(tf)
    for kind in ("vpc", "subnet"):
        assert after[kind]["used"] == before[kind]["used"] + 1
        assert after[kind]["quota"] > 0 and after[kind]["min"] <= after[kind]["quota"]
    for kind in ("securityGroup", "securityGroupRule", "publicIp"):
        [only] = tf.get(tf.v1(f"quotas?type={kind}"))["quotas"]["resources"]
        assert only["type"] == kind


def quotas(tf):
    return {item["type"]: item for item in tf.get(tf.v1("quotas"))["quotas"]["resources"]}
