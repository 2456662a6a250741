"""Carry out a bulk, one page of letters a transaction.

A page locks the bulk first, then its jobs in the order of their ids, and counts
itself in the same transaction: after a SIGKILL the next process goes on behind the
last page, and no letter is ever taken twice.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import F
from django.db.models.functions import Now

from queues import payload
from queues.errors import IllegalTransition, QueueError, UnknownBulk
from queues.handlers import registry
from queues.letters import Selection, eligible
from queues.models import DeadLetter, Job, LetterBulk, LetterRefusal
from queues.patch import patched
from queues.patience import patiently
from queues.states import LIVE
from queues.wake import wake_on_commit

PAGE = 1000
WINDOW = 10.0
"""Seconds for which a paced replay works ahead; its letters get due times in them."""
SUPERSEDED = str(IllegalTransition("retry", "superseded"))

# A key that someone else is writing is not waited for: whoever writes many keys may
# wait for one of ours. The page is tried again instead.
IMPATIENT = "SET LOCAL lock_timeout = '250ms'"
REVIVE = """
UPDATE jobs AS job SET
    status = 'pending', failures = 0, losses = 0, crashes = 0, completed_at = NULL,
    cancel_requested_at = NULL, error = NULL, result = NULL,
    run_at = greatest(clock_timestamp(), %(paced_until)s::timestamptz)
        + (chosen.place - 1) * %(gap)s * interval '1 second',
    payload = coalesce(chosen.payload::jsonb, job.payload),
    checkpoint = CASE WHEN chosen.payload IS NULL THEN job.checkpoint END,
    progress = CASE WHEN chosen.payload IS NULL THEN job.progress END,
    limit_name = CASE WHEN chosen.payload IS NULL
        THEN job.limit_name ELSE chosen.limit_name END,
    limit_key = CASE WHEN chosen.payload IS NULL
        THEN job.limit_key ELSE chosen.limit_key END
FROM unnest(%(ids)s::bigint[], %(payloads)s::text[], %(limit_names)s::text[],
            %(limit_keys)s::text[])
    WITH ORDINALITY AS chosen (id, payload, limit_name, limit_key, place)
WHERE job.id = chosen.id AND job.status = 'failed'
RETURNING job.queue
"""
PACE = """
UPDATE letter_bulks
SET paced_until = greatest(clock_timestamp(), paced_until) + %s * interval '1 second'
WHERE id = %s
"""
AHEAD = """
SELECT extract(epoch FROM paced_until - clock_timestamp()) FROM letter_bulks
WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Edited:
    """A payload after the change, and whose turn it is now."""

    document: Any
    text: str
    limit_name: str | None
    limit_key: str | None


@dataclass(slots=True)
class Step:
    """How far a bulk is after a page."""

    done: int
    refused: int
    total: int
    cursor: int
    is_finished: bool = False
    wait: float = 0.0
    """Seconds until a paced replay should go on."""


@dataclass(slots=True)
class Page:
    """The letters of one step, by what becomes of them."""

    letters: dict[int, int]
    """Letter to job."""
    refused: dict[int, str] = field(default_factory=dict)
    edits: dict[int, Edited] = field(default_factory=dict)

    def accepted(self) -> list[int]:
        """Return the letters that are not refused, in order."""
        return [each for each in self.letters if each not in self.refused]


def edited(type_: str, document: Any, edit: Mapping[str, Any]) -> Edited:
    """Return a payload with the change, as its type accepts it; raise if not."""
    handler = registry.get(type_)
    new = patched(document, edit)
    text = payload.encode(handler, new)
    limit = handler.limit.name if handler.limit else None
    return Edited(json.loads(text), text, limit, payload.limit_key(handler, new))


def repair(bulk_id: int) -> Step:
    """Take the next page of letters; return how far the bulk is.

    Raises UnknownBulk if it was pruned.
    """
    while True:
        try:
            return patiently(lambda: _step(bulk_id))
        except IntegrityError:
            continue  # a key was taken meanwhile: now it shows


def _step(bulk_id: int) -> Step:
    bulk = LetterBulk.objects.select_for_update().filter(pk=bulk_id).first()
    if bulk is None:
        raise UnknownBulk(bulk_id)
    if bulk.finished_at is not None:
        return _as_step(bulk)
    if (wait := _ahead(bulk)) > WINDOW / 2:
        return _as_step(bulk, wait=wait - WINDOW / 2)
    with connection.cursor() as cursor:
        cursor.execute(IMPATIENT)
    found = _next(bulk)
    if found:
        page = _taken(bulk, found)
        _ACTS[LetterBulk.Verb(bulk.verb)](bulk, page)
        _refuse(bulk, page)
    _count(bulk, page if found else None, last=max(found, default=bulk.cursor))
    return _as_step(LetterBulk.objects.get(pk=bulk_id))


