"""COVERAGE.md: what the OpenStack client was seen to work with. CAUSEWAY_BLESS=1 writes it."""

import os
import pathlib

import pytest

COVERAGE = pathlib.Path(__file__).with_name("COVERAGE.md")

HEAD = """\
# What the OpenStack client was seen to do

Made by the tests in this folder (`tests/openstack/run.sh`), which compare it; `CAUSEWAY_BLESS=1 tests/openstack/run.sh`
writes it. python-openstackclient, openstacksdk and otcextensions are those of `requirements.txt`.

Calls are those of the first success, with the names of query parameters and the status; `{}` is a name or an id.
"""


def table(title, column, rows):
    return [f"\n## {title}\n", f"| {column} | Asks |", "|---|---|"] + [
        f"| `{name}` | {'<br>'.join(f'`{call}`' for call in calls)} |" for name, calls in rows]


def test_what_was_seen_is_what_the_table_says(request, recorder):
    if request.session.testsfailed or request.config.getoption("keyword") or any(
            "::" in argument or argument.endswith(".py") for argument in request.config.args):
        pytest.skip("not all tests ran, or not all passed")
    # The login is everywhere the same.
    login = ("GET /v3 200", "POST /v3/auth/tokens 201", "GET /v2.0 200")
    seen = {name: [call for call in calls if call not in login or name == "token issue"]
            for name, calls in sorted(recorder.succeeded.items())}
    commands = [(f"openstack {name}", calls) for name, calls in seen.items() if not name.startswith("connection.")]
    methods = [(name, calls) for name, calls in seen.items() if name.startswith("connection.")]
    lines = [HEAD.rstrip("\n")]
    lines += table("Commands", "Command", commands)
    lines += table("Calls of the SDK that no command makes", "Method", methods)
    text = "\n".join(lines) + "\n"
    if os.environ.get("CAUSEWAY_BLESS"):
        COVERAGE.write_text(text)
    there = COVERAGE.read_text() if COVERAGE.exists() else ""
    assert there == text, "COVERAGE.md is not what was seen; run with CAUSEWAY_BLESS=1 and look at the difference"
