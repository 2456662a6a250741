"""Order a repair of many dead letters: look at it first, begin it, take it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Max

from queues import audit
from queues.enqueue import enqueue
from queues.errors import (
    CannotRestore,
    InvalidOption,
    NothingSelected,
    QueueError,
)
from queues.letters import BULK_TYPES, Selection, eligible
from queues.models import DeadLetter, Job, LetterBulk
from queues.payload import dump
from queues.repair import edited
from queues.states import FINAL

SAMPLES = 5
URGENT = 1
"""The priority of the job that repairs: it must not wait behind what it repairs."""
MOST_A_MINUTE = 6_000_000
ACTIONS = {
    LetterBulk.Verb.REPLAY: "letter.replay",
    LetterBulk.Verb.DISCARD: "letter.dismiss",
    LetterBulk.Verb.RESTORE: "letter.restore",
}
"""What the audit calls them."""


@dataclass(slots=True)
class Sample:
    """One letter as the bulk would take it on."""

    letter: DeadLetter
    before: Any
    after: Any = None
    problem: str = ""


@dataclass(slots=True)
class Preview:
    """What a bulk would do."""

    total: int
    upto: int = 0
    """The youngest of them: an order over this selection up to it means the same."""
    types: list[tuple[str, int]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to the letters of a selection, and how.

    `edit` is a JSON merge patch of the payloads of a replay, `per_minute` the most
    that it puts back in a minute. Raises InvalidOption, InvalidJobData.
    """

    verb: str
    selection: Selection
    edit: Mapping[str, Any] | None = None
    per_minute: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verb not in ACTIONS:
            raise InvalidOption(f"Unknown verb: {self.verb}")
        if self.verb != LetterBulk.Verb.REPLAY and self.edit is not None:
            raise InvalidOption("Only a replay can change payloads")
        if self.edit is not None:
            if not isinstance(self.edit, Mapping):
                raise InvalidOption("The change must be a JSON object")
            dump(self.edit)
        if self.per_minute is not None and not 0 < self.per_minute <= MOST_A_MINUTE:
            raise InvalidOption("The most a minute must be a positive number")


def preview(order: Order) -> Preview:
    """Return how many letters the order means, of which types, and the newest few."""
    letters = eligible(order.selection, order.verb)
    counted = letters.order_by().values_list("type")
    types = list(counted.annotate(count=Count("*")).order_by("-count", "type"))
    newest = list(letters.select_related("job").order_by("-pk")[:SAMPLES])
    return Preview(
        sum(count for _, count in types),
        newest[0].pk if newest else 0,
        types,
        [_sample(letter, order) for letter in newest],
    )


def begin(
    order: Order, *, token: UUID | None = None, source: str = "code"
) -> LetterBulk:
    """Write the order and the job that carries it out; return it.

    Letters that arrive later are not touched. The same token again returns the order
    that it began. Raises NothingSelected.
    """
    with transaction.atomic():
        if token and (begun := LetterBulk.objects.filter(token=token).first()):
            return begun
        letters = eligible(order.selection, order.verb)
        scope = letters.aggregate(total=Count("*"), upto=Max("pk"))
        if not scope["total"]:
            raise NothingSelected
        bulk, is_new = LetterBulk.objects.get_or_create(
            token=token or uuid4(),
            defaults={
                "verb": order.verb,
                "selection": order.selection.for_bulk(order.verb).words(),
                "edit": order.edit,
                "per_minute": order.per_minute,
                "reason": order.reason,
                "actor": audit.whoever().name,
                "restores_id": order.selection.bulk
                if order.verb == LetterBulk.Verb.RESTORE
                else None,
                **scope,
            },
        )
        if is_new:
            _set_to_work(bulk, order, source)
    return bulk


def restore(bulk: LetterBulk, *, reason: str = "", source: str = "code") -> LetterBulk:
    """Take back what a discard did, as long as its letters are kept.

    Raises CannotRestore while it runs or for another verb, NothingSelected.
    """
    if bulk.verb != LetterBulk.Verb.DISCARD:
        raise CannotRestore("Only a discard can be taken back")
    if is_live(bulk):
        raise CannotRestore("It still runs: stop it first")
    selection = Selection(bulk=bulk.pk)
    return begin(Order("restore", selection, reason=reason), source=source)


def is_live(bulk: LetterBulk) -> bool:
    """Tell whether its job may still touch a letter."""
    if bulk.finished_at is not None or bulk.job_id is None:
        return False
    return Job.objects.filter(pk=bulk.job_id).exclude(status__in=FINAL).exists()


def _set_to_work(bulk: LetterBulk, order: Order, source: str) -> None:
    data = {"bulk_id": bulk.pk}
    bulk.job = enqueue(BULK_TYPES[bulk.verb], data, priority=URGENT, source=source)
    bulk.save(update_fields=["job"])
    audit.record(
        ACTIONS[LetterBulk.Verb(bulk.verb)],
        bulk,
        reason=order.reason,
        after={
            "selection": bulk.selection,
            "edit": bulk.edit,
            "per_minute": bulk.per_minute,
        },
        count=bulk.total,
    )


def _sample(letter: DeadLetter, order: Order) -> Sample:
    sample = Sample(letter, letter.job.payload)
    if order.edit is not None:
        try:
            sample.after = edited(letter.type, sample.before, order.edit).document
        except QueueError as error:
            sample.problem = str(error)
    return sample
