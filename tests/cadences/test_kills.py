"""Runners in processes that are killed anywhere: nobody hears twice, no step is lost.

RITMO_KILLS=2000 takes that many due runs instead of a few, for two, four and eight
runners, and kills as much more often. With `-s` each siege prints what it came to.
"""

import os
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from signal import SIGCONT, SIGKILL, SIGSTOP

import httpx2
import pytest
from django.utils import timezone

from cadences.mend import mend
from cadences.models import Attempt, Event, Execution, Lead, Run
from cadences.runner import RUNNER, run_here
from cadences.states import Trigger
from cadences.testing import at
from config.demo.personas import MISSING
from queues.enqueue import enqueue
from tests.cadences.people import cadence, company, many
from tests.cadences.providers import through_uazapi
from tests.processes import Process, celery, free_port, lines_to, manage, until, web
from tests.simulators.uazapi import Fault, Simulator, limited, uazapi

DUE = int(os.environ.get("RITMO_KILLS", "90"))
KILLS = max(4, DUE // 30)
RUNNERS = [2, 4, 8] if "RITMO_KILLS" in os.environ else [4]
SECRET = "service-test-key"
QUIET = ("--without-gossip", "--without-mingle", "-Q", "default", "-c", "2")
PATIENCE = 15.0


class Crew:
    """Workers, commands and a web, replaced as they die."""

    def __init__(self, runners: int, door: Process, port: int, provider: int) -> None:
        self.web, self.port, self.provider = door, port, provider
        self.dice = random.Random(runners)
        self.kinds = [self._worker, self._command][:runners] * runners
        self.members = [start() for start in self.kinds[: runners - 1]]
        self.killed = self.amid = 0
        self.over = threading.Event()
        self.visitor = threading.Thread(target=self._knock)
        self.visitor.start()

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

    def renew(self) -> None:
        """Start anew whoever is dead, or has done its work."""
        for place, each in enumerate(self.members):
            if each.popen.poll() is not None:
                each.log.unlink(missing_ok=True)
                self.members[place] = self.kinds[place]()

    def kill_one(self) -> None:
        """Kill without notice: mostly a process that waits for the provider."""
        if self.dice.random() < 0.75 and self._kill_a_caller():
            self.amid += 1
        else:
            self.dice.choice(self.members).kill()  # all of it, wherever it is
        self.killed += 1
        self.renew()

    def _kill_a_caller(self) -> bool:
        """Stop each in turn to see whether a call is on its wire; kill the first."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for pid in self._hands():
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGSTOP)
                    if lines_to(pid, self.provider):
                        os.kill(pid, SIGKILL)
                        return True
                    os.kill(pid, SIGCONT)
            time.sleep(0.05)
        return False

    def _hands(self) -> list[int]:
        """Return the processes that deliver: of pools, commands, and of the web."""
        living = [each for each in self.members if each.popen.poll() is None]
        found = [pid for each in living for pid in each.children() or [each.pid]]
        found += self.web.children()
        self.dice.shuffle(found)
        return found

    def leave(self) -> None:
        """End all of them."""
        self.over.set()
        self.visitor.join()
        for each in self.members:
            each.kill()
            each.log.unlink(missing_ok=True)


def rough(dice: random.Random) -> Fault | None:
    """Lose an answer now and then, lose a message, or ask for patience."""
    chance = dice.random()
    if chance < 0.04:
        return Fault(hang_up=True, accepts=True)
    if chance < 0.06:
        return Fault(500)
    return limited("2") if chance < 0.08 else None


def _set_out(simulator: Simulator) -> None:
    """Make runs due: some numbers are not on WhatsApp, some leads need no message.

    What nobody can find out is assumed to be sent, or left to a person, half and half.
    """
    company(calendar=None)
    through_uazapi(simulator)
    only = {"field": "stage", "is": "not_equal", "value": "customer"}
    runs = []
    for policy in ("assume", "review"):
        first = {"conditions": [only], "on_unknown": policy}
        which = cadence(first, {"delay": 30, "unit": "days"}, code=policy)
        runs += many(which, DUE // 2)
    Lead.objects.filter(pk__in=[each.lead_id for each in runs[::15]]).update(
        stage="customer"
    )
    for each in runs[7::20]:
        simulator.people[each.lead.contacts.get().address.lstrip("+")] = MISSING


def _disturb(crew: Crew, simulator: Simulator) -> None:
    """Kill now and then while runs are delivered, until enough have been killed."""
    for number in range(KILLS):
        crew.renew()
        enqueue(RUNNER, {"trigger": "CRON", "limit": 60}, unique_key=f"k{number}")
        goal = min(len(simulator.ledger) + DUE // (2 * KILLS), DUE * 8 // 10)
        with suppress(AssertionError):
            until(lambda goal=goal: len(simulator.ledger) >= goal, PATIENCE)  # type: ignore[misc]
        time.sleep(crew.dice.random() * 0.3)
        crew.kill_one()


def _finish() -> None:
    """Let time pass until what was left behind has been taken up and settled."""
    waiting = Run.objects.filter(last_step=0, status="ATIVA")
    with at(timezone.now()) as clock:
        for _ in range(40):
            clock.pass_(minutes=4)
            mend(limit=1000)
            run_here(Trigger.MANUAL, seconds=120)
            if not waiting.exists():
                return
    raise AssertionError(f"{waiting.count()} were never settled")


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600 + DUE)
@pytest.mark.parametrize("runners", RUNNERS)
def test_a6_b4_runners_killed_anywhere_send_each_step_once_and_lose_none(runners):
    with uazapi() as simulator, web(port := free_port()) as door:
        simulator.latency, simulator.lag = 0.1, 0.2
        dice = random.Random(runners)
        simulator.weather = lambda: rough(dice)
        _set_out(simulator)
        provider = int(simulator.url.rpartition(":")[2])
        crew = Crew(runners, door, port, provider)
        try:
            _disturb(crew, simulator)
        finally:
            crew.leave()
        in_doubt = Execution.objects.filter(state="sending").count()
        _finish()

    ends = _judge(simulator)
    print(
        f"\n{runners} runners, {DUE} due runs: {crew.killed} kills, {crew.amid} amid a"
    )
    print(
        f"call; {in_doubt} executions left in doubt; the ledger has {len(simulator.ledger)}"
    )
    print(f"messages, {max(simulator.counts().values())} of one step at most; {ends}")  # fmt: skip
    assert min(crew.amid, in_doubt) >= 1


def _judge(simulator: Simulator) -> dict[str, int]:
    """Compare what reached the phones with how each execution ended; return the ends."""
    counts = simulator.counts()
    assert set(counts.values()) == {1}
    rows = Execution.objects.values_list("pk", "state", "reason")
    states = {str(key): state for key, state, _ in rows}
    assert Run.objects.count() == len(states) == DUE
    assert set(counts) <= set(states)
    by_state: dict[str, set[str]] = {}
    for key, state in states.items():
        by_state.setdefault(state, set()).add(key)
    # A refused number ends its run, and that cancels what was refused.
    assert set(by_state) <= {"sent", "assumed", "unknown", "skipped", "cancelled"}
    assert by_state["sent"] <= set(counts)
    assert not set(counts) & (by_state["skipped"] | by_state["cancelled"])
    assert all(why for _, state, why in rows if state in {"skipped", "cancelled"})
    _nothing_is_silent(by_state)
    return dict(Counter(states.values()))


def _nothing_is_silent(by_state: dict[str, set[str]]) -> None:
    """Every end is told: by the attempts, by the run, by its events."""
    refused = Attempt.objects.filter(outcome="refused", why="recipient")
    assert {str(key) for key in refused.values_list("execution", flat=True)} == (
        by_state["cancelled"]
    )
    ended = Run.objects.filter(executions__state="cancelled")
    assert set(ended.values_list("status", "exit_reason")) == {
        ("CANCELADA", "invalid_number")
    }
    assumed = Event.objects.filter(type="ASSUMIDO").count()
    assert assumed == len(by_state.get("assumed", ()))
    doubted = Run.objects.filter(status="PAUSADA", pause_reason="unknown_send")
    assert {str(key) for key in doubted.values_list("executions", flat=True)} == (
        by_state.get("unknown", set())
    )
    assert not Attempt.objects.filter(outcome=None).exists()
    assert set(Run.objects.filter(last_step=1).values_list("next_step", flat=True)) == {2}  # fmt: skip
