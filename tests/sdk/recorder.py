"""Notes what the SDK calls, and checks every answer against the model that the SDK declares for it.

The SDK converts what it gets: the string "false" becomes True, a missing field None. So the check looks at the JSON
itself: a field that the model declares has the declared type or is null, and a time is one that the SDK can parse.
"""

import datetime
import functools
import inspect
import json
import re

from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.sdk_response import FutureSdkResponse

JSON_TYPES = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


class Recorder:
    """What a run of the tests has called, in all clients."""

    def __init__(self):
        # (HTTP method, resource path) -> names of the SDK methods that succeeded
        self.succeeded = {}
        # (HTTP method, resource path) -> {"404 VPC.0003", ...}
        self.refused = {}
        # (package, model name) -> fields that an answer carried, not null
        self.carried = {}

    def watch(self, client):
        """Makes a client's calls known to this recorder."""
        client.do_http_request = self._wrap(client, client.do_http_request)
        return client

    def _wrap(self, client, call):
        @functools.wraps(call)
        def recorded(method, resource_path, **arguments):
            operation = (method, resource_path)
            try:
                response = call(method=method, resource_path=resource_path, **arguments)
            except ServiceResponseException as refusal:
                self.refused.setdefault(operation, set()).add(described(refusal))
                raise
            if isinstance(response, FutureSdkResponse):
                # Nobody knows yet how it ends; all operations are seen in synchronous clients.
                return response
            name = snake(arguments["response_type"].removesuffix("Response"))
            self.succeeded.setdefault(operation, set()).add(f"{package(client)}.{name}")
            self._check(client, response, arguments.get("response_headers") or [])
            return response

        return recorded

    def _check(self, client, response, headers):
        if not response.raw_content:
            return
        value = json.loads(response.raw_content)
        self._object(client, type(response), value, type(response).__name__, headers)

    def _object(self, client, model, value, where, headers=()):
        assert isinstance(value, dict), f"{where} is no object: {value!r}"
        carried = self.carried.setdefault((package(client), model.__name__), set())
        for attribute, declared in model.openapi_types.items():
            field = model.attribute_map[attribute]
            if field in headers:
                carried.add(field)
                continue
            if value.get(field) is not None:
                carried.add(field)
                self._value(client, declared, value[field], f"{where}.{field}")

    def _value(self, client, declared, value, where):
        item = re.fullmatch(r"list\[(.*)\]", declared)
        if item:
            assert isinstance(value, list), f"{where} is no list: {value!r}"
            for position, element in enumerate(value):
                self._value(client, item[1], element, f"{where}[{position}]")
        elif declared in JSON_TYPES:
            fits = isinstance(value, JSON_TYPES[declared])
            # In Python a bool is an int; in JSON it is not.
            fits = fits and not (declared == "int" and isinstance(value, bool))
            assert fits, f"{where} is no {declared}: {value!r}"
        elif declared == "datetime":
            parsed = client._deserialize_data_time(value)
            assert isinstance(parsed, datetime.datetime), f"{where} is no time: {value!r}"
        elif declared.startswith("dict("):
            assert isinstance(value, dict), f"{where} is no object: {value!r}"
        else:
            model = getattr(client.model_package, declared)
            if model.openapi_types:
                self._object(client, model, value, where)


def described(refusal):
    """Status and code. Of a v2.0 refusal the SDK makes no code: its body is the message, and the type is in it."""
    code = refusal.error_code
    if str(code) == str(refusal.status_code):
        neutron = re.search(r'"type":"(\w+)"', refusal.error_msg)
        code = neutron[1] if neutron else ""
    return f"{refusal.status_code} {code}".rstrip()


def package(client):
    """`vpc.v2` for the client of huaweicloudsdkvpc.v2."""
    service, version = type(client).__module__.split(".")[:2]
    return f"{service.removeprefix('huaweicloudsdk')}.{version}"


def snake(name):
    """`AcceptVpcPeering` as the SDK names its method."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def operations_of_sdk(*classes):
    """What the SDK can call: (HTTP method, resource path) -> names of SDK methods."""
    found = {}
    for client in classes:
        for name, function in inspect.getmembers(client, callable):
            if not name.endswith("_http_info"):
                continue
            source = inspect.getsource(function)
            method = re.search(r'"method": "(\w+)"', source)[1]
            path = re.search(r'"resource_path": "([^"]+)"', source)[1]
            short = name.removeprefix("_").removesuffix("_http_info")
            found.setdefault((method, path), set()).add(f"{package(client())}.{short}")
    return found
