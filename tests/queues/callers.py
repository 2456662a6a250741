"""Those who knock at the HTTP door."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from queues.models import Attempt, IdempotencyKey, Job
from queues.tokens import issue_token

CRON, SERVICE, WORKER = "cron-test-secret", "service-test-key", "worker-test-secret"
ENQUEUE = "/functions/v1/enqueue-job"
PASS, WORKERS, STATS = "/api/cron/process-queue", "/api/workers", "/api/queues/stats"
RECEIPT = {"type": "send-receipt", "data": {"order_id": 7}}


def call(
    method: str,
    path: str,
    body: object = None,
    *,
    secret: str | None = CRON,
    **more: Any,
) -> Any:
    """Send a request; a 500 is an answer, not an exception."""
    headers = more.pop("headers", {})
    if secret is not None:
        headers = {"Authorization": f"Bearer {secret}", **headers}
    if body is not None:
        more = {"data": body, "content_type": "application/json", **more}
    client = more.pop("client", None) or Client(raise_request_exception=False)
    return client.generic(method, path, **_encoded(more), headers=headers)


def post(path: str, body: object = None, **more: Any) -> Any:
    """Send a POST."""
    return call("POST", path, body, **more)


def get(path: str, **more: Any) -> Any:
    """Send a GET."""
    return call("GET", path, **more)


def nothing_was_written() -> bool:
    """Tell that no request left a trace."""
    models = (Job, Attempt, IdempotencyKey)
    return not any(model._default_manager.exists() for model in models)


def person(name: str, *permissions: str, staff: bool = False) -> tuple[User, str]:
    """Return a person and the token that speaks for them."""
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user, issue_token(user, "test")[0]


def _encoded(more: dict[str, Any]) -> dict[str, Any]:
    import json

    if not isinstance(more.get("data", b""), bytes):
        more["data"] = json.dumps(more["data"]).encode()
    return more
