"""Concerns in words: what is the matter, what it means, and where to look."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from queues.concerns import Concern, Matter
from queues.survey import ENOUGH_OF_LINE

MOST_ALIKE = 3
"""More of one matter are told as a number."""

Words = str | Promise
SAYS: dict[Matter, tuple[Words, Words]] = {
    Matter.NO_BEAT: (
        gettext_lazy("No scheduler runs"),
        gettext_lazy("No schedule fires until one starts."),
    ),
    Matter.NO_WORKER: (
        gettext_lazy("No worker runs"),
        gettext_lazy("Every job waits until one starts."),
    ),
    Matter.UNHEARD: (
        gettext_lazy("No worker takes the queue “%(subject)s”"),
        gettext_lazy("Jobs due there: %(count)s. The oldest became due"),
    ),
    Matter.SILENT: (
        gettext_lazy("“%(subject)s” has gone silent"),
        gettext_lazy("Last heard of"),
    ),
    Matter.LATE: (
        gettext_lazy("The schedule “%(subject)s” is late"),
        gettext_lazy("It should have fired"),
    ),
    Matter.UNREADABLE: (
        gettext_lazy("The schedule “%(subject)s” cannot be read"),
        gettext_lazy("It does not fire until somebody corrects it."),
    ),
    Matter.SLOW: (
        gettext_lazy("The queue “%(subject)s” does not keep up"),
        gettext_lazy("Jobs due there: %(count)s. The oldest became due"),
    ),
    Matter.FULL: (
        gettext_lazy("The limit “%(subject)s” holds jobs back"),
        gettext_lazy("Jobs due under it: %(count)s. The oldest became due"),
    ),
    Matter.RISING: (
        gettext_lazy("More jobs die than an hour ago"),
        gettext_lazy("New dead letters in the last hour: %(count)s."),
    ),
    Matter.PAUSED: (
        gettext_lazy("The queue “%(subject)s” is paused"),
        gettext_lazy("It was paused"),
    ),
}


@dataclass(frozen=True, slots=True)
class Worry:
    """One line of the list of what needs a person."""

    title: str
    note: str
    url: str
    is_grave: bool
    since: datetime | None
    more: str = ""


def worries(concerns: Iterable[Concern]) -> list[Worry]:
    """Return the concerns in words, the grave ones first, those alike together."""
    alike: dict[Matter, list[Concern]] = {}
    for each in concerns:
        alike.setdefault(each.matter, []).append(each)
    return [
        worry for matter in Matter if matter in alike for worry in _told(alike[matter])
    ]


def _told(alike: list[Concern]) -> Iterator[Worry]:
    shown = [_worry(each) for each in alike[:MOST_ALIKE]]
    left = len(alike) - len(shown)
    if left:
        more = ngettext("and %(n)d more like it", "and %(n)d more like it", left)
        shown[-1] = replace(shown[-1], more=more % {"n": left})
    yield from shown


def _worry(concern: Concern) -> Worry:
    title, note = SAYS[concern.matter]
    words = {"subject": concern.subject, "count": number(concern.count)}
    return Worry(
        str(title) % words,
        str(note) % words,
        _address(concern),
        concern.is_grave,
        concern.since,
    )


def number(count: int, enough: int = ENOUGH_OF_LINE) -> str:
    """Return a count; one that stopped somewhere says that there are more."""
    shown = number_format(min(count, enough), force_grouping=True)
    return _("%(count)s or more") % {"count": shown} if count >= enough else shown


def _address(concern: Concern) -> str:
    match concern.matter:
        case Matter.LATE | Matter.UNREADABLE:
            return reverse(
                "admin:django_celery_beat_periodictask_change", args=[concern.key]
            )
        case Matter.FULL:
            return reverse("admin:queues_limitrow_change", args=[concern.key])
        case Matter.RISING:
            return listing("deadletter", state="open")
        case Matter.UNHEARD | Matter.SLOW | Matter.PAUSED:
            return listing("job", status="due", queue=concern.key)
        case _:
            return listing("worker")


def listing(model: str, app: str = "queues", **filters: Any) -> str:
    """Return the address of a list, narrowed."""
    query = f"?{urlencode(filters)}" if filters else ""
    return reverse(f"admin:{app}_{model}_changelist") + query
