"""An invented history fills the tables, and every invariant holds."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Count

from config.demo.invent import invent
from config.demo.inventions import QUEUE
from queues.enqueue import enqueue
from queues.figures import dead
from queues.invariants import violations
from queues.models import Attempt, CronLog, DeadLetter, Job, JobMinute
from queues.states import State
from queues.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_invented_keep_every_invariant():
    User.objects.create_user("ana")
    before = enqueue("noop")

    invent(jobs=5000, letters=300, days=14)
    after = enqueue("noop")

    statuses = dict(Job.objects.values_list("status").annotate(Count("pk")))
    assert dict(violations()) == {}
    assert sum(statuses.values()) == 5002
    assert statuses[State.FAILED] == DeadLetter.objects.count() == 300
    assert set(statuses) == set(State.values)
    assert after.pk == before.pk + 5001
    assert sum(failed for failed, _ in dead().values()) == 300
    assert CronLog.objects.filter(job__status=State.COMPLETED).exists()
    assert Job.objects.filter(owner__isnull=False, batch__isnull=False).exists()
    rolled = sum(JobMinute.objects.values_list("count", flat=True))
    assert rolled == Attempt.objects.filter(finished_at__isnull=False).count()


def test_nothing_that_was_invented_is_ever_run():
    invent(jobs=500, letters=0, days=1)

    done = run_due(limit=10, seconds=5)

    assert done.ran == []
    waiting = Job.objects.filter(status=State.PENDING)
    assert set(waiting.values_list("queue", flat=True)) == {QUEUE}


def test_production_is_spared_unless_it_is_meant(settings: Any):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="Not with DEBUG off") as refused:
        call_command("generate_jobs", jobs=100)
    call_command("generate_jobs", jobs=100, yes_i_mean_it=True, stdout=StringIO())

    assert refused.value.returncode == 2
    assert Job.objects.count() == 100


@pytest.mark.parametrize("asked", [{"jobs": 0}, {"letters": 91}, {"days": 0.0}])
def test_what_cannot_be_meant_is_refused(settings: Any, asked: dict[str, Any]):
    settings.DEBUG = True

    with pytest.raises(CommandError) as refused:
        call_command("generate_jobs", **{"jobs": 100, **asked})

    assert refused.value.returncode == 2
    assert not Job.objects.exists()
