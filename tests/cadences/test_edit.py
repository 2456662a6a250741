"""Drafts: steps added, changed, moved, copied and taken away, each told in the audit."""

import pytest

from cadences.compare import compare
from cadences.edit import (
    add_step,
    change_step,
    delete_step,
    discard,
    duplicate_step,
    move_step,
)
from cadences.errors import IllegalMove
from cadences.models import Cadence, Step, Version
from cadences.publish import draft, publish
from cadences.steps import steps_of
from queues.models import AuditEntry
from tests.cadences.people import cadence, company, template

pytestmark = pytest.mark.django_db


def codes(version: Version) -> list[str]:
    rows = version.steps.order_by("position").values_list("position", "template_code")
    assert [position for position, _ in rows] == list(range(1, len(rows) + 1))
    return [code for _, code in rows]


@pytest.fixture
def version() -> Version:
    """Return a draft of three steps."""
    which = Cadence.objects.create(company=company(), code="new")
    version = draft(which)
    for code in ("a", "b", "c"):
        template(code)
        add_step(version, {"template_code": code})
    return version


def test_steps_are_arranged(version: Version):
    a, b, c = version.steps.order_by("position")

    move_step(c, by=-1)
    assert codes(version) == ["a", "c", "b"]
    move_step(a, by=-1)  # it is the first already
    move_step(a, by=5)
    assert codes(version) == ["c", "b", "a"]
    copy = duplicate_step(c)
    assert codes(version) == ["c", "c", "b", "a"]
    assert copy.position == 2
    assert copy.key != c.key
    delete_step(b)
    assert codes(version) == ["c", "c", "a"]
    with pytest.raises(IllegalMove):
        delete_step(b)

    told = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(told)[-4:] == ["step.move", "step.move", "step.copy", "step.delete"]


def test_a_step_says_something_else(version: Version):
    step = version.steps.get(position=2)

    change_step(
        step, {"template_code": "a", "delay": 3}, [("x", "b", 2), ("y", "c", 1)]
    )

    step.refresh_from_db()
    assert (step.template_code, step.delay) == ("a", 3)
    assert set(step.variants.values_list("code", "template_code", "weight")) == {
        ("x", "b", 2),
        ("y", "c", 1),
    }
    entry = AuditEntry.objects.latest("pk")
    assert entry.action == "step.change"
    assert entry.before == {
        "position": 2,
        "template_code": "b",
        "delay": 0,
        "variants": [],
    }
    count = AuditEntry.objects.count()
    change_step(step, {"delay": 3}, [("x", "b", 2), ("y", "c", 1)])
    assert AuditEntry.objects.count() == count, "nothing changed, nothing to tell"


def test_only_a_draft_is_changed(version: Version):
    publish(version)
    step = version.steps.get(position=1)

    for act in (duplicate_step, delete_step):
        with pytest.raises(IllegalMove, match="Only a draft"):
            act(step)
    with pytest.raises(IllegalMove):
        move_step(step, by=1)
    with pytest.raises(IllegalMove):
        add_step(version, {})
    assert codes(version) == ["a", "b", "c"]


def test_a_draft_is_thrown_away(version: Version):
    publish(version)
    fresh = draft(version.cadence)

    discard(fresh)

    assert list(Version.objects.values_list("pk", flat=True)) == [version.pk]
    assert AuditEntry.objects.latest("pk").action == "version.discard"


def test_versions_are_compared_by_the_keys_of_their_steps(version: Version):
    publish(version)
    after = draft(version.cadence)
    a, b, _ = after.steps.order_by("position")
    change_step(a, {"delay": 5})
    delete_step(b)
    add_step(after, {"template_code": "new"})

    found = compare(steps_of(version), steps_of(after))

    assert [
        (each.kind, (each.after or each.before).template_code) for each in found
    ] == [
        ("changed", "a"),
        ("same", "c"),
        ("added", "new"),
        ("removed", "b"),
    ]
    assert [(f.name, f.before, f.after) for f in found[0].facts] == [("delay", 0, 5)]


def test_of_what_changed_places_the_fewest_are_told(version: Version):
    publish(version)
    after = draft(version.cadence)

    move_step(after.steps.get(position=3), by=-2)

    found = compare(steps_of(version), steps_of(after))
    assert [(each.kind, each.after.template_code) for each in found if each.after] == [
        ("moved", "c"),
        ("same", "a"),
        ("same", "b"),
    ]


def test_a_cadence_has_one_draft_whoever_asks(version: Version):
    assert draft(version.cadence) == version
    assert Step.objects.filter(version__cadence=cadence(code="other")).count() == 1
