"""Take in what a webhook delivers: stored once, applied soon, answered at once."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from queues.enqueue import enqueue
from queues.payload import fitted, printable

MAX_KEY = 200
INBOX = "inbox"
AT_ONCE = 2
"""The priority of a reply: sooner than the next step that it may stop."""

STORE = """
INSERT INTO messages (channel, body, key, account_id)
SELECT 'webhook', row.body, row.key, %(account)s
FROM unnest(%(bodies)s::text[], %(keys)s::text[]) AS row (body, key)
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
RETURNING id
"""


def receive(
    provider: str, account_id: UUID | None, deliveries: Iterable[tuple[str, Any]]
) -> list[int]:
    """Store what was delivered under its keys and have it applied; return what is new.

    The same key again is the same delivery, and stores nothing.
    """
    keys, bodies = [], []
    for key, payload in deliveries:
        keys.append(printable(fitted(f"{account_id or provider}:{key}", MAX_KEY)))
        bodies.append(json.dumps({"provider": provider, "payload": payload}))
    values = {"account": account_id, "keys": keys, "bodies": bodies}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STORE, values)
        new = [row[0] for row in cursor.fetchall()]
        if new:
            enqueue(
                "process-messages", {"maxMessages": 200}, unique_key=INBOX,
                on_conflict="coalesce", priority=AT_ONCE, source="webhook",
            )  # fmt: skip
    return new
