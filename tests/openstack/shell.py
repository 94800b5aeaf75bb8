"""The `openstack` command inside this process: importing its plugins takes seconds, which a process each would pay."""

import contextlib
import io
import json
import logging
import os
import re
import shlex
from types import SimpleNamespace
from unittest import mock

import requests
from openstack.connection import Connection
from openstackclient import shell
from osc_lib.clientmanager import ClientCache, ClientManager


@contextlib.contextmanager
def pristine():
    """Undoes what a connection does to all that follow in this process: its class and the command's keep its services."""
    before = dict(vars(Connection))
    for cache in vars(ClientManager).values():
        if isinstance(cache, ClientCache):
            cache._handle = None
    try:
        yield
    finally:
        for name in set(vars(Connection)) - set(before):
            delattr(Connection, name)
        for name, value in before.items():
            if vars(Connection)[name] is not value:
                setattr(Connection, name, value)


class Refused(Exception):
    """The command ended with an error; the text is what it told."""


class Recorder:
    """Which commands were seen to work, and what each asked of the server."""

    def __init__(self, words):
        # Segments of paths that are no names and ids.
        self._words = words
        # command -> ["GET /v2.0/vpc/peerings 200", ...], those of its first success
        self.succeeded = {}
        self._calls = []

    @contextlib.contextmanager
    def watch(self, command):
        """Keeps what a command calls, if it ends well."""
        self._calls = []
        send = requests.Session.send

        def sent(session, request, **arguments):
            answer = send(session, request, **arguments)
            self._calls.append(f"{request.method} {self._shape(request.path_url)} {answer.status_code}")
            return answer

        with mock.patch.object(requests.Session, "send", sent):
            yield
        self.succeeded.setdefault(command, list(dict.fromkeys(self._calls)))

    def _shape(self, path):
        path, _, query = path.partition("?")
        segments = [segment if segment in self._words else "{}" for segment in path.split("/") if segment]
        names = sorted(part.partition("=")[0] for part in query.split("&") if part)
        return "/" + "/".join(segments) + ("?" + "&".join(names) if names else "")


class Shell:
    """The command as a user of a project runs it."""

    def __init__(self, recorder, environment):
        self._recorder = recorder
        self.environment = environment

    def __call__(self, command, *arguments):
        """Runs a command, whose name is one text; what it prints as JSON."""
        printed = self.text(command, *arguments, "-f", "json")
        return json.loads(printed)

    def text(self, command, *arguments):
        """Runs a command; what it prints."""
        output, errors = io.StringIO(), io.StringIO()
        argv = [*command.split(), *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        handlers = list(logging.getLogger().handlers)
        try:
            with mock.patch.dict(os.environ, {**clean, **self.environment}, clear=True), \
                    contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), \
                    pristine(), self._recorder.watch(command):
                try:
                    code = shell.OpenStackShell().run(argv)
                except SystemExit as end:
                    code = end.code
                if code != 0:
                    raise Refused(f"openstack {shlex.join(argv)}: {errors.getvalue().strip()}")
        finally:
            # Each shell leaves a handler that writes where nobody reads.
            logging.getLogger().handlers[:] = handlers
        return output.getvalue()


def fields(rows):
    """Rows of a list by lower-case names of columns, as attributes."""
    return [SimpleNamespace(**{re.sub(r"\W", "_", name.lower()): value for name, value in row.items()})
            for row in rows]
