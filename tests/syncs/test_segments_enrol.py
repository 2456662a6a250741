"""From a lead to a cadence: once, whoever saw it first; suppression wins."""

from typing import Any

import pytest

from cadences.models import Run, Suppression
from cadences.suppress import suppress
from queues.models import Job
from syncs.models import Enrolment, EnrolmentRule, LeadEvent, SegmentControl
from syncs.segments.enrol import enrol
from syncs.segments.join import join
from tests.cadences.people import cadence
from tests.queues.runners import race
from tests.syncs.segments import company, events, lead, run_jobs, segment, sync

pytestmark = pytest.mark.django_db


def rule(control: SegmentControl | None = None, **facts: Any) -> EnrolmentRule:
    """Return a rule that puts who joins into a cadence of one step."""
    facts.setdefault(
        "cadence", cadence(code=f"welcome-{EnrolmentRule.objects.count()}")
    )
    return EnrolmentRule.objects.create(
        **{"name": "Welcome", "on": "joined", "control": control, **facts}
    )


def quiet(number: int = 101) -> SegmentControl:
    """Return a segment whose details are not read."""
    return segment(number, enrich="never")


def test_who_joins_is_enrolled_and_who_was_there_is_not(hub):
    hub.fill(101, range(1, 6))
    control = quiet()
    made = rule(control)
    sync(control)
    before = Run.objects.count()

    hub.add(6, 101)
    sync(control)
    run_jobs()

    assert before == 0
    run = Run.objects.get()
    assert (run.lead, run.cadence, run.source) == (lead(6), made.cadence, "segment")
    assert Enrolment.objects.filter(rule=made, run=run).exists()


def test_a_rule_may_take_those_already_there(hub):
    hub.fill(101, range(1, 4))
    control = quiet()
    rule(control, with_baseline=True)

    sync(control)
    run_jobs()

    assert Run.objects.count() == 3


def test_a_change_enrols_where_the_named_fact_changed(hub):
    hub.fill(101, range(1, 4))
    control = quiet()
    rule(control, on="changed", facts=["stage"])
    sync(control)

    hub.change(1, city="Santos")
    hub.change(2, stage="proposta")
    sync(control)
    run_jobs()

    assert [run.lead for run in Run.objects.all()] == [lead(2)]


def test_suppression_wins(hub):
    hub.fill(101, range(1, 3))
    control = quiet()
    rule(control)
    sync(control)
    suppress(
        "whatsapp", "+5511910000003", reason=Suppression.Reason.OPT_OUT,
        company="acme", everywhere=True,
    )  # fmt: skip

    hub.add(3, 101, email=None)
    sync(control)
    run_jobs()

    assert not Run.objects.exists()
    assert Enrolment.objects.get().motive == "SUPRIMIDO"


def test_a_cadence_of_another_company_is_not_started(hub):
    hub.fill(101, [1])
    control = segment(enrich="never", company=company("acme"))
    rule(control, cadence=cadence(at="other"), with_baseline=True)

    sync(control)
    run_jobs()

    assert not Enrolment.objects.exists()


def test_without_a_rule_nothing_is_asked(hub):
    hub.fill(101, [1])

    sync(quiet())

    assert not Job.objects.filter(type="enroll-leads").exists()
    assert len(events("joined")) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_that_see_the_same_join_at_once_enrol_it_once():
    from tests.cadences.people import lead as person

    control = quiet()
    rule(control)
    found = person()

    def see(_: int) -> None:
        from django.db import transaction

        with transaction.atomic():
            held = SegmentControl.objects.select_for_update(no_key=True).get()
            join(held, {"7": found.pk}, is_baseline=False)
        enrol(LeadEvent.objects.values_list("pk", flat=True))

    race(8, see)

    assert (LeadEvent.objects.count(), Run.objects.count()) == (1, 1)
    assert Enrolment.objects.count() == 1
