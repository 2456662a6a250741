"""The segments as a document, to keep or to carry elsewhere."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from queues import audit
from syncs.models import SegmentControl
from syncs.segments.define import blank, put
from syncs.segments.errors import InvalidFile, InvalidSegment

FIELDS = (
    "segment_id", "name", "status", "cron", "time_zone", "jitter_seconds", "misfire",
    "enrich", "enrich_most", "guard_percent",
)  # fmt: skip
KEYS = ("company", "connection")
KIND = "ritmo-segments"


def dump() -> dict[str, Any]:
    """Return every segment, without what it has done."""
    rows = SegmentControl.objects.order_by("segment_id", "pk")
    return {"kind": KIND, "segments": [_row(each) for each in rows]}


def load(text: str, *, dry_run: bool = False) -> dict[str, int]:
    """Create and update segments by their numbers, all or none; count them.

    Raises InvalidFile.
    """
    try:
        document = json.loads(text)
        rows = document["segments"]
        given = [dict(each) for each in rows]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise InvalidFile("The file holds no segments") from None
    counts = {"created": 0, "changed": 0, "same": 0}
    with transaction.atomic():
        for each in given:
            counts[_load(each)] += 1
        if dry_run:
            transaction.set_rollback(True)
    return counts


def _load(given: Mapping[str, Any]) -> str:
    number = given.get("segment_id")
    if type(number) is not int or number < 1:
        raise InvalidFile("A segment without its number")
    facts = {name: given[name] for name in (*FIELDS, *KEYS) if name in given}
    try:
        known = _known(number, given.get("connection"))
        before = {name: value for name, value in _row(known).items() if name in facts}
        if known.pk and before == facts:
            return "same"
        put(known, facts)
    except InvalidSegment as error:
        raise InvalidFile(f"Segment {number}: {error}") from None
    was = before if known.pk else None
    known.save(update_fields=[*facts] if was else None)
    audit.record("segment.import", known, before=was, after=facts)
    return "changed" if was else "created"


def _known(number: int, connection: Any) -> SegmentControl:
    """Return the segment, locked, or a blank one."""
    try:
        rows = SegmentControl.objects.filter(connection=connection, segment_id=number)
        return rows.select_for_update(no_key=True, of=("self",)).first() or blank()
    except ValidationError as error:
        raise InvalidSegment(f"connection: {'; '.join(error.messages)}") from None


def _row(control: SegmentControl) -> dict[str, Any]:
    link = control.connection_id
    return {
        **{name: getattr(control, name) for name in FIELDS},
        "company": control.company_id,
        "connection": None if link is None else str(link),
    }
