"""Each invariant is seen to break, alone: a check that cannot fail checks nothing."""

import time

import pytest

from queues.admit import admit
from queues.batches import Batch, close_batches
from queues.claim import claim
from queues.enqueue import enqueue
from queues.invariants import INVARIANTS, MOST, violations
from queues.models import CronLog, Job, Worker
from queues.outcomes import Bury, Cancel, Outcome, Retry, Snooze, Succeed
from queues.presence import present
from queues.publish import publish
from queues.rollup import roll_up
from queues.settle import settle

pytestmark = pytest.mark.django_db

PLANTS = {
    "processing-is-claimed": [
        "INSERT INTO jobs (type, source) VALUES ('noop', 'hand')",
        "UPDATE jobs SET status = 'processing' WHERE source = 'hand'",
    ],
    "only-processing-is-claimed": [
        (
            "INSERT INTO job_attempts (job_id, number)"
            " SELECT id, 1 FROM jobs WHERE status = 'pending' LIMIT 1"
        ),
    ],
    "failed-has-a-letter": [
        "UPDATE dead_letters SET replayed_at = now() WHERE replayed_at IS NULL"
    ],
    "letter-is-of-a-failed-job": [
        (
            "INSERT INTO dead_letters (job_id, type, reason)"
            " SELECT id, type, '' FROM jobs WHERE status = 'completed' LIMIT 1"
        ),
    ],
    "letter-tells-its-fault": ["UPDATE dead_letters SET fingerprint = NULL"],
    "bulk-left-its-mark": [
        (
            "INSERT INTO letter_bulks (verb, selection, upto, token, total, done)"
            " VALUES ('discard', '{}', 0, gen_random_uuid(), 9, 9)"
        ),
        (
            "UPDATE dead_letters SET bulk_id = (SELECT max(id) FROM letter_bulks)"
            " WHERE dismissed_at IS NULL"
        ),
    ],
    "bulk-counts-its-refusals": [
        (
            "INSERT INTO letter_bulks (verb, selection, upto, token, total, refused)"
            " VALUES ('replay', '{}', 0, gen_random_uuid(), 1, 1)"
        ),
    ],
    "nothing-is-orphaned": [
        (
            "INSERT INTO job_attempts (job_id, number, finished_at, outcome)"
            " VALUES (0, 1, now(), 'failed')"
        ),
    ],
    "ended-has-a-time": [
        "ALTER TABLE jobs DROP CONSTRAINT job_ended_iff_final",
        "UPDATE jobs SET completed_at = NULL WHERE status = 'cancelled'",
    ],
    "completed-was-run": [
        "UPDATE jobs SET status = 'completed' WHERE status = 'cancelled'"
    ],
    "values-are-in-range": [
        "ALTER TABLE jobs DROP CONSTRAINT job_priority_1_to_9",
        "INSERT INTO jobs (type, priority) VALUES ('noop', 10)",
    ],
    "failures-were-tries": ["UPDATE jobs SET losses = 1 WHERE status = 'pending'"],
    "live-has-tries-left": [
        "UPDATE jobs SET max_attempts = 1 WHERE status = 'pending' AND failures = 1"
    ],
    "one-live-per-key": [
        "DROP INDEX job_one_live_per_key",
        "INSERT INTO jobs (type, unique_key) VALUES ('noop', 'a'), ('noop', 'a')",
    ],
    "closed-attempt-has-an-outcome": [
        "ALTER TABLE job_attempts DROP CONSTRAINT attempt_ended_iff_outcome",
        "UPDATE job_attempts SET outcome = 'failed' WHERE finished_at IS NULL",
    ],
    "held-is-never-due": [
        "UPDATE jobs SET run_at = now() WHERE held_run_at IS NOT NULL"
    ],
    "held-waits-for-a-live-job": ["DELETE FROM job_needs"],
    "needed-is-marked": ["UPDATE jobs SET needed = false WHERE needed"],
    "complete-batch-is-sealed": [
        "INSERT INTO job_batches (name, completed_at) VALUES ('x', now())"
    ],
    "limited-was-admitted": ["DELETE FROM limit_keys"],
    "fired-once": [
        "ALTER TABLE cron_job_logs DROP CONSTRAINT firing_once_per_due_time",
        (
            "INSERT INTO cron_job_logs (job_name, job_type, status, schedule_id, due_at)"
            " SELECT 'x', 'noop', 'success', 7, '2030-01-01' FROM generate_series(1, 2)"
        ),
    ],
    "firing-ends-with-its-job": [
        "UPDATE cron_job_logs SET status = 'running', finished_at = NULL"
    ],
    "skipped-started-nothing": [
        (
            "INSERT INTO cron_job_logs (job_name, job_type, status, finished_at, details)"
            " VALUES ('x', 'noop', 'skipped', now(), '{}')"
        ),
    ],
    "roll-ups-forget-nothing": [
        "UPDATE job_minutes SET count = count - 1 WHERE outcome = 'completed'"
    ],
}


@pytest.fixture(autouse=True)
def _every_kind_of_row(claimed, sql):
    """Write jobs of all states by the engine's own verbs, rolled up."""
    firing = enqueue("noop", source="schedule")
    CronLog.objects.create(
        job_name="x", job_type="noop", status="running", job_id=firing.pk
    )
    ends: list[Outcome] = [Succeed(), Bury("x"), Cancel(), Snooze(60), Retry(60)]
    for outcome in ends:
        settle([(claimed(priority=4), outcome)])
    claimed(priority=3)
    (first,) = claim(["default"], worker=present(Worker.Kind.CHILD), limit=1)
    settle([(first, Succeed())])
    assert first.job_id == firing.pk
    parent = enqueue("noop", unique_key="a", priority=9)
    enqueue("noop", priority=9, after=[parent])
    publish()
    enqueue("turnstile", {"tenant": "a"})
    assert admit(
        "turnstile", ["default"], worker=present(Worker.Kind.CHILD), limit=1
    ).claims
    Batch.create("whole").seal()
    assert close_batches() == 1
    sql("UPDATE job_attempts SET claimed_at = claimed_at - interval '5 minutes',"
        " finished_at = finished_at - interval '5 minutes'")  # fmt: skip
    roll_up()


def test_what_the_engine_writes_holds_and_is_checked_quickly():
    assert dict(violations()) == {}
    assert set(Job.objects.values_list("status", flat=True)) == {
        "pending", "processing", "completed", "failed", "cancelled",
    }  # fmt: skip

    assert min(timed() for _ in range(10)) < 0.2


def timed() -> float:
    """Return the seconds of one sweep; of several, the least tells of the statements."""
    began = time.monotonic()
    list(violations(INVARIANTS))
    return time.monotonic() - began


@pytest.mark.raw_rows
@pytest.mark.parametrize("name", INVARIANTS)
def test_a_violation_is_found_by_its_own_check_alone(name, sql):
    for statement in PLANTS[name]:
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql(statement)

    found = dict(violations())

    assert list(found) == [name]
    assert all(text.startswith("{") for text in found[name])


@pytest.mark.raw_rows
def test_a_flood_of_violations_is_shown_in_part(sql):
    sql("INSERT INTO jobs (type, source)"
        " SELECT 'noop', 'hand' FROM generate_series(1, 50)")  # fmt: skip
    sql("UPDATE jobs SET status = 'processing' WHERE source = 'hand'")

    assert [len(rows) for _, rows in violations()] == [MOST]
