"""COVERAGE.md: what of the API the SDK was seen to work with. CAUSEWAY_BLESS=1 writes it."""

import json
import os
import pathlib
import re
import urllib.request

import huaweicloudsdkiam.v3 as iam
import huaweicloudsdkvpc.v2 as v2
import huaweicloudsdkvpc.v3 as v3
import pytest

from recorder import operations_of_sdk

COVERAGE = pathlib.Path(__file__).with_name("COVERAGE.md")
METHODS = {"get", "post", "put", "patch", "delete", "head"}

# What is served to say that it is not supported: a refusal of each is all that there is to see.
UNSUPPORTED = re.compile(r"/fl/flow_logs|/traffic-mirror-")

HEAD = """\
# What the official Python SDK was seen to do

Made by the tests in this folder (`tests/sdk/run.sh`), which compare it; `CAUSEWAY_BLESS=1 tests/sdk/run.sh` writes it.
huaweicloudsdkcore, huaweicloudsdkvpc and huaweicloudsdkiam are those of `requirements.txt`.

Every answer was read into the SDK's model, and every field in it has the type that the model declares.
"""


def shape(operation):
    """An operation without the names of its parameters."""
    method, path = operation
    return method, re.sub(r"\{[^}]*\}", "{}", path)


def served(server):
    """The operations of the server's own document."""
    with urllib.request.urlopen(server.endpoint + "/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    return sorted(
        ((method.upper(), path) for path, methods in document["paths"].items() for method in methods
         if method in METHODS),
        key=lambda operation: (operation[1], operation[0]))


def joined(items):
    return ", ".join(items)


def quoted(items):
    return joined(f"`{item}`" for item in sorted(items))


def table(title, columns, rows):
    lines = [f"\n## {title}\n", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def test_every_operation_that_both_have_was_driven(request, server, recorder):
    if request.session.testsfailed or request.config.getoption("keyword") or any(
            "::" in argument or argument.endswith(".py") for argument in request.config.args):
        pytest.skip("not all tests ran, or not all passed")
    in_sdk = {}
    for operation, names in operations_of_sdk(v2.VpcClient, v3.VpcClient, iam.IamClient).items():
        in_sdk.setdefault(shape(operation), set()).update(names)
    driven, refusals = {}, {}
    for operation, names in recorder.succeeded.items():
        driven.setdefault(shape(operation), set()).update(names)
    for operation, seen in recorder.refused.items():
        refusals.setdefault(shape(operation), set()).update(seen)

    covered, without, undriven, unsupported = [], [], [], []
    for operation in served(server):
        method, path = operation
        key = shape(operation)
        if key in driven:
            covered.append([f"`{method} {path}`", quoted(driven[key]), joined(sorted(refusals.get(key, ())))])
        elif key in in_sdk and key in refusals and UNSUPPORTED.search(path):
            unsupported.append([f"`{method} {path}`", joined(sorted(refusals[key]))])
        elif key in in_sdk:
            undriven.append(f"{method} {path}: {joined(sorted(in_sdk[key]))}")
        else:
            without.append([f"`{method} {path}`"])
    assert not undriven, "the SDK has these operations and no test calls them: " + "; ".join(undriven)

    absent = []
    for (package, model), carried in sorted(recorder.carried.items()):
        client = {"vpc.v2": v2, "vpc.v3": v3, "iam.v3": iam}[package]
        declared = set(getattr(client, model).attribute_map.values())
        if declared - carried:
            absent.append([f"`{package}.{model}`", quoted(declared - carried)])

    lines = [HEAD.rstrip("\n")]
    lines += table("Operations driven", ["Operation", "By the SDK's", "Refusals asserted"], covered)
    lines += table("Operations that are not supported", ["Operation", "Refusals asserted"], unsupported)
    lines += table("Operations that the SDK has no method for", ["Operation"], without)
    lines += table("Fields that the SDK's models declare and no answer carried", ["Model", "Fields"], absent)
    text = "\n".join(lines) + "\n"
    if os.environ.get("CAUSEWAY_BLESS"):
        COVERAGE.write_text(text)
    there = COVERAGE.read_text() if COVERAGE.exists() else ""
    assert there == text, "COVERAGE.md is not what was seen; run with CAUSEWAY_BLESS=1 and look at the difference"
