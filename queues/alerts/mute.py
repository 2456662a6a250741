"""Keep an alert from being told for a while; it is measured all the same."""

from datetime import datetime

from django.db import transaction

from queues.alerts.tell import say_test
from queues.ask import database_now
from queues.audit import record
from queues.errors import InvalidRunAt
from queues.models import AlertChannel, AlertMessage, AlertRule, AlertState


def mute(what: AlertRule | AlertState, until: datetime | None) -> None:
    """Say nothing of the rule or the subject until then; None ends a mute.

    If it still fires then, people are told. Raises InvalidRunAt for a moment that
    lies in the past.
    """
    if until is not None and until <= database_now():
        raise InvalidRunAt("The due time lies in the past")
    with transaction.atomic():
        row = type(what).objects.select_for_update(of=("self",)).get(pk=what.pk)
        before, row.muted_until = row.muted_until, until
        row.save(update_fields=["muted_until"])
        record(
            "alert.mute" if until else "alert.unmute",
            row,
            before={"muted_until": before},
            after={"muted_until": until},
        )


def try_out(channel: AlertChannel) -> AlertMessage:
    """Send a message that says it is a test over one channel, by a job as any other."""
    with transaction.atomic():
        record("alert.test", channel)
        return say_test(channel)
