"""The segments as a document, to keep or to carry elsewhere."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from cadences.models import Company
from queues import audit
from queues.errors import InvalidSchedule
from syncs.models import SegmentControl
from syncs.segments.errors import InvalidFile
from syncs.segments.times import plan_of

FIELDS = (
    "segment_id", "name", "status", "cron", "time_zone", "jitter_seconds", "misfire",
    "enrich", "enrich_most", "guard_percent",
)  # fmt: skip
KIND = "ritmo-segments"


def dump() -> dict[str, Any]:
    """Return every segment of the environment's account, without what it has done."""
    rows = SegmentControl.objects.filter(connection=None).order_by("segment_id")
    return {
        "kind": KIND,
        "segments": [
            {
                **{name: getattr(each, name) for name in FIELDS},
                "company": each.company_id,
            }
            for each in rows
        ],
    }


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
    known = SegmentControl.objects.filter(connection=None, segment_id=number).first()
    control = known or SegmentControl(status="active", misfire="once", enrich="changed")
    facts = {name: given[name] for name in FIELDS if name in given}
    before = {name: getattr(control, name) for name in facts}
    if known and before == facts and known.company_id == given.get("company"):
        return "same"
    for name, value in facts.items():
        setattr(control, name, value)
    control.company = _company(given)
    _check(control, facts)
    control.save()
    was = before if known else None
    audit.record("segment.import", control, before=was, after=facts)
    return "changed" if known else "created"


def _company(given: Mapping[str, Any]) -> Company | None:
    code = given.get("company")
    found = Company.objects.filter(pk=code).first() if code else None
    if code and found is None:
        raise InvalidFile(f"Segment {given.get('segment_id')}: no company {code}")
    return found


def _check(control: SegmentControl, facts: Mapping[str, Any]) -> None:
    """Raise InvalidFile unless the row is as a form would let it be."""
    try:
        known = {each.name: each for each in SegmentControl._meta.fields}  # noqa: SLF001 - Django's own name for it
        for name, value in facts.items():
            known[name].clean(value, control)
        if {"cron", "time_zone"} <= set(facts):
            plan_of(control)
    except ValidationError as error:
        said = "; ".join(error.messages)
        raise InvalidFile(f"Segment {facts.get('segment_id')}: {said}") from None
    except InvalidSchedule as error:
        raise InvalidFile(f"Segment {facts.get('segment_id')}: {error}") from None
