"""I1 to I20: each is there, and each one is told when it is broken.

The rows are broken by raw SQL, past the constraints and triggers that keep them.
"""

import re
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cadences import clock
from cadences.invariants import INVARIANTS
from cadences.models import Calendar, Execution, Slot
from cadences.outcomes import Unknown
from cadences.runner import run_here
from cadences.states import Trigger
from queues.invariants import known, violations
from tests.cadences.ledger import doubled
from tests.cadences.people import business_hours, cadence, company, enrolled

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

SENT = "(SELECT id FROM lead_step_executions WHERE state = 'sent' LIMIT 1)"
LIVE = "(SELECT id FROM lead_cadence_runs WHERE status = 'ATIVA' LIMIT 1)"
ENDED = "(SELECT id FROM lead_cadence_runs WHERE status = 'CONCLUIDA' LIMIT 1)"
BREAKS = {
    1: """
        ALTER TABLE lead_step_executions DROP CONSTRAINT execution_once;
        UPDATE lead_step_executions AS other SET run_id = one.run_id,
            step_key = one.step_key, round = one.round
        FROM lead_step_executions AS one WHERE one.id <> other.id
        """,
    2: f"""
        DROP INDEX send_attempt_one_may_have_arrived;
        INSERT INTO send_attempts (execution_id, number, correlation, started_at, outcome)
        SELECT id, 2, 'again', now(), 'accepted' FROM lead_step_executions
        WHERE id = {SENT};
        UPDATE lead_step_executions SET attempts = 2 WHERE id = {SENT}
        """,
    4: f"""
        ALTER TABLE lead_cadence_runs DROP CONSTRAINT run_due_iff_active;
        UPDATE lead_cadence_runs SET next_run_at = NULL WHERE id = {LIVE}
        """,
    5: f"""
        ALTER TABLE lead_cadence_runs DROP CONSTRAINT run_due_iff_active;
        UPDATE lead_cadence_runs SET next_run_at = now() WHERE id = {ENDED}
        """,
    6: f"""
        ALTER TABLE lead_cadence_runs DROP CONSTRAINT run_round_once;
        DROP INDEX run_one_live_per_cadence;
        UPDATE lead_cadence_runs SET is_exclusive = false,
            lead_id = (SELECT lead_id FROM lead_cadence_runs WHERE id = {LIVE})
        WHERE status = 'ATIVA'
        """,
    7: f"""
        UPDATE lead_step_executions SET state = 'sending',
            intended_at = now() - interval '1 hour' WHERE id = {SENT}
        """,
    8: f"""
        INSERT INTO suppressions (address_hash, reason, created_at)
        SELECT address_hash, 'manual', intended_at - interval '1 hour'
        FROM lead_step_executions WHERE id = {SENT}
        """,
    9: """
        UPDATE lead_cadence_runs SET started_at = now() - interval '2 days';
        UPDATE leads SET replied_at = now() - interval '1 day'
        """,
    10: f"""
        UPDATE calendars SET hours_since = now() - interval '2 days';
        UPDATE lead_step_executions SET calendar_id = (SELECT max(id) FROM calendars)
        WHERE id = {SENT}
        """,
    11: "UPDATE cadence_steps SET delay = 9",
    12: f"""
        UPDATE lead_cadence_runs SET cadence_id = gen_random_uuid() WHERE id = {LIVE}
        """,
    13: """
        ALTER TABLE quota_buckets DROP CONSTRAINT quota_is_kept;
        INSERT INTO quota_buckets (account_id, kind, starts_at, used, allowed)
        SELECT id, 'day', now(), 6, 5 FROM channel_accounts LIMIT 1
        """,
    14: f"UPDATE lead_step_executions SET delivery = 'read' WHERE id = {SENT}",
    15: """
        INSERT INTO cadence_runner_logs (status, executed_at)
        VALUES ('running', now() - interval '1 hour')
        """,
    16: f"UPDATE lead_step_executions SET body = 'Oi {{{{ nome }}}}' WHERE id = {SENT}",
    17: f"""
        ALTER TABLE lead_cadence_runs DROP CONSTRAINT run_says_why;
        UPDATE lead_cadence_runs SET exit_reason = NULL WHERE id = {ENDED}
        """,
    18: f"UPDATE lead_step_executions SET attempts = 2 WHERE id = {SENT}",
    19: f"UPDATE lead_cadence_runs SET errors_in_a_row = 3 WHERE id = {LIVE}",
    20: """
        INSERT INTO django_celery_beat_intervalschedule (every, period)
        VALUES (60, 'seconds');
        INSERT INTO django_celery_beat_periodictask (name, task, args, kwargs, enabled,
            total_run_count, date_changed, description, one_off, headers, interval_id)
        SELECT 'beat ' || n, 'cadence-runner', '[]', '{}', true, 0, now(), '', false,
            '{}', (SELECT max(id) FROM django_celery_beat_intervalschedule)
        FROM generate_series(1, 2) AS n
        """,
}


