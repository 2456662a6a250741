"""A survey reads little: counts stop early, and tell it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from queues import survey
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, DeadLetter, Job, Worker
from queues.outcomes import Bury
from queues.settle import settle

pytestmark = pytest.mark.django_db


def test_lines_tell_queues_priorities_and_limits_apart(monkeypatch):
    monkeypatch.setattr(survey, "ENOUGH_OF_LINE", 3)
    enqueue_many("noop", [{}] * 5)
    other = enqueue("noop", priority=1)
    Job.objects.filter(pk=other.pk).update(queue="mail")
    enqueue("noop", run_at=timezone.now() + timedelta(days=1))
    enqueue("metered")

    found = {(line.queue, line.limit, line.priority): line for line in survey.lines()}

    many = found["default", None, 5]
    assert (many.due, many.later) == (3, 1)
    assert many.oldest <= timezone.now()
    assert found["mail", None, 1].due == 1
    limited = next(line for line in found.values() if line.limit)
    assert limited.due == 1
    assert len(found) == 3


def test_an_empty_house_has_no_lines():
    assert survey.lines() == []
    assert survey.processes() == []
    assert survey.faults() == []
    assert survey.rise() == survey.Rise(0, 0)


def test_counts_are_of_what_is_open(claimed):
    claimed()
    settle([(claimed(), Bury("x"))])
    settle([(claimed(), Bury("y"))])
    DeadLetter.objects.filter(reason__contains="y").update(dismissed_at=Now())

    counts = survey.counts()

    assert (counts.running, counts.letters) == (1, 1)
    assert Attempt.objects.filter(finished_at=None).count() == 1
    assert abs(counts.now - timezone.now()) < timedelta(seconds=30)


def test_letters_that_read_alike_are_one_fault(claimed):
    for reason in ("no 11 times", "no 12 times", "yes"):
        settle([(claimed(), Bury(reason))])
    DeadLetter.objects.filter(reason="yes").update(
        created_at=Now() - timedelta(minutes=90)
    )

    first, second = survey.faults()

    assert (first.type, first.reason, first.count) == ("noop", "no 12 times", 2)
    assert second.reason == "yes"
    assert (first.types, first.fingerprint == second.fingerprint) == (1, False)
    assert survey.rise() == survey.Rise(2, 1)


@pytest.mark.raw_rows
def test_processes_that_are_gone_are_not_there():
    same = {"machine": "m", "pid": 1, "born": "1"}
    Worker.objects.create(kind="node", name="alive", queues="default", **same)
    Worker.objects.create(
        kind="beat", name="silent", seen_at=Now() - timedelta(minutes=2), **same
    )
    Worker.objects.create(kind="node", name="gone", gone_at=Now(), **same)
    Worker.objects.create(
        kind="node", name="forgotten", seen_at=Now() - timedelta(days=2), **same
    )

    found = {each.name: each.is_heard for each in survey.processes()}

    assert found == {"alive": True, "silent": False}
