"""A real process, killed at each point of a delivery: scenarios A8, B3 to B7, H8.

Each point is passed by one run; what reached the phone decides, not our own tables.
"""

from dataclasses import dataclass
from datetime import timedelta
from signal import SIGKILL

import pytest

from cadences import clock, retries
from cadences.mend import mend
from cadences.models import Attempt, Execution, Run, RunnerLog
from cadences.pause import resume_run
from cadences.resolve import resolve
from cadences.testing import at
from tests.cadences.people import cadence, company, execution, fresh, many, told
from tests.cadences.providers import run, through_uazapi
from tests.crashing.apps import POINTS
from tests.environment import ENVIRONMENT
from tests.processes import command, until
from tests.simulators.uazapi import Simulator, uazapi

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

APPS = f"{ENVIRONMENT['EXTRA_APPS']},tests.crashing.apps.Crashing"


@dataclass(frozen=True)
class Trace:
    """What a killed process leaves of its one run, and what becomes of it."""

    state: str | None
    reached: int
    end: str = "sent"
    claimed: bool = True
    in_doubt: bool = True


BEGUN = Trace("sending", 1)
TRACES = {
    "claiming": Trace(None, 0, claimed=False, in_doubt=False),
    "claimed": Trace(None, 0, in_doubt=False),
    "intending": Trace(None, 0, in_doubt=False),
    "intended": Trace("sending", 0, end="assumed"),
    "calling": BEGUN,
    "answered": BEGUN,
    "concluding": BEGUN,
    "concluded": Trace("sent", 1, claimed=False, in_doubt=False),
    "closing": Trace("sent", 1, claimed=False, in_doubt=False),
}


@pytest.fixture
def provider():
    """UAZAPI, and one run that is due at any hour."""
    company(calendar=None)
    with uazapi() as simulator:
        through_uazapi(simulator)
        yield simulator


def die_at(point: str) -> None:
    """Make a pass in a process that is killed at that point."""
    done = command(
        "cadence_runner", "--trigger", "MANUAL", EXTRA_APPS=APPS, RITMO_CRASH=point
    )
    assert done.returncode in {-SIGKILL, 128 + SIGKILL}, done.stderr


def recover(passes: int = 8) -> None:
    """Let time pass, the mender come and others make their passes."""
    with at(clock.now()) as standing:
        for _ in range(passes):
            standing.pass_(minutes=11)
            mend(limit=100)
            run()


def left_behind(one: Run) -> Trace:
    """Return how a run stands after the kill."""
    state = Execution.objects.filter(run=one).values_list("state", flat=True).first()
    return Trace(state, 0, claimed=fresh(one).claim_token is not None)


def test_every_point_of_a_delivery_is_one_where_a_process_was_killed():
    assert list(TRACES) == list(POINTS)


@pytest.mark.parametrize("point", TRACES)
def test_b3_b4_b5_b7_killed_at_any_point_a_step_is_sent_once_or_seen(
    point, provider: Simulator
):
    (one,) = many(cadence({}, {"delay": 30, "unit": "days"}), 1)
    expected = TRACES[point]
    provider.lag = 4.0 if point == "calling" else 0.0

    die_at(point)

    left = left_behind(one)
    assert (left.state, left.claimed) == (expected.state, expected.claimed)
    until(lambda: len(provider.ledger) == expected.reached)
    provider.lag = 0.0
    recover()
    one, step = fresh(one), execution(one)
    assert (step.state, one.last_step, one.next_step) == (expected.end, 1, 2)
    # One that may have been sent is never sent again; one that was not, is, once.
    reached = expected.reached if expected.in_doubt else 1
    assert dict(provider.counts()) == ({str(step.pk): 1} if reached else {})
    assert Attempt.objects.count() == provider.sent() + (point == "intended") == 1
    assert told(one).count("INCERTO") == expected.in_doubt
    assert told(one).count("DISPARADO") == (not expected.in_doubt)
    assert "ERRO" not in told(one)
    assert one.next_run_at - step.intended_at >= timedelta(days=30)
    assert RunnerLog.objects.filter(status="abandoned").count() == 1


def test_b3_what_was_never_called_waits_for_a_person_who_may_send_it(provider):
    (one,) = many(cadence({"on_unknown": "review"}), 1)
    die_at("intended")

    recover()

    assert (fresh(one).status, fresh(one).pause_reason) == ("PAUSADA", "unknown_send")
    assert (execution(one).state, provider.ledger) == ("unknown", [])
    with at(clock.now() + timedelta(hours=2)):
        resolve(execution(one).pk, "not_sent", actor="ana", evidence="not on the phone")
        if fresh(one).status == "PAUSADA":
            resume_run(one.pk, actor="ana", at_once=True)
        run()
    assert dict(provider.counts()) == {str(execution(one).pk): 1}
    assert execution(one).state == "sent"


def test_b5_a_claim_that_died_is_free_when_it_runs_out_and_not_before(provider):
    (one,) = many(cadence(), 1)
    planned = one.planned_run_at
    die_at("claimed")

    run()
    assert (provider.ledger, fresh(one).planned_run_at) == ([], planned)
    with at(clock.now() + retries.LEASE + timedelta(seconds=1)):
        run()

    assert dict(provider.counts()) == {str(execution(one).pk): 1}
    assert "ERRO" not in told(one)
