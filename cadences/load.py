"""Load many leads into a cadence: every line is kept, and ends with a result."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from cadences import clock
from cadences.enroll import enroll
from cadences.errors import InvalidLead, NotEnrolled
from cadences.meet import Person, meet, read
from cadences.models import Cadence, EnrollmentBatch, EnrollmentRow
from cadences.sheet import Row
from queues.audit import record
from queues.enqueue import enqueue
from queues.errors import QueueError
from queues.models import Job

logger = logging.getLogger(__name__)

LOAD = "cadence-load"
PAGE = 500
OURS = (QueueError, OperationalError, InterfaceError)
"""What speaks of us, not of a line: the job comes back to it."""
Result = EnrollmentRow.Result
Tell = Callable[[int, int], bool]
"""Told how many lines of how many are done; an answer of True stops the load."""


@transaction.atomic
def accept(
    cadence: Cadence,
    rows: Iterable[Row],
    *,
    name: str = "",
    is_dry: bool = False,
    without_contact: bool = False,
    actor: str = "",
    owner: User | None = None,
) -> EnrollmentBatch:
    """Check and keep every line, nothing of it enrolled yet.

    Raises NotEnrolled if the cadence takes nobody, BadSheet from a sheet that
    cannot be read: then nothing is kept.
    """
    if cadence.state != Cadence.State.ACTIVE or cadence.published_id is None:
        raise NotEnrolled("CADENCIA_INATIVA", cadence.state)
    batch = EnrollmentBatch.objects.create(
        cadence=cadence, name=name[:200], is_dry=is_dry, created_by=actor,
        without_contact=without_contact, owner=owner, created_at=clock.now(),
    )  # fmt: skip
    count = 0
    checked = _checked(rows)
    while page := list(islice(checked, PAGE)):
        found = [EnrollmentRow(batch=batch, line=line, **facts) for line, facts in page]
        count += len(EnrollmentRow.objects.bulk_create(found))
    after = {"cadence": cadence.code, "lines": count, "dry_run": is_dry}
    record("batch.accept", batch, after=after, count=max(count, 1))
    return batch


def load_later(batch: EnrollmentBatch) -> Job:
    """Let a worker load a batch."""
    key = str(batch.pk)
    return enqueue(LOAD, {"batch": key}, unique_key=key, owner=batch.owner)


def load(batch_id: UUID, *, tell: Tell = lambda done, total: False) -> Counter[str]:
    """Enrol the lines of a batch that have no result yet; return the results so far.

    Each line is a transaction: what dies in between goes on where it stopped.
    """
    batch = EnrollmentBatch.objects.select_related("cadence__company", "owner").get(
        pk=batch_id
    )
    total = batch.rows.count()
    done = batch.rows.exclude(result=None).count()
    while page := list(
        batch.rows.filter(result=None)
        .order_by("line")
        .values_list("pk", flat=True)[:PAGE]
    ):
        for key in page:
            _line(batch, key)
            done += 1
        if tell(min(done, total), total):
            return results(batch)
    EnrollmentBatch.objects.filter(pk=batch.pk, finished_at=None).update(
        finished_at=clock.now()
    )
    return results(batch)


def results(batch: EnrollmentBatch) -> Counter[str]:
    """Count the lines by what became of them; `pending` are those to be done."""
    words = batch.rows.order_by().values_list("result").annotate(Count("pk"))
    return Counter({word or "pending": count for word, count in words})


def _checked(rows: Iterable[Row]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line with its data, and with its result if that is known by now."""
    seen: dict[str, tuple[int, str]] = {}
    for line, told in rows:
        facts: dict[str, Any] = {"data": told}
        try:
            person = _person(told)
        except InvalidLead as error:
            facts |= {"result": Result.INVALID, "detail": "; ".join(error.faults)}
        else:
            if (before := _twin(person, seen)) is not None:
                detail = _("as line %d") % before
                facts |= {"result": Result.DUPLICATE, "detail": detail}
            for key in person.keys:
                seen.setdefault(key, (line, person.texts["external_id"]))
        yield line, facts


def _person(told: dict[str, Any]) -> Person:
    if extra := told.get("extra"):
        raise InvalidLead([_("%d cells more than there are columns") % extra])
    if not isinstance(told.get("context") or {}, dict):
        raise InvalidLead([_("context must be an object")])
    return read(told)


def _twin(person: Person, seen: dict[str, tuple[int, str]]) -> int | None:
    """Return the line that told of the same person; two ids are two people."""
    external = person.texts["external_id"]
    for key in person.keys:
        line, other = seen.get(key, (0, ""))
        if line and not (external and other and external != other):
            return line
    return None


def _line(batch: EnrollmentBatch, key: int) -> None:
    """Enrol one line; a dry run undoes it, and keeps only what it would have come to."""
    facts: dict[str, Any] = {}
    with transaction.atomic():
        rows = EnrollmentRow.objects.select_for_update(skip_locked=True)
        row = rows.filter(pk=key, result=None).first()
        if row is None:
            return  # another worker has it
        point = transaction.savepoint()
        try:
            facts = _enrolled(batch, row)
        except OURS:
            raise
        except Exception as error:
            # One line that breaks us must not stop the others.
            logger.exception("line %s of batch %s", row.line, batch.pk)
            transaction.savepoint_rollback(point)
            facts = {"result": Result.ERROR, "detail": type(error).__name__}
        if batch.is_dry:
            transaction.savepoint_rollback(point)
            facts.pop("run", None)
        EnrollmentRow.objects.filter(pk=key).update(**facts)


def _enrolled(batch: EnrollmentBatch, row: EnrollmentRow) -> dict[str, Any]:
    try:
        with transaction.atomic():
            person = _person(row.data)
            lead = meet(batch.cadence.company, person, owner=batch.owner)
            run = enroll(
                lead, batch.cadence, context=row.data.get("context") or {},
                source="batch", actor=batch.created_by,
                without_contact=batch.without_contact,
            )  # fmt: skip
    except InvalidLead as error:
        return {"result": Result.INVALID, "detail": "; ".join(error.faults)}
    except NotEnrolled as error:
        return {"result": Result.REFUSED, "detail": error.motive}
    return {"result": Result.ENROLLED, "run": run}
