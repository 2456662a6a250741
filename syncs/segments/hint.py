"""A webhook tells of a lead: kept as a hint, then the truth is fetched by a job."""

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from cadences.models import Company
from queues.enqueue import enqueue
from syncs.models import LeadEvent, LeadHint, SegmentControl
from syncs.segments.account import access_of, company_of
from syncs.segments.apply import take
from syncs.segments.errors import InvalidHint
from syncs.segments.join import ask, join
from syncs.segments.read import KEY, read
from syncs.segments.refuse import settle_refusals
from syncs.segments.sprinthub import SprintHub

JOB = "apply-lead-hint"
WORD = re.compile(r"[\w.:-]{1,100}")
WINDOW = 600
"""Seconds within which the same words about the same lead are one hint."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a body says."""

    external_id: str
    segment_id: int | None
    event: str


def is_signed(body: bytes, *, signature: str, secret: str) -> bool:
    """Tell whether a body carries our signature, or its sender our secret.

    Without a secret in the settings nothing is accepted. The time taken tells nothing.
    """
    given = signature.removeprefix("sha256=").strip().lower().encode()
    found = False
    for key in settings.SPRINTHUB_WEBHOOK_SECRETS:
        made = hmac.new(key.encode(), body, sha256).hexdigest().encode()
        found |= hmac.compare_digest(made, given)
        ours, theirs = (sha256(each.encode()).digest() for each in (key, secret))
        found |= hmac.compare_digest(ours, theirs)
    return found


def read_hint(body: bytes) -> Hint:
    """Return what a body says, or raise InvalidHint."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidHint("The body is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidHint("The body is not a JSON object")
    key = str(_first(value, "lead_id", "leadId", "id") or "").strip()
    if not KEY.fullmatch(key):
        raise InvalidHint("lead_id is missing")
    segment = str(_first(value, "segment_id", "segmentId") or "").strip()
    event = str(value.get("event") or "").strip()
    if (segment and not KEY.fullmatch(segment)) or (
        event and not WORD.fullmatch(event)
    ):
        raise InvalidHint("segment_id or event cannot be read")
    return Hint(str(int(key)), int(segment) if segment else None, event)


@transaction.atomic
def keep(body: bytes, hint: Hint) -> bool:
    """Keep a hint with the job that applies it; tell whether it is a new one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT floor(extract(epoch FROM clock_timestamp()) / %s)", [WINDOW]
        )
        window = int(cursor.fetchone()[0])
    row = LeadHint(
        external_id=hint.external_id, segment_id=hint.segment_id, event=hint.event,
        digest=sha256(body).hexdigest(), window=window,
    )  # fmt: skip
    same = LeadHint.objects.filter(
        connection=None, digest=row.digest, window__in=[window, window - 1],
        received_at__gt=Now() - timedelta(seconds=WINDOW),
    )  # fmt: skip
    if same.exists():
        return False
    LeadHint.objects.bulk_create([row], ignore_conflicts=True)
    kept = LeadHint.objects.get(connection=None, digest=row.digest, window=window)
    enqueue(JOB, {"hint": kept.pk}, unique_key=f"hint:{kept.pk}", priority=2)
    return True


def apply_hint(hint_id: int) -> str:
    """Fetch the lead of a hint and write it; return what came of it, in a word.

    Raises what a call raises.
    """
    hint = LeadHint.objects.get(pk=hint_id)
    if hint.applied_at is not None:
        return hint.result
    controls = _controls(hint)
    details = SprintHub(access_of(hint.connection)).details([hint.external_id])
    if details.error is not None:
        raise details.error
    row = details.found[hint.external_id]
    with transaction.atomic():
        result = "gone" if row is None else _write(hint, row, controls)
        hint.applied_at, hint.result = Now(), result
        hint.save(update_fields=["applied_at", "result"])
    return result


def _write(hint: LeadHint, row: Any, controls: Sequence[SegmentControl]) -> str:
    """Write the lead, its membership where a segment was named, and what happened."""
    zone = access_of(hint.connection).zone
    reading = read(row, zone=zone)
    locked = [
        SegmentControl.objects.select_for_update(no_key=True).get(pk=each.pk)
        for each in sorted(controls, key=lambda each: each.pk)
    ]
    home = locked[0] if locked else SegmentControl(connection=hint.connection)
    company: Company = company_of(home)
    taken = take(home, company, {reading.key: reading}, is_detail=True)
    if not taken.leads:
        return "refused"
    events = list(taken.events)
    for control in locked:
        settle_refusals(control, [reading.key])
        if not reading.is_archived:
            events += join(control, taken.leads, is_baseline=False)
    if hint.event:
        events.append(_event(hint, taken.leads[reading.key]))
    ask(events)
    return "applied"


def _event(hint: LeadHint, lead_id: Any) -> int:
    made = LeadEvent.objects.create(
        lead_id=lead_id, kind=LeadEvent.Kind.EVENT, occasion=f"hint {hint.pk}",
        details={"event": hint.event},
    )  # fmt: skip
    return made.pk


def _controls(hint: LeadHint) -> list[SegmentControl]:
    if hint.segment_id is None:
        return []
    found = SegmentControl.objects.filter(
        connection=hint.connection, segment_id=hint.segment_id
    )
    return list(found.order_by("pk"))


def _first(value: dict[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)
