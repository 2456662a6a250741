"""A job older than its type allows is not started again."""

from datetime import timedelta

import pytest
from django.db import connection

from queues.claim import claim
from queues.enqueue import enqueue
from queues.expire import expire
from queues.handlers import Registry, handler, registry
from queues.keep import chores
from queues.models import Attempt, CronLog, DeadLetter, Job
from queues.replay import replay
from queues.work import run_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _types():
    """Register a type that is only worth while for an hour."""

    @handler("fresh-only", max_age=timedelta(hours=1))
    def fresh_only(data, job):
        return "done"

    yield
    registry.discard("fresh-only")


def age(minutes: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs SET created_at = created_at - %s * interval '1 minute'",
            [minutes],
        )


def test_an_old_job_is_buried_instead_of_run():
    enqueue("fresh-only")
    age(61)

    run_due(limit=1, seconds=10)

    assert Job.objects.get().status == "failed"
    assert DeadLetter.objects.get().reason == "expired: not done within 3600 s"
    assert Attempt.objects.get().outcome == "buried"


def test_a_younger_job_runs():
    enqueue("fresh-only")
    age(59)

    assert run_due(limit=1, seconds=10).processed == 1


def test_the_pacemaker_expires_what_waits(sql):
    waiting = enqueue("fresh-only")
    other = enqueue("noop")
    age(61)
    young = enqueue("fresh-only")
    sql("INSERT INTO pacemaker (id, ticked_at, pruned_at) VALUES"
        " (1, now() - interval '1 hour', now() - interval '1 hour')")  # fmt: skip

    assert chores()

    statuses = dict(Job.objects.values_list("pk", "status"))
    assert statuses == {waiting.pk: "failed", other.pk: "pending", young.pk: "pending"}
    job = Job.objects.get(pk=waiting.pk)
    assert job.error == DeadLetter.objects.get().reason
    assert (job.failures, job.attempts.count()) == (0, 0)


def test_a_running_job_does_not_expire(me):
    enqueue("fresh-only")
    claim(["default"], worker=me, limit=1)
    age(61)

    assert expire() == 0


def test_a_replay_begins_a_new_age(sql):
    enqueue("fresh-only")
    age(61)
    assert expire() == 1

    replay(Job.objects.get().pk)

    assert expire() == 0
    assert run_due(limit=1, seconds=10).processed == 1


def test_the_firing_of_an_expired_job_is_closed():
    job = enqueue("fresh-only", source="schedule")
    CronLog.objects.create(
        job_name="x", job_type="fresh-only", status="running", job_id=job.pk
    )
    age(61)

    expire()

    log = CronLog.objects.get()
    assert (log.status, log.details["status"]) == ("error", "failed")
    assert log.finished_at is not None


def test_without_such_types_nothing_is_looked_for(
    django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr("queues.expire.registry", Registry())

    with django_assert_num_queries(0):
        assert expire() == 0
