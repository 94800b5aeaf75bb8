"""One server for the whole run; every test has an account of its own. What cannot pass yet is listed in pending.txt."""

import itertools
import pathlib

import pytest

import cloud
from provider import Provider, Refused
from recorder import Recorder

NUMBERS = itertools.count(1)
PENDING = pathlib.Path(__file__).with_name("pending.txt")


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
def operator(server):
    return cloud.operator(server, Recorder())


@pytest.fixture
def account(operator):
    return operator.create_account(f"tf-{next(NUMBERS)}")


@pytest.fixture
def tf(server, account):
    """The provider, configured with an access key and a project, started."""
    return Provider.of(server, account).start()


@pytest.fixture
def other(server, operator):
    """The provider of another account."""
    return Provider.of(server, operator.create_account(f"tf-{next(NUMBERS)}")).start()


def pending():
    """Test -> what it waits for, from the list."""
    lines = [line.split("#")[0].strip() for line in PENDING.read_text().splitlines()]
    return dict((line.split("  ", 1) + [""])[:2] for line in lines if line)


def pytest_collection_modifyitems(session, config, items):
    items.sort(key=lambda item: item.name == "test_no_trap_is_missing")
    listed = pending()
    names = {f"{item.path.name}::{item.name}" for item in items}
    for item in items:
        reason = listed.get(f"{item.path.name}::{item.name}")
        if reason is not None:
            # Strict: a test that passes has to leave the list, and a mistake in the test is not taken for a refusal.
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=(Refused, AssertionError)))
    files = {item.path.name for item in items}
    whole = not config.getoption("keyword") and not any("::" in argument for argument in config.args)
    unknown = [name for name in listed if name.split("::")[0] in files and name not in names]
    if whole and unknown:
        raise pytest.UsageError(f"pending.txt lists tests that are not there: {unknown}")
