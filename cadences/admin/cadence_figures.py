"""How far the runs of a cadence come, and its versions, ready for their page."""

from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format

from cadences.admin import words
from cadences.funnel import MOST, Count, Funnel, funnel, living
from cadences.models import Cadence, Step, Version
from cadences.steps import steps_of

NONE = (0,) * 8


@dataclass(frozen=True, slots=True)
class Row:
    """A step of the funnel."""

    position: int | None
    title: str
    ways: str
    when: str
    count: Count
    share: int
    """How many of a hundred runs heard it; the width of its bar."""
    variants: list[Count]


def figures_of(cadence: Cadence) -> dict[str, Any]:
    """Return the funnel: the steps that new leads go through, then what once was."""
    found = funnel(cadence.pk)
    steps = steps_of(cadence.published) if cadence.published else ()
    rows = [_row(step, found) for step in steps]
    known = {step.key for step in steps}
    past = [
        _past(each, found) for key, each in found.counts.items() if key not in known
    ]
    return {"runs": found.runs, "is_cut": found.is_cut, "rows": [*rows, *past]}


def _row(step: Step, found: Funnel) -> Row:
    count = found.counts.get(step.key) or Count(step.key, None, step.position, *NONE)
    return Row(
        step.position, words.title(step), words.ways(step), words.when(step), count,
        _share(count, found), found.variants.get(step.key, []),
    )  # fmt: skip


def _past(count: Count, found: Funnel) -> Row:
    variants = found.variants.get(count.key, [])
    return Row(None, "", "", "", count, _share(count, found), variants)


def _share(count: Count, found: Funnel) -> int:
    return round(100 * count.sent / found.runs) if found.runs else 0


def versions_of(cadence: Cadence) -> list[dict[str, Any]]:
    """Return the versions, the newest first, with the live runs on each."""
    versions = list(cadence.versions.order_by("-number")[:20])
    runs = living(cadence.pk)
    return [
        {
            "version": each,
            "badge": words.state_of_version(each),
            "runs": capped(runs.get(each.pk, 0)),
            "has_runs": bool(runs.get(each.pk)),
            "is_draft": each.state == Version.State.DRAFT,
            "is_current": each.pk == cadence.published_id,
            "before": each.number - 1,
        }
        for each in versions
    ]


def capped(count: int, most: int = MOST) -> str:
    """Return a count that may have stopped early."""
    shown = number_format(count, force_grouping=True)
    return f"{shown}+" if count >= most else shown
