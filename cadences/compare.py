"""What differs between two versions of a cadence: steps by their keys. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from cadences.models import Step

SHOWN = (
    "kind", "medium", "fallbacks", "template_code", "title", "is_blocking", "delay",
    "unit", "base", "local_time", "calendar_id", "conditions", "stop_on_reply",
    "on_unknown", "gap_minutes",
)  # fmt: skip
"""What a step says, in the order in which people read it."""

Kind = Literal["added", "removed", "changed", "moved", "same"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a step said before and says now."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one step."""

    kind: Kind
    before: Step | None
    after: Step | None
    facts: list[Fact] = field(default_factory=list)


def compare(before: Sequence[Step], after: Sequence[Step]) -> list[Change]:
    """Return what became of each step: those of the new version, then the removed."""
    old = {step.key: step for step in before}
    stayed = [step.key for step in after if step.key in old]
    order = [step.key for step in before if step.key in set(stayed)]
    still = _longest(order, stayed)
    found = [_change(old.get(step.key), step, still) for step in after]
    kept = {step.key for step in after}
    gone = [Change("removed", step, None) for step in before if step.key not in kept]
    return [*found, *gone]


def _change(before: Step | None, after: Step, still: set[UUID]) -> Change:
    if before is None:
        return Change("added", None, after)
    old, new = said(before), said(after)
    facts = [Fact(each, old[each], new[each]) for each in old if old[each] != new[each]]
    if facts:
        return Change("changed", before, after, facts)
    return Change("same" if after.key in still else "moved", before, after)


def said(step: Step) -> Mapping[str, Any]:
    """Return everything that a step says, its variants too."""
    facts = {name: getattr(step, name) for name in SHOWN}
    variants = sorted(step.variants.all(), key=lambda each: each.code)
    facts["variants"] = [(v.code, v.template_code, v.weight) for v in variants]
    return facts


def _longest(before: Sequence[UUID], after: Sequence[UUID]) -> set[UUID]:
    """Return the most keys that stand in the same order in both: they did not move."""
    place = {key: index for index, key in enumerate(before)}
    best: list[list[UUID]] = []
    for key in after:
        shorter = [run for run in best if place[run[-1]] < place[key]]
        best.append([*max(shorter, key=len, default=[]), key])
    longest: list[UUID] = max(best, key=len, default=[])
    return set(longest)