def number(name: str) -> int:
    """Return the I-number of an invariant of ours."""
    found = re.match(r"cadence-i(\d\d)-", name)
    assert found is not None, name
    return int(found[1])


@pytest.fixture
def world(phones):
    """Two runs that wait, one that ended, and a calendar that is never open."""
    company(calendar=None)
    Calendar.objects.create(name="never")
    enrolled(cadence({}, {"delay": 9, "unit": "days"}, is_exclusive=False), 2)
    enrolled(cadence(code="other"))
    run_here(Trigger.MANUAL)
    assert Counter(Execution.objects.values_list("state", flat=True)) == {"sent": 3}
    assert dict(violations()) == {}
    return phones


def test_all_twenty_are_there_the_third_where_only_a_test_can_count():
    assert sorted(map(number, INVARIANTS)) == [n for n in range(1, 21) if n != 3]
    assert sorted(BREAKS) == sorted(map(number, INVARIANTS))
    assert INVARIANTS.items() <= known().items()


@pytest.mark.parametrize("which", BREAKS, ids=lambda n: f"i{n:02}")
def test_what_breaks_an_invariant_is_told(which, world, sql):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET LOCAL session_replication_role = replica")  # no keys, no triggers

    sql(BREAKS[which])

    told = {number(name): rows for name, rows in violations(INVARIANTS)}
    assert told.keys() == {which}
    assert told[which]


def test_i03_a_message_that_arrived_twice_is_counted(world):
    assert doubled(world) == {}

    world.reach(world.ledger[0])

    (count,) = doubled(world).values()
    assert count == 2


def test_the_doctor_tells_a_broken_one_by_name(world, sql):
    sql(BREAKS[15])
    told = StringIO()

    with pytest.raises((CommandError, SystemExit)):
        call_command("doctor", stdout=StringIO(), stderr=told)

    assert "cadence-i15-passes-end" in told.getvalue()


def test_i10_hours_that_change_do_not_judge_what_was_sent_before(world, sql):
    hours = business_hours("Late")
    Slot.objects.filter(calendar=hours).delete()
    Execution.objects.update(
        calendar=hours, intended_at=clock.now() - timedelta(hours=1)
    )

    assert dict(violations(INVARIANTS)) == {}
    sql("UPDATE calendars SET hours_since = now() - interval '2 hours'")
    assert list(dict(violations(INVARIANTS))) == ["cadence-i10-within-open-hours"]
    Slot.objects.create(calendar=hours, weekday=0, opens="08:00", closes="18:00")
    assert dict(violations(INVARIANTS)) == {}
    hours.refresh_from_db()
    assert timezone.now() - hours.hours_since < timedelta(minutes=5)


def test_i07_a_doubt_that_nobody_settles_is_told(phones, sql, clock: Any):
    (one,) = enrolled(cadence())
    phones.script.append(Unknown("timeout"))
    run_here(Trigger.MANUAL)
    clock.pass_(minutes=76)

    sql("SELECT set_config('ritmo.now', %s, true)", str(clock()))

    assert list(dict(violations(INVARIANTS))) == ["cadence-i07-nothing-hangs"]
    assert Execution.objects.get(run=one).state == "unknown"