def _next(bulk: LetterBulk) -> dict[int, int]:
    most = PAGE
    if bulk.per_minute:
        most = max(1, min(PAGE, int(bulk.per_minute * WINDOW / 60)))
    letters = eligible(Selection.read(bulk.selection), bulk.verb)
    ahead = letters.filter(pk__gt=bulk.cursor, pk__lte=bulk.upto).order_by("pk")
    return dict(ahead.values_list("pk", "job_id")[:most])


def _taken(bulk: LetterBulk, found: Mapping[int, int]) -> Page:
    """Lock the jobs, and leave out the letters that others dealt with meanwhile."""
    jobs = Job.objects.filter(pk__in=found.values()).order_by("pk")
    locked = set(jobs.select_for_update().values_list("pk", flat=True))
    letters = eligible(Selection.read(bulk.selection), bulk.verb)
    still = set(letters.filter(pk__in=found).values_list("pk", flat=True))
    return Page(
        {each: job for each, job in found.items() if each in still and job in locked}
    )


def _replay(bulk: LetterBulk, page: Page) -> None:
    jobs = Job.objects.filter(pk__in=page.letters.values())
    if bulk.edit is not None:
        _edit(page, dict(jobs.values_list("pk", "payload")), bulk.edit)
    keyed = jobs.filter(unique_key__isnull=False)
    if keys := {
        pk: (type_, str(key))
        for pk, type_, key in keyed.values_list("pk", "type", "unique_key")
    }:
        _yield_keys(page, keys)
    if letters := page.accepted():
        _revive(bulk, page, letters)
        _stamp(bulk, letters, replayed_at=Now())


def _edit(page: Page, payloads: Mapping[int, Any], edit: Mapping[str, Any]) -> None:
    types = DeadLetter.objects.filter(pk__in=page.letters)
    for letter, type_ in types.values_list("pk", "type"):
        try:
            page.edits[letter] = edited(type_, payloads[page.letters[letter]], edit)
        except QueueError as error:
            page.refused[letter] = str(error)


def _yield_keys(page: Page, keys: Mapping[int, tuple[str, str]]) -> None:
    """Refuse the letters whose unique key a live job holds, or a letter before them."""
    names = defaultdict(list)
    for type_, key in keys.values():
        names[type_].append(key)
    held = {
        pair
        for type_, each in names.items()
        for pair in Job.objects.filter(
            type=type_, unique_key__in=each, status__in=LIVE
        ).values_list("type", "unique_key")
    }
    for letter in page.accepted():
        pair = keys.get(page.letters[letter])
        if pair in held:
            page.refused[letter] = SUPERSEDED
        elif pair is not None:
            held.add(pair)


def _revive(bulk: LetterBulk, page: Page, letters: Sequence[int]) -> None:
    gap = 60 / bulk.per_minute if bulk.per_minute else 0.0
    edits = [page.edits.get(each) for each in letters]
    with connection.cursor() as cursor:
        cursor.execute(
            REVIVE,
            {
                "ids": [page.letters[each] for each in letters],
                "payloads": [each and each.text for each in edits],
                "limit_names": [each and each.limit_name for each in edits],
                "limit_keys": [each and each.limit_key for each in edits],
                "paced_until": bulk.paced_until,
                "gap": gap,
            },
        )
        queues = {queue for (queue,) in cursor.fetchall()}
        if gap:
            cursor.execute(PACE, [gap * len(letters), bulk.pk])
    for queue in sorted(queues):
        wake_on_commit(queue)


def _discard(bulk: LetterBulk, page: Page) -> None:
    _stamp(bulk, page.accepted(), dismissed_at=Now())


def _restore(bulk: LetterBulk, page: Page) -> None:
    _stamp(bulk, page.accepted(), dismissed_at=None)


_ACTS = {
    LetterBulk.Verb.REPLAY: _replay,
    LetterBulk.Verb.DISCARD: _discard,
    LetterBulk.Verb.RESTORE: _restore,
}


def _stamp(bulk: LetterBulk, letters: Sequence[int], **change: Any) -> None:
    DeadLetter.objects.filter(pk__in=letters).update(bulk=bulk, **change)


def _refuse(bulk: LetterBulk, page: Page) -> None:
    LetterRefusal.objects.bulk_create(
        LetterRefusal(
            bulk=bulk, letter_id=letter, job_id=page.letters[letter], reason=why
        )
        for letter, why in page.refused.items()
    )


def _count(bulk: LetterBulk, page: Page | None, *, last: int) -> None:
    """Write how far it is; without a page, that it is through."""
    rows = LetterBulk.objects.filter(pk=bulk.pk)
    if page is None:
        rows.update(finished_at=Now())
        return
    rows.update(
        cursor=last,
        done=F("done") + len(page.accepted()),
        refused=F("refused") + len(page.refused),
    )


def _ahead(bulk: LetterBulk) -> float:
    """Return for how many seconds the letters of a paced replay have due times."""
    if bulk.paced_until is None:
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, [bulk.pk])
        return float(cursor.fetchone()[0])


def _as_step(bulk: LetterBulk, *, wait: float = 0.0) -> Step:
    is_finished = bulk.finished_at is not None
    return Step(bulk.done, bulk.refused, bulk.total, bulk.cursor, is_finished, wait)
