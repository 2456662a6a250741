"""Change the steps of a draft: each change under its lock, with its audit row."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from cadences.errors import IllegalMove
from cadences.models import Step, Variant, Version
from cadences.publish import FACTS
from queues.audit import record

OWN = tuple(name for name in FACTS if name not in {"key", "position"})
"""What people say of a step."""
AWAY = 1_000_000
"""Added to positions while others take their places."""

Wording = tuple[str, str, int]
"""Code, template and weight of a variant."""


def add_step(
    version: Version, facts: Mapping[str, Any], variants: Sequence[Wording] = ()
) -> Step:
    """Add a step at the end of a draft."""
    with _held(version) as steps:
        step = Step.objects.create(
            version=version, key=uuid.uuid4(), position=len(steps) + 1, **facts
        )
        _say(step, variants)
        record("step.add", version, after=_told(step, variants))
    return step


def change_step(
    step: Step, facts: Mapping[str, Any], variants: Sequence[Wording] = ()
) -> Step:
    """Let a step of a draft say something else."""
    with _held(step.version) as steps:
        before = _find(steps, step)
        was = _told(before, [(v.code, v.template_code, v.weight) for v in _of(before)])
        for name, value in facts.items():
            setattr(before, name, value)
        before.save(update_fields=list(facts))
        before.variants.all().delete()
        _say(before, variants)
        after = _told(before, variants)
        changed = {name for name in after if after[name] != was[name]} | {"position"}
        if changed - {"position"}:
            record(
                "step.change", step.version,
                before={name: was[name] for name in was if name in changed},
                after={name: after[name] for name in after if name in changed},
            )  # fmt: skip
    return before


def move_step(step: Step, *, by: int) -> None:
    """Let a step of a draft change places with its neighbours; at an end it stays."""
    with _held(step.version) as steps:
        keys = [each.pk for each in steps]
        here = keys.index(_find(steps, step).pk)
        there = min(max(here + by, 0), len(keys) - 1)
        if here == there:
            return
        keys.insert(there, keys.pop(here))
        _number(step.version, keys)
        record(
            "step.move", step.version,
            before={"position": here + 1}, after={"position": there + 1},
        )  # fmt: skip


def duplicate_step(step: Step) -> Step:
    """Put a copy of a step behind it, with a key of its own."""
    with _held(step.version) as steps:
        found = _find(steps, step)
        facts = {name: getattr(found, name) for name in OWN}
        copy = Step.objects.create(
            version=step.version, key=uuid.uuid4(), position=len(steps) + 1, **facts
        )
        variants = [(v.code, v.template_code, v.weight) for v in _of(found)]
        _say(copy, variants)
        keys = [each.pk for each in steps]
        keys.insert(keys.index(found.pk) + 1, copy.pk)
        _number(step.version, keys)
        record("step.copy", step.version, after=_told(found, variants))
    copy.refresh_from_db()
    return copy


def delete_step(step: Step) -> None:
    """Take a step out of a draft; those behind it move up."""
    with _held(step.version) as steps:
        found = _find(steps, step)
        was = _told(found, [(v.code, v.template_code, v.weight) for v in _of(found)])
        keys = [each.pk for each in steps if each.pk != found.pk]
        found.delete()
        _number(step.version, keys)
        record("step.delete", step.version, before=was)


def discard(version: Version) -> None:
    """Throw a draft away; what is published stays as it is."""
    with _held(version) as steps:
        record("version.discard", version, before={"steps": len(steps)})
        version.delete()


@contextmanager
def _held(version: Version) -> Iterator[list[Step]]:
    """Lock a draft and give its steps in order; raise IllegalMove if it is none."""
    with transaction.atomic():
        held = Version.objects.select_for_update().filter(pk=version.pk).first()
        if held is None or held.state != Version.State.DRAFT:
            raise IllegalMove(_("Only a draft can be changed"))
        rows = held.steps.select_related("version__cadence").order_by("position")
        yield list(rows.prefetch_related("variants"))


def _find(steps: list[Step], step: Step) -> Step:
    found = next((each for each in steps if each.pk == step.pk), None)
    if found is None:
        raise IllegalMove(_("The step is not there any more"))
    return found


def _of(step: Step) -> list[Variant]:
    return list(step.variants.order_by("code"))


def _say(step: Step, variants: Sequence[Wording]) -> None:
    Variant.objects.bulk_create(
        Variant(step=step, code=code, template_code=template, weight=weight)
        for code, template, weight in variants
    )


def _number(version: Version, keys: list[int]) -> None:
    """Give the steps the positions of their keys, in one statement after another."""
    rows = Step.objects.filter(version=version)
    rows.update(position=F("position") + AWAY)
    steps = {each.pk: each for each in rows}
    for position, key in enumerate(keys, start=1):
        steps[key].position = position
    Step.objects.bulk_update(steps.values(), ["position"])


def _told(step: Step, variants: Sequence[Wording]) -> dict[str, Any]:
    facts = {name: getattr(step, name) for name in ("position", *OWN)}
    return {**facts, "variants": [list(each) for each in variants]}
