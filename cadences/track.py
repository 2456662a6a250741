"""Track how far a message came: only forward, whatever order it is told in."""

from datetime import datetime, timedelta
from uuid import UUID

from cadences.models import Execution, Receipt, Run
from cadences.reports import Moved
from cadences.states import RANKS, Delivery, EventType
from cadences.tell import tell

KEPT = timedelta(hours=24)
"""How long a receipt waits for the message it is for."""
EVENTS = {
    Delivery.DELIVERED: EventType.DELIVERED,
    Delivery.READ: EventType.READ,
    Delivery.FAILED: EventType.UNDELIVERED,
}


def track(run: Run, execution: Execution, moved: Moved, *, now: datetime) -> bool:
    """Write how far a message of a locked run came; tell whether that was news.

    A failure is believed until the message is known to have arrived; after that
    only an arrival is believed.
    """
    if not _is_news(execution, moved.delivery):
        return False
    at = min(moved.at or now, now)
    execution.delivery = moved.delivery
    execution.delivery_rank = RANKS[moved.delivery]
    if moved.delivery in (Delivery.DELIVERED, Delivery.READ):
        execution.delivered_at = execution.delivered_at or at
    if moved.delivery == Delivery.READ:
        execution.read_at = at
    execution.save(
        update_fields=["delivery", "delivery_rank", "delivered_at", "read_at"]
    )
    if event := EVENTS.get(moved.delivery):
        tell(
            run, event, position=execution.position,
            code=moved.code or None, detail=moved.detail or None,
        )  # fmt: skip
    return True


def _is_news(execution: Execution, delivery: Delivery) -> bool:
    if delivery == Delivery.FAILED:
        has_arrived = execution.delivery_rank >= RANKS[Delivery.DELIVERED]
        return not has_arrived and execution.delivery != Delivery.FAILED
    return RANKS[delivery] > execution.delivery_rank


def park(account_id: UUID, moved: Moved, *, now: datetime) -> None:
    """Keep what is said of a message whose id we do not know yet."""
    receipt = Receipt(
        account_id=account_id, provider_message_id=moved.message_id,
        delivery=moved.delivery, code=moved.code, detail=moved.detail,
        at=min(moved.at or now, now),
    )  # fmt: skip
    Receipt.objects.bulk_create([receipt], ignore_conflicts=True)


def unpark(run: Run, execution: Execution, message_id: str, *, now: datetime) -> int:
    """Write what was said of a message before its id was known."""
    waiting = Receipt.objects.filter(
        account=execution.account_id, provider_message_id=message_id
    )
    found = sorted(waiting, key=lambda each: RANKS[Delivery(each.delivery)])
    for each in found:
        moved = Moved(
            message_id, Delivery(each.delivery), code=each.code, detail=each.detail,
            at=each.at,
        )  # fmt: skip
        track(run, execution, moved, now=now)
    waiting.filter(pk__in=[each.pk for each in found]).delete()
    return len(found)
