"""Every door of the API gets what nobody should send, and answers it in the envelope."""

import json
import re
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.queues.callers import SERVICE, call

pytestmark = pytest.mark.django_db

VALUES: tuple[Any, ...] = (
    10**400, 1e308, "\x00", "\ud800", "x" * 20_000, [[]], {"a": {"b": [None]}}, -1,
    "0000-01-01T00:00:00Z", "99999-01-01", "9999-12-31T23:59:59-23:59", "infinity",
)  # fmt: skip
BODIES = (
    b"", b"null", b"[]", b"1e400", b"{", b"\x00", b'{"type": "\xff"}', b"a=1&b=2",
    b"[" * 50_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, b"9" * 5_000,
    b'{"type": "noop", "type": 7, "data": NaN}',
)  # fmt: skip
IDS = ("0", "9" * 30, "%00", "%FF", "a" * 3_000, str(UUID(int=0)))
QUIET = "/readyz"
"""Says 503 here, and rightly: nobody works."""


@pytest.fixture(scope="module")
def doors() -> list[tuple[str, str, list[str]]]:
    """Return each method and path, with the names of what its body may hold."""
    spec = Client().get("/api/openapi.json").json()
    return [
        (method.upper(), path, list(_members(spec, door)))
        for path, each in spec["paths"].items()
        for method, door in each.items()
        if path != QUIET
    ]


@pytest.fixture(params=["service", "person"])
def knock(request: pytest.FixtureRequest) -> Any:
    """Return how a service, or a person who may do anything, calls a door."""
    client = Client(raise_request_exception=False)
    if request.param == "person":
        root = User.objects.create_superuser("root", "root@example.com", "x")
        client.force_login(root)
    secret = SERVICE if request.param == "service" else None

    def send(method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        answer = call(method, path, body or None, secret=secret, client=client)
        return answer.status_code, answer.content

    return send


def test_no_body_is_an_error_of_ours(doors, knock):
    written = [door for door in doors if door[0] in {"POST", "PATCH"}]
    assert len(written) > 30

    for method, path, members in written:
        filled = [json.dumps(dict.fromkeys(members, each)).encode() for each in VALUES]
        for body in (*BODIES, *filled):
            where = re.sub(r"\{[^}]*\}", str(UUID(int=1)), path)
            refused(*knock(method, where, body), said=f"{method} {path} {body[:80]!r}")


def test_no_id_is_an_error_of_ours(doors, knock):
    for method, path, _ in doors:
        for each in IDS if "{" in path else ():
            where = re.sub(r"\{[^}]*\}", each, path)
            refused(*knock(method, where), said=f"{method} {where[:80]}")


def refused(status: int, content: bytes, *, said: str) -> None:
    """Fail unless the answer is no fault of ours, and says so as all do."""
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR, said
    if status >= HTTPStatus.BAD_REQUEST and content:
        assert isinstance(json.loads(content)["error"], str), said


def _members(spec: dict[str, Any], door: dict[str, Any]) -> dict[str, Any]:
    if "requestBody" not in door:
        return {}
    (content,) = door["requestBody"]["content"].values()
    schema = content["schema"]
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return dict(schema.get("properties", {}))
