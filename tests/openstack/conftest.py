"""One server for the whole run; every test has accounts of its own, so none sees what another made."""

import itertools

import pytest
import requests

import cloud
from server import Server, names_resolved
from shell import Recorder

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    running = Server()
    try:
        with names_resolved():
            yield running
    finally:
        log = running.log()
        code = running.stop()
    assert code == 0, f"the server ended with {code}:\n{log}"
    assert "panicked" not in log, log


@pytest.fixture(scope="session")
def recorder(server):
    document = requests.get(f"{server.endpoint}/openapi.json", timeout=10).json()
    words = {segment for path in document["paths"] for segment in path.split("/") if not segment.startswith("{")}
    return Recorder(words)


@pytest.fixture(scope="session")
def operator(server, recorder):
    return cloud.operator(server, recorder)


@pytest.fixture
def account(operator):
    return operator.create_account(f"account-{next(NUMBERS)}")


@pytest.fixture
def other(operator):
    return operator.create_account(f"account-{next(NUMBERS)}")


@pytest.fixture
def sdk(account, recorder):
    """The SDK's service for VPCs."""
    return cloud.Sdk(recorder, account.service("vpc"), "connection.vpc")


def pytest_collection_modifyitems(session, config, items):
    """The table of what was covered is made when all else has run."""
    items.sort(key=lambda item: item.path.name == "test_coverage.py")
