"""Write what a segment is: each fact checked as a form would, and told to the audit."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from cadences.models import Company
from queues import audit
from queues.errors import InvalidSchedule
from syncs.models import Connection, SegmentControl
from syncs.models.segments import DAILY
from syncs.segments.account import ZONE
from syncs.segments.errors import InvalidSegment, SegmentExists
from syncs.segments.times import plan_of
from syncs.states import Provider

Facts = Mapping[str, Any]


def blank() -> SegmentControl:
    """Return a segment that says nothing yet but when: what else it is, the database says."""
    return SegmentControl(cron=DAILY, time_zone=ZONE)


def create(facts: Facts) -> SegmentControl:
    """Sync a segment from now on; raises InvalidSegment or SegmentExists."""
    control = blank()
    put(control, facts)
    try:
        with transaction.atomic():
            control.save()
            audit.record("segment.create", control, after=_told(facts))
    except IntegrityError:
        said = f"Segment {control.segment_id} is synced already"
        raise SegmentExists(said) from None
    control.refresh_from_db()
    return control


@transaction.atomic
def change(control_id: int, facts: Facts) -> SegmentControl:
    """Let a segment be otherwise; raises InvalidSegment.

    Members stay with their company: it changes only while there are none.
    """
    control = SegmentControl.objects.select_for_update(no_key=True).get(pk=control_id)
    before = {name: getattr(control, name) for name in facts}
    put(control, facts)
    if control.members and "company" in facts and control.company != before["company"]:
        raise InvalidSegment("company: the segment has members already")
    control.save(update_fields=[*facts])
    control.refresh_from_db()
    audit.record("segment.change", control, before=_told(before), after=_told(facts))
    return control


def put(control: SegmentControl, facts: Facts) -> None:
    """Let a row say these facts, unsaved; raises InvalidSegment that names the bad one."""
    for name, value in facts.items():
        try:
            setattr(control, name, _clean(control, name, value))
        except ValidationError as error:
            said = "; ".join(error.messages)
            raise InvalidSegment(f"{name}: {said}") from None
    try:
        plan_of(control)
    except InvalidSchedule as error:
        raise InvalidSegment(str(error)) from None


def _clean(control: SegmentControl, name: str, value: Any) -> Any:
    match name:
        case "company":
            return _found(Company.objects.filter(pk=value), value)
        case "connection":
            rows = Connection.objects.filter(pk=value, provider=Provider.SPRINTHUB)
            return _found(rows, value)
        case _:
            field: Any = SegmentControl._meta.get_field(name)  # noqa: SLF001 - Django's own name for it
            return field.clean(value, control)


def _found(rows: Any, value: Any) -> Any:
    if value is None or (found := rows.first()) is not None:
        return None if value is None else found
    raise ValidationError(f"there is no {value}")


def _told(facts: Facts) -> dict[str, str]:
    return {name: str(value) for name, value in facts.items()}
