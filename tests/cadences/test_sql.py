"""Runs and events that other systems write by plain SQL: whole, or refused aloud."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction

from cadences.models import Run
from cadences.publish import draft
from cadences.runner import run_here
from cadences.states import Trigger
from tests.cadences.people import cadence, company, enrolled, lead, told

pytestmark = pytest.mark.django_db

TWO: tuple[dict[str, Any], ...] = ({}, {"delay": 24, "unit": "hours"})
Write = Callable[..., None]


@pytest.fixture
def write(sql) -> Write:
    """Return a function that inserts a run with those columns and no others."""

    def insert(**columns: Any) -> None:
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        with transaction.atomic():
            sql(
                f"INSERT INTO lead_cadence_runs ({names}) VALUES ({marks})",
                *columns.values(),
            )

    return insert


def test_a_run_of_a_lead_and_a_cadence_begins_like_an_enrolled_one(
    write, clock, phones
):
    which = cadence(*TWO)

    write(lead_id=lead().pk, cadence_id=which.pk)

    run = Run.objects.get()
    assert (run.company_id, run.version_id) == ("acme", which.published_id)
    assert (run.next_step, run.status) == (1, "ATIVA")
    assert run.planned_run_at == run.next_run_at >= run.started_at
    Run.objects.update(next_run_at=clock(), planned_run_at=clock())
    assert run_here(Trigger.MANUAL).summary["success"] == 1
    assert told(run) == ["DISPARADO", "AGENDADO"]
    assert len(phones.ledger) == 1


@pytest.mark.parametrize("named", [{"next_step": 2}, {"last_step": 1}])
def test_a_run_may_begin_at_a_later_step(named, write, clock, phones):
    which = cadence(*TWO)

    write(lead_id=lead().pk, cadence_id=which.pk, next_run_at=clock(), **named)

    assert run_here(Trigger.MANUAL).results[0]["stepOrdem"] == 2
    assert Run.objects.get().status == "CONCLUIDA"
    assert len(phones.ledger) == 1


def test_a_run_that_would_end_at_its_first_turn_is_refused(write):
    which, other = cadence(*TWO), cadence(code="other")
    company("acme-2")
    row = {"lead_id": lead().pk, "cadence_id": which.pk}
    stranger = lead(at="acme-2").pk

    for wrong, says in (
        ({"next_step": 99}, "has no such next step"),
        ({"last_step": 2}, "has no such next step"),
        ({"next_step_key": which.pk}, "has no such next step"),
        ({"version_id": draft(which).pk}, "is no published one of the cadence"),
        ({"version_id": other.published_id}, "is no published one of the cadence"),
        ({"lead_id": stranger}, "are of one company"),
        ({"company_id": "acme-2"}, "are of one company"),
        ({"cadence_id": row["lead_id"]}, "violates"),
        ({"status": "ACTIVE"}, "run_"),
        ({"started_at": "infinity"}, "run_past_readable"),
        ({"context": "[]"}, "run_notes_object"),
    ):
        with pytest.raises(IntegrityError, match=says):
            write(**row | wrong)
    with pytest.raises(DataError):
        write(**row, next_run_at="31/12/2026")
    assert not Run.objects.exists()


def test_a_cadence_without_a_published_version_takes_no_run(write):
    which = cadence()
    type(which).objects.update(published=None)

    with pytest.raises(IntegrityError, match="No version of the cadence"):
        write(lead_id=lead().pk, cadence_id=which.pk)


@pytest.mark.usefixtures("clock")
def test_an_event_is_one_that_every_reader_can_read(sql):
    (run,) = enrolled(cadence())
    insert = (
        "INSERT INTO lead_cadence_events (run_id, type, {}) VALUES (%s, 'ERRO', %s)"
    )

    for column, value, says in (
        ("details", "[1]", "event_details_object"),
        ("details", "null", "event_details_object"),
        ("created_at", "infinity", "event_readable"),
    ):
        with pytest.raises(IntegrityError, match=says), transaction.atomic():
            sql(insert.format(column), run.pk, value)

    sql("INSERT INTO lead_cadence_events (run_id, type) VALUES (%s, 'ERRO')", run.pk)
    assert told(run) == ["INSCRITO", "ERRO"]
