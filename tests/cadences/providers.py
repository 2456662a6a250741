"""Accounts of the simulators, and deliveries to the webhooks."""

import json
from typing import Any

from django.test import Client

from cadences.models import Account, Message
from cadences.runner import run_here
from cadences.states import Trigger
from queues.testing import inline
from tests.cadences.people import company
from tests.simulators import mail as smtp
from tests.simulators import meta, uazapi
from tests.simulators.meta import signature


def through_uazapi(simulator: uazapi.Simulator, *, at: str = "acme") -> Account:
    """Let a company send by the simulator."""
    return _account(
        at, "whatsapp", adapter="uazapi", base_url=simulator.url,
        credentials={"token": uazapi.TOKEN}, identifier="+5511888888888",
    )  # fmt: skip


def through_meta(simulator: meta.Simulator, *, at: str = "acme") -> Account:
    """Let a company send by the simulator."""
    return _account(
        at, "whatsapp", adapter="meta", base_url=simulator.url,
        config={"phone_number_id": meta.NUMBER_ID},
        credentials={
            "access_token": meta.TOKEN, "app_secret": meta.APP_SECRET,
            "verify_token": meta.VERIFY,
        },
    )  # fmt: skip


def through_smtp(simulator: smtp.Simulator, *, at: str = "acme") -> Account:
    """Let a company send by the simulator."""
    return _account(
        at, "email", adapter="smtp", base_url=f"smtp://127.0.0.1:{simulator.port}",
        identifier="sales@acme.example", config={"from_name": "Acme, Vendas"},
        credentials={
            "username": smtp.USER, "password": smtp.PASSWORD,
            "webhook_secret": "mail-hook-secret",
        },
    )  # fmt: skip


def _account(at: str, medium: str, **facts: Any) -> Account:
    account = company(at).accounts.get(medium=medium)
    for name, value in facts.items():
        setattr(account, name, value)
    account.save()
    account.refresh_from_db()
    return account


def run() -> Any:
    """Make one pass."""
    return run_here(Trigger.MANUAL)


def post(path: str, body: Any, **headers: str) -> Any:
    """Deliver to a webhook, and let what it stored be applied."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with inline():
        return Client().post(
            path, raw, content_type="application/json", headers=headers
        )


def to_uazapi(account: Account, body: Any) -> Any:
    """Deliver what UAZAPI tells."""
    return post(f"/webhooks/uazapi/{account.pk}/messages/text", body)


def to_meta(account: Account, body: Any) -> Any:
    """Deliver what Meta tells, rightly signed."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Hub-Signature-256": signature(raw)}
    return post(f"/webhooks/meta/{account.pk}/", raw, **headers)


def to_mail(account: Account, text: str) -> Any:
    """Deliver an e-mail, rightly signed."""
    raw = text.encode()
    headers = {"X-Webhook-Signature": signature(raw, "mail-hook-secret")}
    return post(f"/webhooks/email/{account.pk}/", raw, **headers)


def heard() -> list[Message]:
    """Return what people wrote, in order."""
    rows = Message.objects.exclude(channel="webhook").exclude(key=None)
    return list(rows.filter(direction="in").order_by("pk"))


def failures() -> list[str]:
    """Return why stored deliveries could not be applied."""
    rows = Message.objects.filter(status="failed").order_by("pk")
    return [str(each) for each in rows.values_list("error", flat=True)]
