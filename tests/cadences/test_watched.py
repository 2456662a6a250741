"""What people are told of about cadences."""

from datetime import UTC, datetime, timedelta

import pytest

from cadences.models import Event
from cadences.outcomes import Unknown
from cadences.runner import run_here
from cadences.states import Trigger
from queues.alerts.measures import measures
from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import AlertState
from tests.cadences.people import cadence, enrolled

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

DAY = timedelta(days=1)


def readings(name):
    now = datetime.now(UTC)
    return {each.subject: each for each in measures()[name].read(now, DAY)}


def sent(run, count, opted_out=0):
    Event.objects.bulk_create(
        Event(run=run, type=type_)
        for type_ in ["DISPARADO"] * count + ["OPT_OUT"] * opted_out
    )


@pytest.mark.usefixtures("clock", "phones")
def test_the_opt_out_rate_is_told_by_cadence():
    (first,) = enrolled(cadence(code="spring"))
    (second,) = enrolled(cadence(code="autumn"))
    sent(first, 50, opted_out=5)
    sent(second, 10, opted_out=10)

    found = readings("opt-out-rate")

    assert (found["spring"].value, found["spring"].sample) == (10, 50)
    assert found["autumn"].value == 100
    install_rules()
    watch()
    firing = AlertState.objects.filter(rule__code="opt-out-rate", is_firing=True)
    assert [each.subject for each in firing] == ["spring"]


@pytest.mark.usefixtures("phones")
def test_the_oldest_due_run_is_told_by_its_age(clock):
    assert readings("cadence-overdue")[""].value == 0

    enrolled(cadence())
    clock.pass_(hours=1)

    assert 0 < readings("cadence-overdue")[""].value <= 3600


@pytest.mark.usefixtures("clock")
def test_sends_of_unknown_outcome_are_counted(phones):
    assert readings("cadence-unknown")[""].value == 0
    enrolled(cadence(), 2)
    phones.script.append(Unknown("timeout"))

    run_here(Trigger.MANUAL)

    assert readings("cadence-unknown")[""].value == 1
