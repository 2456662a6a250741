"""Long jobs among deaths: one lives through all of them, one goes on where it was."""

import os
import random
import signal
from contextlib import suppress
from itertools import groupby, pairwise

import pytest

from queues.enqueue import enqueue
from queues.models import Attempt, Job
from queues.states import End, State
from tests.processes import until, worker
from tests.shop.models import Entry

pytestmark = [pytest.mark.django_db(transaction=True)]

SECONDS = int(os.environ.get("LONG_JOB_SECONDS", "35"))
KILLS = int(os.environ.get("LONG_JOB_KILLS", "20"))
STEPS = 50 * KILLS
PATIENCE = SECONDS + 3.0 * KILLS
"""The long forms: LONG_JOB_SECONDS=600 LONG_JOB_KILLS=100."""


@pytest.mark.timeout(PATIENCE + 60)
def test_a_live_job_starts_once_and_a_killed_one_redoes_a_step_a_kill():
    lives = enqueue("ledger", {"seconds": SECONDS})
    dies = enqueue("stride", {"steps": STEPS, "pause": 0.005})
    lucky = random.Random(11)

    with worker("-c", "2"):
        until(lambda: Attempt.objects.filter(job=lives).exists())
        for killed in range(KILLS):
            kill_in_mid_stride(dies.pk, lucky, killed=killed)
        until(lambda: not live(lives, dies), PATIENCE)

    assert [state(each) for each in (lives, dies)] == [State.COMPLETED] * 2
    assert list(Entry.objects.filter(job_id=lives.pk, event="start")) != []
    assert Attempt.objects.filter(job=lives).count() == 1
    assert Attempt.objects.filter(job=dies, outcome=End.LOST).count() == KILLS
    tries = strides(dies.pk)
    assert {step for each in tries for step in each} == set(range(STEPS))
    assert len(tries) == KILLS + 1
    assert all(later[0] - before[-1] in {0, 1} for before, later in pairwise(tries))
    assert all(each == list(range(each[0], each[-1] + 1)) for each in tries)


def kill_in_mid_stride(job: int, lucky: random.Random, *, killed: int) -> None:
    """SIGKILL the process that runs the job, at a step of this try by chance."""
    steps = Entry.objects.filter(job_id=job, event__startswith="step").order_by("-id")
    until(lambda: Attempt.objects.filter(job=job).count() == killed + 1, every=0.01)
    seen = steps.count()
    wanted = seen + lucky.randint(2, 30)
    until(lambda: steps.count() >= wanted, every=0.002)
    with suppress(ProcessLookupError):
        os.kill(steps[0].pid, signal.SIGKILL)


def strides(job: int) -> list[list[int]]:
    """Return the steps of each try, in order."""
    steps = Entry.objects.filter(job_id=job, event__startswith="step").order_by("id")
    taken = [(each.pid, int(each.event.split()[1])) for each in steps]
    return [
        [step for _, step in each] for _, each in groupby(taken, key=lambda t: t[0])
    ]


def live(*jobs: Job) -> bool:
    return Job.objects.filter(
        pk__in=[job.pk for job in jobs], completed_at=None
    ).exists()


def state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).status
