"""Versions that never change, and what that means to runs: scenarios D1 to D9."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from cadences.enroll import enroll
from cadences.errors import BadTemplate, IllegalMove, NotEnrolled, NotPublishable
from cadences.migrate import migrate, preview
from cadences.models import (
    Cadence,
    Calendar,
    Execution,
    Run,
    Step,
    Template,
    Variant,
    Version,
)
from cadences.outcomes import Unknown
from cadences.publish import draft, lint, publish, revise
from cadences.runner import run_here
from cadences.states import Trigger
from queues.invariants import violations
from tests.cadences.people import (
    cadence,
    company,
    enrolled,
    execution,
    fresh,
    lead,
    template,
    told,
)

pytestmark = pytest.mark.django_db

THREE: tuple[dict[str, Any], ...] = (
    {},
    {"delay": 60},
    {"delay": 60, "template_code": "third"},
)


def run() -> None:
    run_here(Trigger.MANUAL)


def third_less(which: Cadence) -> Version:
    """Publish a version without the third step."""
    version = draft(which)
    version.steps.get(position=3).delete()
    return publish(version)


def test_d1_runs_keep_the_version_that_they_started_with(clock, phones):
    which = cadence(*THREE)
    runs = enrolled(which, 5)
    for _ in range(2):
        run()
        clock.pass_(minutes=60)
    third_less(which)

    run()

    assert len(phones.ledger) == 15
    assert Execution.objects.filter(template_code="third", state="sent").count() == 5
    assert {fresh(each).exit_reason for each in runs} == {"no_more_steps"}


def test_d2_a_migration_is_told_beforehand_and_does_what_it_said(clock, phones):
    which = cadence(*THREE)
    at_third = enrolled(which, 3)
    run()
    clock.pass_(minutes=60)
    run()
    at_first = enrolled(which, 2, start_at=clock.pass_(minutes=1))
    in_doubt = enrolled(which, 1)
    phones.script.append(Unknown("timeout"))
    run_here(Trigger.MANUAL, limit=3)
    version = third_less(which)
    before = list(Run.objects.order_by("pk").values())

    kinds = {move.run_id: move.kind for move in preview(version, vanished="end")}

    assert list(Run.objects.order_by("pk").values()) == before
    assert all(kinds[each.pk] == "end" for each in at_third)
    blocked = [run_id for run_id, kind in kinds.items() if kind == "blocked"]
    assert len(blocked) == 1
    done = migrate(version, actor="ana", vanished="end")
    assert done == {"end": 3, "same": 2, "blocked": 1}
    assert Run.objects.filter(version=version).count() == 5
    assert told(at_third[0])[-2:] == ["VERSAO_MIGRADA", "CONCLUIDA"]
    assert len(at_first + in_doubt) == 3


def test_d2_a_step_that_vanished_may_mean_the_next_one(clock, phones):
    which = cadence({}, {"delay": 60}, {"delay": 60, "template_code": "third"})
    (one,) = enrolled(which)
    run()
    version = draft(which)
    version.steps.get(position=2).delete()
    version = publish(version)

    (move,) = preview(version)
    migrate(version, actor="ana")

    assert (move.kind, move.from_step, move.to_step) == ("next", 2, 3)
    clock.pass_(minutes=60)
    run()
    assert phones.ledger[-1].body
    assert Execution.objects.filter(run=one, position=3, state="sent").exists()


def test_d3_another_delay_changes_no_run_on_the_old_version(clock, phones):
    which = cadence(*THREE)
    (one,) = enrolled(which)
    run()
    before = fresh(one).next_run_at
    version = draft(which)
    version.steps.filter(position=2).update(delay=999)
    publish(version)

    assert fresh(one).next_run_at == before


def test_d4_a_new_wording_is_for_new_sends_and_old_ones_keep_theirs(clock, phones):
    which = cadence()
    old = enrolled(which)[0]
    run()
    revise(Template.objects.get(), body="Oi {{ nome }}!")
    new = enrolled(which)[0]
    run()

    assert execution(old).body.startswith("Olá")
    assert execution(new).body.startswith("Oi")
    assert execution(old).revision_id != execution(new).revision_id


def test_d5_a_template_switched_off_is_an_error_and_then_a_pause(clock, phones):
    (one,) = enrolled(cadence())
    Template.objects.update(is_active=False)
    for _ in range(3):
        run()
        clock.pass_(minutes=30)

    assert (fresh(one).status, fresh(one).pause_reason) == ("PAUSADA", "errors")


def test_d6_a_version_with_faults_is_not_published():
    home = company()
    which = Cadence.objects.create(company=home, code="faulty")
    version = draft(which)
    assert lint(version) == ["There are no steps"]
    template("plain")
    never = Calendar.objects.create(name="never")
    step = Step.objects.create(
        version=version, position=1, template_code="plain", calendar=never,
        conditions=[{"field": "owner.password"}],
    )  # fmt: skip
    Variant.objects.create(step=step, code="a", template_code="plain", weight=0)
    Step.objects.create(version=version, position=2, template_code="missing")
    Step.objects.create(version=version, position=3, fallbacks=["pigeon"], template_code="plain")  # fmt: skip

    with pytest.raises(NotPublishable) as refusal:
        publish(version)

    assert refusal.value.faults == [
        "Step 1: the calendar never is never open",
        "Step 1: unknown field of a condition: owner.password",
        "Step 1: no variant has a weight",
        "Step 2: no template missing for WhatsApp",
        "Step 3: unknown channel: pigeon",
    ]
    with pytest.raises(BadTemplate, match="unknown variable: senha"):
        template("plain", "{{ senha }}")


@pytest.mark.parametrize("state", ["closed", "paused", "archived"])
def test_d7_a_cadence_may_be_closed_for_new_leads_or_for_all(state, clock, phones):
    which = cadence()
    (one,) = enrolled(which)
    Cadence.objects.update(state=state)

    with pytest.raises(NotEnrolled, match="CADENCIA_INATIVA"):
        enroll(lead(), which)
    run()

    status = {"closed": "CONCLUIDA", "paused": "PAUSADA", "archived": "CANCELADA"}
    assert fresh(one).status == status[state]
    assert len(phones.ledger) == (state == "closed")


def test_d8_a_cadence_with_runs_is_not_deleted(clock):
    which = cadence()
    enrolled(which)

    with pytest.raises(ProtectedError):
        which.delete()


@pytest.mark.parametrize("act", [
    "UPDATE cadence_steps SET delay = 9", "DELETE FROM cadence_steps",
    "INSERT INTO step_variants (step_id, code, template_code) SELECT id, 'a', 'b' FROM cadence_steps",
    "UPDATE template_revisions SET body = 'x'",
])  # fmt: skip
def test_d9_a_published_version_does_not_change(act, sql):
    cadence()

    with pytest.raises(IntegrityError), transaction.atomic():
        sql(act)
    with pytest.raises(IllegalMove):
        publish(Version.objects.get())


@pytest.mark.raw_rows
def test_d9_tampering_is_found():
    cadence()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE cadence_steps DISABLE TRIGGER USER")
        cursor.execute("UPDATE cadence_steps SET delay = 9")
        cursor.execute("ALTER TABLE cadence_steps ENABLE TRIGGER USER")

    assert "cadence-i11-published-is-frozen" in dict(violations())


def test_variants_are_the_same_for_a_lead_and_share_by_weight(clock, phones):
    home = company()
    for code in ("hello", "a", "b"):
        template(code)
    which = Cadence.objects.create(company=home, code="ab")
    version = draft(which)
    step = Step.objects.create(version=version, position=1, template_code="hello")
    Variant.objects.create(step=step, code="a", template_code="a", weight=3)
    Variant.objects.create(step=step, code="b", template_code="b", weight=1)
    publish(version)
    which.refresh_from_db()
    enrolled(which, 40)

    run()

    found = list(Execution.objects.values_list("variant", "template_code"))
    assert set(found) == {("a", "a"), ("b", "b")}
    assert 20 <= found.count(("a", "a")) <= 39
