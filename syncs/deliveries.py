"""Keep what Shopify tells by itself, and read anew what it was about.

The body only says which order changed: the order itself is read from the shop, so a
delivery that comes late, twice or out of order changes nothing for the worse. The
nightly window brings what was never delivered.
"""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from queues.enqueue import enqueue
from queues.errors import CannotUnseal
from syncs.credentials import opened
from syncs.errors import SyncError
from syncs.facts import OrderFact, save_orders
from syncs.models import CacheEntry, Connection, Delivery, Order
from syncs.shopify.client import Shop
from syncs.shopify.orders import read_orders
from syncs.states import ConnectionStatus, Provider

logger = logging.getLogger(__name__)

JOB = "shopify-webhooks"
BATCH = 50
SIGNATURE = "x-shopify-hmac-sha256"
GID = "gid://shopify/Order/"


class NotVerified(SyncError):
    """A delivery without a signature that one of our secrets made."""


def receive(headers: Mapping[str, str], body: bytes) -> bool:
    """Keep a delivery for each store of that shop; tell whether it was new.

    Raises NotVerified. Nothing is read or called here: that is the job's.
    """
    links = _verified(headers, body)
    delivery = headers.get("x-shopify-webhook-id", "")[:100]
    if not delivery:
        raise NotVerified
    topic = headers.get("x-shopify-topic", "")[:60]
    news = False
    with transaction.atomic():
        for link in links:
            made, is_new = Delivery.objects.get_or_create(
                connection=link,
                delivery_id=delivery,
                defaults={
                    "provider": link.provider,
                    "topic": topic,
                    "external_id": _about(topic, body),
                    "triggered_at": _moment(headers.get("x-shopify-triggered-at")),
                    "body": base64.b64encode(body).decode(),
                },
            )
            news = news or is_new
            if made.status == Delivery.Status.RECEIVED:
                enqueue(
                    JOB,
                    {"connection": str(link.pk)},
                    unique_key=f"{JOB}:{link.pk}",
                    on_conflict="coalesce",
                    source="webhook",
                )
    return news


def apply(key: str) -> int:
    """Deal with what was delivered for a connection; return how many deliveries."""
    link = Connection.objects.select_related("store").filter(pk=key).first()
    done = 0
    while link is not None and (batch := list(_waiting(link))):
        done += _apply(link, batch)
    return done


def _apply(link: Connection, batch: Sequence[Delivery]) -> int:
    about = {each.pk: each.external_id for each in batch if each.external_id}
    facts: list[OrderFact] = []
    if about and link.status == ConnectionStatus.ACTIVE:
        shop = Shop(link)
        facts, refused = read_orders(shop, sorted(set(about.values())))
        for gid in refused:
            logger.warning("order of a webhook cannot be used", extra={"order": gid})
    with transaction.atomic():
        # First, and held to the end: numbers that are computed meanwhile are old.
        Connection.objects.filter(pk=link.pk).update(told_at=Now())
        save_orders(link, facts)
        for each in batch:
            _deal_with(link, each)
        ids = [each.pk for each in batch]
        applied = Delivery.Status.APPLIED
        rows = Delivery.objects.filter(pk__in=ids, status=Delivery.Status.RECEIVED)
        rows.update(status=applied, applied_at=Now())
        _age_cache(link, [each.processed_at for each in facts])
    return len(batch)


def _deal_with(link: Connection, delivery: Delivery) -> None:
    """Do what a topic other than an order's asks for."""
    match delivery.topic:
        case "app/uninstalled":
            Connection.objects.filter(pk=link.pk).update(
                status=ConnectionStatus.DISABLED,
                status_code="uninstalled",
                status_reason="The app was uninstalled in the shop",
            )
        case "shop/redact":
            Order.objects.filter(connection=link).delete()
        case "customers/redact":
            ids = [f"{GID}{each}" for each in _redacted(delivery)]
            Order.objects.filter(connection=link, external_id__in=ids).update(
                customer=""
            )
        case _ if not delivery.external_id:
            Delivery.objects.filter(pk=delivery.pk).update(
                status=Delivery.Status.IGNORED, applied_at=Now()
            )
        case _:
            pass


def _age_cache(link: Connection, moments: Sequence[datetime]) -> None:
    """Let readers renew the numbers of the periods that changed."""
    if not moments:
        return
    rows = CacheEntry.objects.filter(
        store=link.store_id,
        source=Provider.SHOPIFY,
        period_end__gte=min(moments).date(),
        fresh_until__gt=Now(),
    )
    rows.update(fresh_until=Now())


def _waiting(link: Connection) -> Iterator[Delivery]:
    rows = Delivery.objects.filter(connection=link, status=Delivery.Status.RECEIVED)
    yield from rows.order_by("pk")[:BATCH]


def _verified(headers: Mapping[str, str], body: bytes) -> list[Connection]:
    """Return the connections to the shop whose secret signed this body."""
    domain = headers.get("x-shopify-shop-domain", "").strip().lower()
    said = headers.get(SIGNATURE, "")
    links = Connection.objects.filter(
        provider=Provider.SHOPIFY, external_account=domain
    )
    found = [
        link
        for link in links
        if any(_fits(each, body, said) for each in _secrets(link))
    ]
    if not found:
        raise NotVerified
    return found


def _secrets(link: Connection) -> Iterator[str]:
    """Yield what may have signed: while a secret is replaced, the old one as well."""
    yield from settings.SHOPIFY_WEBHOOK_SECRETS
    try:
        held = opened(link)
    except CannotUnseal:
        return
    for name in ("client_secret", "previous_client_secret", "webhook_secret"):
        if held.get(name):
            yield held[name]


def _fits(secret: str, body: bytes, said: str) -> bool:
    made = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(made, said.encode())


def _about(topic: str, body: bytes) -> str:
    """Return the id of the order that a delivery is about, or nothing."""
    document = _document(body)
    if topic.startswith("refunds/"):
        number = document.get("order_id")
    elif topic.startswith("orders/"):
        number = document.get("id")
    else:
        return ""
    return f"{GID}{number}" if type(number) is int and number > 0 else ""


def _redacted(delivery: Delivery) -> list[int]:
    held = delivery.body.reveal() if delivery.body else ""
    found = _document(base64.b64decode(held)).get("orders_to_redact")
    return (
        [each for each in found if type(each) is int] if isinstance(found, list) else []
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {}


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
