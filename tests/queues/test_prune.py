"""What nobody needs any more is deleted; what lives stays."""

import pytest
from django.db import connection

from queues.bulk import begin
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.keep import chores, tick
from queues.models import (
    Attempt,
    CronLog,
    DeadLetter,
    IdempotencyKey,
    Job,
    JobTotal,
    LetterBulk,
    LetterRefusal,
    Worker,
)
from queues.outcomes import Bury, Succeed
from queues.prune import prune
from queues.settle import settle
from tests.queues.graves import bury, done, order

pytestmark = pytest.mark.django_db


def age(days: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs SET completed_at = completed_at - %s * interval '1 day'",
            [days],
        )


def test_old_ended_jobs_go_with_all_they_left(claimed, settings):
    good, bad = claimed(), claimed()
    settle([(good, Succeed()), (bad, Bury("no use"))])
    CronLog.objects.create(
        job_name="x", job_type="noop", status="success", job_id=good.job_id
    )
    waiting = enqueue("noop")
    age(settings.RETENTION_DAYS + 1)

    assert prune() == 1

    assert JobTotal.objects.get().pruned == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {bad.job_id, waiting.id}
    assert Attempt.objects.get().job_id == bad.job_id
    assert CronLog.objects.get().job_id is None
    age(settings.RETENTION_DAYS_FAILED)
    assert prune() == 1
    assert not DeadLetter.objects.exists()


def test_recent_jobs_stay(claimed, settings):
    settle([(claimed(), Succeed())])
    age(settings.RETENTION_DAYS - 0.1)

    assert prune() == 0


def test_old_keys_and_gone_workers_go(sql, me):
    IdempotencyKey.objects.create(caller="cron", key="a", request_digest="x")
    sql("UPDATE idempotency_keys SET created_at = now() - interval '2 days'")
    sql("UPDATE workers SET gone_at = now() - interval '2 days'")

    prune()

    assert not IdempotencyKey.objects.exists()
    assert not Worker.objects.exists()


def test_bulks_go_when_their_letters_do_and_take_their_refusals(sql, settings):
    bury(2, type_="send-receipt", payload={"order_id": 1})
    bulk = done(edit={"order_id": "x"})
    running = begin(order())
    assert LetterRefusal.objects.count() == 2
    cancel(bulk.job_id)
    sql("UPDATE letter_bulks SET created_at = now() - %s * interval '1 day'",
        settings.RETENTION_DAYS_FAILED + 1)  # fmt: skip

    prune()

    assert LetterBulk.objects.get() == running
    assert not LetterRefusal.objects.exists()


def test_the_pacemaker_prunes_once_a_minute(sql, claimed, settings):
    settle([(claimed(), Succeed())])
    age(settings.RETENTION_DAYS + 1)
    tick()
    assert not chores()
    assert Job.objects.count() == 1
    sql("UPDATE pacemaker SET pruned_at = now() - interval '2 minutes',"
        " ticked_at = now() - interval '2 s'")  # fmt: skip

    assert chores()

    assert Job.objects.count() == 0
