"""One server for the whole run; every test has accounts of its own, so none sees what another made."""

import itertools

import pytest

import cloud
from recorder import Recorder

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def recorder():
    return Recorder()


@pytest.fixture(scope="session")
def server():
    running = cloud.Server()
    try:
        with cloud.names_resolved():
            yield running
    finally:
        log = running.log()
        code = running.stop()
    assert code == 0, f"the server ended with {code}:\n{log}"
    assert "panicked" not in log, log


@pytest.fixture(scope="session")
def operator(server, recorder):
    return cloud.operator(server, recorder)


@pytest.fixture
def account(operator):
    return operator.create_account(f"account-{next(NUMBERS)}")


@pytest.fixture
def other(operator):
    return operator.create_account(f"account-{next(NUMBERS)}")


def pytest_collection_modifyitems(session, config, items):
    """The table of what was covered is made when all else has run."""
    items.sort(key=lambda item: item.path.name == "test_coverage.py")
