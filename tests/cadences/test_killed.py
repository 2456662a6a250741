"""A worker that is killed between the call and its end: scenarios B3, B4, B7."""

from collections import Counter

import pytest

from cadences import clock
from cadences.mend import mend
from cadences.models import Attempt, Event, Execution, Run
from cadences.testing import at
from queues.enqueue import enqueue
from tests.cadences.people import cadence, company, many
from tests.cadences.providers import run, through_uazapi
from tests.processes import until, worker
from tests.simulators.uazapi import Simulator, uazapi

LEADS = 110
"""Two chunks and a bit: both processes of a worker are at it."""


@pytest.fixture
def provider():
    """UAZAPI, slow to answer after the message arrived."""
    with uazapi() as simulator:
        simulator.lag = 0.4
        yield simulator


def kill_while_it_sends(provider: Simulator, *, after: int) -> None:
    """Let a real worker send that many messages, and kill all of it with SIGKILL."""
    before = len(provider.ledger)
    with worker("-c", "2") as process:
        enqueue("cadence-runner", {"trigger": "CRON"})
        until(lambda: len(provider.ledger) >= before + after)
        process.kill()


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_b3_b4_b7_a_killed_worker_sends_nothing_twice_and_loses_nothing(provider):
    company(calendar=None)
    through_uazapi(provider)
    many(cadence(), LEADS)

    kill_while_it_sends(provider, after=5)
    in_flight = Execution.objects.filter(state="sending").count()
    assert in_flight >= 1
    provider.lag = 0.0
    with at(clock.now()) as standing:
        for _ in range(8):
            standing.pass_(minutes=11)
            run()
            mend(limit=1000)

    counts = provider.counts()
    assert max(counts.values()) == 1
    ends = Counter(Execution.objects.values_list("state", flat=True))
    assert ends["sent"] + ends["assumed"] == LEADS, ends
    assert len(counts) >= ends["sent"]
    assert set(Run.objects.values_list("status", flat=True)) == {"CONCLUIDA"}
    assert Event.objects.filter(type="INCERTO").count() == in_flight
    assert Attempt.objects.filter(outcome=None).count() == 0
