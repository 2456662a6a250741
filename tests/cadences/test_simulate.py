"""A version tried on one lead goes as the engine would, and writes nothing."""

from datetime import datetime, timedelta

import pytest

from cadences.models import Cadence, Execution, Holiday, Lead, Run, Version
from cadences.publish import draft
from cadences.runner import run_here
from cadences.simulate import Timeline, simulate
from cadences.states import Trigger
from tests.cadences.people import (
    SAO_PAULO,
    T,
    business_hours,
    cadence,
    company,
    contact,
    enrolled,
    lead,
    template,
)

pytestmark = pytest.mark.django_db


def shown(line: Timeline) -> list[str]:
    return [f"{each.local:%a %d %H:%M}" for each in line.moments]


def test_the_simulation_is_what_then_happens(clock, phones):
    which = cadence(
        {},
        {"delay": 9, "unit": "hours"},
        {"delay": 2, "unit": "business_days", "local_time": "09:30"},
        {"delay": 3, "unit": "days", "base": "start"},
    )
    (run,) = enrolled(which)
    line = simulate(which.published, run.lead, start=T)

    run_here(Trigger.MANUAL)
    while nearest := _next():
        clock.go_to(nearest)
        run_here(Trigger.MANUAL)

    sent = Execution.objects.order_by("position").values_list("intended_at", "body")
    assert [(each.at, each.body) for each in line.moments] == list(sent)
    assert shown(line) == [
        "Wed 02 10:00",
        "Thu 03 08:00",
        "Tue 08 09:30",
        "Tue 08 10:30",
    ]
    assert line.ends == ""


def _next() -> datetime | None:
    times = Run.objects.filter(status="ATIVA").values_list("next_run_at", flat=True)
    return min((each for each in times if each), default=None)


def test_it_says_why_a_step_waits(clock, phones):
    which = cadence({}, {"delay": 2, "unit": "hours"})
    friday = datetime(2026, 9, 4, 17, 55, tzinfo=SAO_PAULO)

    line = simulate(which.published, lead(), start=friday)

    assert shown(line) == ["Fri 04 17:55", "Tue 08 08:00"]
    (wait,) = line.moments[1].waits
    assert (wait.reason, line.moments[0].waits) == ("closed", [])


def test_it_goes_by_the_lead_s_own_clock(clock, phones):
    which = cadence({})
    somebody = lead(whatsapp="68 99999-1234")

    line = simulate(which.published, somebody, start=T.replace(hour=8))

    assert (line.zone, line.told_by) == ("America/Rio_Branco", "ddd:68")
    assert line.moments[0].at == T.replace(hour=10)


def test_a_condition_skips_and_what_is_missing_stops(clock, phones):
    company()
    template("bare", "{{ dados.produto }}")
    which = cadence(
        {"conditions": [{"field": "stage", "is": "equal", "value": "hot"}]},
        {"template_code": "bare", "delay": 1},
        {"delay": 1},
    )

    line = simulate(which.published, lead(), start=T)

    first, second = line.moments
    assert first.stop is not None
    assert first.stop.gate == "conditions"
    assert second.fault == "No value for: dados.produto"
    assert line.ends == "variables"
    whole = lead(stage="hot", data={"produto": "Plano"})
    assert [m.body for m in simulate(which.published, whole, start=T).moments][
        1
    ] == "Plano"


def test_the_next_way_is_taken_where_the_first_is_closed(clock, phones):
    which = cadence({"fallbacks": ["email"]}, {"delay": 1})
    somebody = lead(whatsapp=False, email="ana@example.com")

    line = simulate(which.published, somebody, start=T)

    assert [each.medium for each in line.moments] == ["email", ""]
    assert line.ends == "address"
    contact(somebody, "whatsapp", "11 98765-4321")
    again = Lead.objects.get(pk=somebody.pk)
    assert simulate(which.published, again, start=T).ends == ""


def test_a_draft_is_tried_before_anybody_is_in_it(clock, phones):
    which = cadence({}, {"kind": "task", "title": "Call", "delay": 1, "unit": "days"})
    version = draft(which)
    version.steps.filter(position=1).update(delay=30)
    Cadence.objects.update(state="paused")

    line = simulate(version, lead(), start=T)

    assert shown(line) == ["Wed 02 10:30", "Thu 03 10:30"]
    assert not Run.objects.exists()
    assert not Execution.objects.exists()


def test_an_edited_calendar_of_a_step_counts_at_once(clock, phones):
    own = business_hours("Own")
    which = cadence({"calendar": own})
    before = simulate(which.published, lead(), start=T)

    Holiday.objects.create(calendar=own, date=T.date(), name="Aniversário")

    after = simulate(which.published, lead(), start=T)
    assert shown(before) == ["Wed 02 10:00"]
    assert shown(after) == ["Thu 03 08:00"]
    assert after.moments[0].waits[0].detail == "2026-09-02 Aniversário"


def test_a_long_cadence_costs_few_statements(
    clock, phones, django_assert_max_num_queries
):
    which = cadence(*({"delay": 1, "unit": "days"} for _ in range(20)))
    somebody = Lead.objects.select_related("owner").get(pk=lead().pk)
    rows = Version.objects.select_related(
        "cadence__company__calendar", "cadence__calendar"
    )
    version = rows.get(cadence=which)

    with django_assert_max_num_queries(12):
        line = simulate(version, somebody, start=T + timedelta(days=1))

    assert len(line.moments) == 20
