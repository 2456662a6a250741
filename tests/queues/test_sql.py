"""The doors for SQL callers: atomic with their transaction, defaults in the database."""

import json

import pytest
from django.db import IntegrityError, transaction

from queues.batch import Pace
from queues.enqueue import enqueue
from queues.invariants import violations
from queues.models import Attempt, CronLog, DeadLetter, Job
from queues.outcomes import Succeed
from queues.publish import publish
from queues.rescue import rescue
from queues.settle import settle
from queues.turns import Turns
from queues.work import run_due, work

pytestmark = pytest.mark.django_db(transaction=True)


def answer(rows: list[tuple[object, ...]]) -> dict[str, object]:
    (value,) = rows[0]
    return json.loads(value) if isinstance(value, str) else value  # type: ignore[return-value]


def test_enqueue_job_writes_a_row_and_answers_its_id(sql):
    said = answer(sql("SELECT enqueue_job('noop', '{\"a\": 1}'::jsonb, 2)"))

    job = Job.objects.get()
    assert said == {"success": True, "jobId": job.pk}
    assert (job.type, job.payload, job.priority, job.status, job.source) == (
        "noop", {"a": 1}, 2, "pending", "sql",
    )  # fmt: skip


def test_the_call_of_the_first_system_runs_as_it_stands(sql):
    sql("""
        SELECT enqueue_job(
          'process-messages',
          jsonb_build_object('maxMessages', 5, 'test', true),
          1
        );
    """)

    assert Job.objects.get().payload == {"maxMessages": 5, "test": True}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("NULL, '{}'", "Invalid job type"),
        ("'', '{}'", "Invalid job type"),
        ("'a b', '{}'", "Invalid job type"),
        ("'noop', NULL", "Invalid job data"),
        ("'noop', '[]'", "Invalid job data"),
        ("'noop', '7'", "Invalid job data"),
        ("'noop', jsonb_build_object('a', repeat('x', 262145))", "Payload too large"),
        ("'noop', '{}', 0", "Invalid priority"),
        ("'noop', '{}', 10", "Invalid priority"),
        ("'noop', '{}', NULL", "Invalid priority"),
    ],
)
def test_a_refused_argument_is_an_answer_and_no_row(sql, arguments, error):
    assert answer(sql(f"SELECT enqueue_job({arguments})")) == {
        "success": False,
        "error": error,
    }
    assert not Job.objects.exists()


def test_the_row_goes_with_its_transaction(sql):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        sql("SELECT enqueue_job('noop', '{}')")
        raise ZeroDivisionError

    assert not Job.objects.exists()


def test_a_plain_insert_has_every_default_and_runs(sql):
    sql("INSERT INTO jobs (type, payload) VALUES ('send-receipt', '{\"order_id\": 3}')")

    assert run_due(limit=5, seconds=10).processed == 1
    assert Job.objects.get().result["order_id"] == 3


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-01-01 BC"])
def test_a_moment_that_no_worker_can_read_is_refused(sql, moment):
    with pytest.raises(IntegrityError, match="job_run_at_readable"):
        sql(
            "INSERT INTO jobs (type, payload, run_at) VALUES ('noop', '{}', %s)", moment
        )
    sql("INSERT INTO jobs (type, payload) VALUES ('noop', '{}')")
    with pytest.raises(IntegrityError, match="job_run_at_readable"):
        sql("UPDATE jobs SET run_at = %s", moment)

    assert run_due(limit=5, seconds=5).processed == 1


def test_a_plain_insert_lands_in_the_queue_of_its_type(sql):
    publish()
    sql("INSERT INTO jobs (type) VALUES ('reports-queue'), ('never-heard-of')")

    assert sorted(Job.objects.values_list("type", "queue")) == [
        ("never-heard-of", "default"),
        ("reports-queue", "reports"),
    ]


def test_an_unknown_type_ends_as_a_dead_letter_that_says_so(sql):
    sql("INSERT INTO jobs (type) VALUES ('never-heard-of')")

    work("default")

    assert DeadLetter.objects.get().reason == "Unknown job type: never-heard-of"


def test_data_that_the_type_refuses_ends_as_a_dead_letter(sql):
    sql("SELECT enqueue_job('send-receipt', '{}')")

    work("default")

    assert "order_id" in DeadLetter.objects.get().reason


