"""Runners in processes that are killed anywhere: nobody hears twice, no step is lost.

RITMO_KILLS=2000 takes that many due runs instead of a few, and kills as much more often.
"""

import os
import random
import threading
import time
from contextlib import suppress
from signal import SIGKILL

import httpx2
import pytest
from django.utils import timezone

from cadences.mend import mend
from cadences.models import Execution, Run
from cadences.runner import RUNNER, run_here
from cadences.states import Trigger
from cadences.testing import at
from queues.enqueue import enqueue
from tests.cadences.people import cadence, company, many
from tests.cadences.providers import through_uazapi
from tests.processes import Process, celery, free_port, manage, until, web
from tests.simulators.uazapi import Simulator, uazapi

DUE = int(os.environ.get("RITMO_KILLS", "90"))
KILLS = DUE // 30
RUNNERS = [2, 4, 8] if "RITMO_KILLS" in os.environ else [4]
SECRET = "service-test-key"
QUIET = ("--without-gossip", "--without-mingle", "-Q", "default", "-c", "2")


class Crew:
    """Workers, commands and a web, replaced as they die."""

    def __init__(self, runners: int, port: int) -> None:
        self.port = port
        self.dice = random.Random(runners)
        self.kinds = [self._worker, self._command][:runners] * runners
        self.members = [start() for start in self.kinds[: runners - 1]]
        self.over = threading.Event()
        self.door = threading.Thread(target=self._knock)
        self.door.start()

    def _worker(self) -> Process:
        return Process(celery("worker", *QUIET), RITMO_PROCESS="worker")

    def _command(self) -> Process:
        return Process(manage("cadence_runner", "--limit", "40"))

    def _knock(self) -> None:
        """Ask for passes by HTTP; the answers may be lost."""
        url = f"http://127.0.0.1:{self.port}/functions/v1/cadence-runner"
        headers = {"Authorization": f"Bearer {SECRET}"}
        with httpx2.Client(timeout=20, trust_env=False) as client:
            while not self.over.wait(0.5):
                with suppress(httpx2.TransportError):
                    body = {"trigger": "MANUAL", "limit": 20}
                    client.post(url, json=body, headers=headers)

    def kill_one(self) -> None:
        """Kill a member without notice: a process of a pool, or all of it."""
        place = self.dice.randrange(len(self.members))
        victim = self.members[place]
        weak = victim.children() if victim.popen.poll() is None else []
        if len(weak) > 1 and self.dice.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(self.dice.choice(weak), SIGKILL)
            return
        victim.kill()
        victim.log.unlink()
        self.members[place] = self.kinds[place]()

    def leave(self) -> None:
        """End all of them."""
        self.over.set()
        self.door.join()
        for each in self.members:
            each.kill()
            each.log.unlink()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600 + DUE)
@pytest.mark.parametrize("runners", RUNNERS)
def test_a6_b4_runners_killed_anywhere_send_each_step_once_and_lose_none(runners):
    with uazapi() as simulator, web(port := free_port()):
        simulator.latency = 0.3
        company(calendar=None)
        through_uazapi(simulator)
        which = cadence({}, {"delay": 30, "unit": "days"})
        many(which, DUE)
        crew = Crew(runners, port)
        try:
            _disturb(crew, simulator)
        finally:
            crew.leave()
        in_doubt = Execution.objects.filter(state="sending").count()
        _finish()

        counts = simulator.counts()
        print(f"{runners} runners: {in_doubt} in doubt, {counts.total()} arrived")
        assert max(counts.values()) == 1
        ends = dict(Execution.objects.values_list("pk", "state"))
        assert len(ends) == DUE
        assert set(ends.values()) <= {"sent", "unknown", "assumed"}
        sent = {str(key) for key, state in ends.items() if state == "sent"}
        assert sent <= set(counts)
        assert set(counts) <= {str(key) for key in ends}
        # Whoever was not reached is visible as unknown, or as assumed by the step's word.
        assert Run.objects.filter(last_step=1).count() == len(ends) - sum(
            state == "unknown" for state in ends.values()
        )


def _disturb(crew: Crew, simulator: Simulator) -> None:
    """Kill now and then while runs are delivered, until enough has been killed."""
    for number in range(KILLS):
        enqueue(RUNNER, {"trigger": "CRON", "limit": 60}, unique_key=f"k{number}")
        goal = min(len(simulator.ledger) + DUE // (2 * KILLS), DUE * 9 // 10)
        with suppress(AssertionError):
            until(lambda goal=goal: len(simulator.ledger) >= goal, 15)  # type: ignore[misc]
        time.sleep(crew.dice.random() * 0.3)
        crew.kill_one()


def _finish() -> None:
    """Let time pass until what was left behind has been taken up and settled."""
    with at(timezone.now()) as clock:
        for _ in range(40):
            clock.pass_(minutes=4)
            mend(limit=1000)
            run_here(Trigger.MANUAL, seconds=120)
            if not Run.objects.filter(last_step=0).exists():
                return
    left = Run.objects.filter(last_step=0).values_list("status", "pause_reason")
    raise AssertionError(f"{len(left)} were never settled: {left[:5]}")