def test_enqueue_job_with_log_leaves_a_row_either_way(sql):
    sql("SELECT enqueue_job_with_log('nightly', 'noop', '{}', 4)")
    sql("SELECT enqueue_job_with_log('nightly', 'noop', '{}', 40)")

    good, bad = CronLog.objects.order_by("id")
    assert (good.job_name, good.job_type, good.status) == ("nightly", "noop", "success")
    assert good.job_id == Job.objects.get().pk
    assert (bad.status, bad.details["error"]) == ("error", "Invalid priority")


def test_a_logged_job_that_dies_turns_its_row_into_an_error(sql):
    sql("SELECT enqueue_job_with_log('nightly', 'never-heard-of', '{}')")

    work("default")

    assert CronLog.objects.get().status == "error"


def test_the_queries_of_the_first_system_run_as_they_stand(sql):
    sql("INSERT INTO cron_job_logs (job_name, job_type, status, details)"
        " VALUES ('a', 'noop', 'error', '{}')")  # fmt: skip

    totals = sql("""
        SELECT
          job_name,
          COUNT(*) as total_runs,
          SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END) as successful,
          SUM(CASE WHEN status = 'error' THEN 1 ELSE 0 END) as errors,
          MAX(created_at) as last_run
        FROM cron_job_logs
        GROUP BY job_name
        ORDER BY last_run DESC;
    """)
    errors = sql("""
        SELECT job_type, COUNT(*) as error_count, MAX(created_at) as last_error
        FROM cron_job_logs WHERE status = 'error'
        GROUP BY job_type ORDER BY error_count DESC;
    """)
    assert totals[0][:4] == ("a", 1, 0, 1)
    assert errors[0][:2] == ("noop", 1)
    assert (
        len(sql("SELECT * FROM cron_job_logs ORDER BY created_at DESC LIMIT 5;")) == 1
    )
    sql("CREATE TABLE IF NOT EXISTS cron_job_logs (id BIGSERIAL PRIMARY KEY)")
    sql("CREATE INDEX idx_cron_job_logs_created_at ON cron_job_logs(created_at DESC)")
    sql("CREATE INDEX idx_cron_job_logs_job_type ON cron_job_logs(job_type)")
    sql("DROP INDEX idx_cron_job_logs_created_at, idx_cron_job_logs_job_type")


def test_deleting_jobs_by_sql_takes_their_history_along(sql, me):
    sql(
        "INSERT INTO jobs (type, run_at) SELECT 'fail', now() FROM generate_series(1, 3)"
    )
    run_due(limit=3, seconds=10)
    assert Attempt.objects.count() == 3

    sql("DELETE FROM jobs WHERE status = 'pending' AND id < %s", 10**9)

    assert not Attempt.objects.exists()


def test_a_row_that_says_it_runs_is_taken_for_lost_and_runs(sql):
    sql("INSERT INTO jobs (type, status) SELECT 'noop', 'processing'"
        " FROM generate_series(1, 3)")  # fmt: skip
    assert dict(violations()) == {}

    assert rescue() == 3

    job = Job.objects.first()
    assert (job.status, job.failures, job.losses) == ("pending", 0, 1)
    assert job.error == "no process held it"
    assert run_due(limit=10, seconds=20).processed == 3
    ends = Attempt.objects.filter(job=job).order_by("pk").values_list("outcome")
    assert [end for (end,) in ends] == ["lost", "completed"]


def test_a_backup_brings_running_jobs_back_before_their_attempts(sql):
    with transaction.atomic():
        sql("INSERT INTO jobs (id, type, status) VALUES (7, 'noop', 'processing')")
        sql("INSERT INTO job_attempts (job_id, number) VALUES (7, 4)")

    assert Attempt.objects.get().number == 4


@pytest.mark.parametrize(
    ("type_", "data"), [("noop", {}), ("seat", {"seat": "window"})]
)
def test_a_running_job_set_back_by_hand_stops_nobody_else(sql, me, type_, data):
    publish()
    first = enqueue(type_, data)
    (held,) = Turns(["default"], worker=me, pace=Pace(), limited=Pace()).take()
    sql("UPDATE jobs SET status = 'pending' WHERE status = 'processing'")
    second = enqueue(type_, {**data, "seat": "aisle"})

    assert [each.job_id for each, _ in run_due(limit=5, seconds=20).ran] == [second.pk]

    assert Job.objects.get(pk=first.pk).status == "processing"
    settle([(held, Succeed())])
    assert Job.objects.get(pk=first.pk).status == "completed"
