"""Whatever happens in whatever order: the invariants hold and no job vanishes.

RITMO_INTERLEAVINGS=1000 looks at that many histories instead of a few.
"""

import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from queues.backoff import fixed
from queues.cancel import cancel
from queues.claim import claim
from queues.claims import Claim
from queues.enqueue import enqueue
from queues.errors import ClaimLost, IllegalTransition
from queues.expire import expire
from queues.handlers import handler, registry
from queues.keep import tick
from queues.models import Job, Worker
from queues.outcomes import Bury, Cancel, Release, Retry, Snooze, Succeed
from queues.policy import Policy
from queues.prune import prune
from queues.replay import replay
from queues.rescue import rescue
from queues.settle import settle
from queues.states import FINAL, LIVE
from tests.broken import broken

EXAMPLES = int(os.environ.get("RITMO_INTERLEAVINGS", "30"))
PHASES = [Phase.generate] + [Phase.shrink] * ("RITMO_INTERLEAVINGS" in os.environ)
"""A failure is told at once, and made small, which takes minutes, by hand."""
TYPES = {"steady": 3, "brief": 2, "fleeting": 1}
"""Job types and their most attempts; all waits are minutes, so a slow test is no hurry."""
TABLES = {
    "jobs": "created_at run_at started_at completed_at cancel_requested_at",
    "job_attempts": "claimed_at started_at finished_at",
    "dead_letters": "created_at replayed_at",
    "job_minutes": "minute",
    "job_rollup": "done_until",
}
SLOW = 45.0
"""Seconds of a history after which the machine's own time would count in minutes."""
MINUTES = {"moment": 2, "hour": 60, "day": 24 * 60, "month": 31 * 24 * 60, "season": 91 * 24 * 60}  # fmt: skip
OUTCOMES = (
    Succeed({"ok": True}), Snooze(timedelta(minutes=30)), Snooze(0), Retry(), Retry(after=0),
    Bury("no use"), Cancel(), Release(),
)  # fmt: skip


@dataclass
class Known:
    """What the model believes of a job."""

    type: str
    key: str | None
    priority: int
    status: str = "pending"
    failures: int = 0
    losses: int = 0
    cancel: bool = False
    age: int = 0
    ended: int = 0

    def state(self) -> tuple[object, ...]:
        """Return what is compared with the row."""
        return (self.status, self.failures, self.losses, self.priority)

    def wait_again(self) -> None:
        """Go back to the line, unless someone asked for a cancel meanwhile."""
        self.end("cancelled" if self.cancel else "pending")

    def end(self, status: str) -> None:
        """Take a status; ages since the end count from now."""
        self.status, self.ended = status, 0

    def fail(self, *, lost: bool = False) -> None:
        """Count a failure: another try or the end."""
        self.failures += 1
        self.losses += lost
        if self.failures >= TYPES[self.type]:
            self.end("failed")
            return
        self.priority = min(self.priority + 2, 9)
        self.wait_again()

    def settle(self, outcome: object) -> None:
        """End a run so."""
        match outcome:
            case Succeed():
                self.end("completed")
            case Retry():
                self.fail()
            case Bury():
                self.failures += 1
                self.end("failed")
            case Cancel():
                self.end("cancelled")
            case _:
                self.wait_again()


class Interleavings(RuleBasedStateMachine):
    """Callers, workers, staff and the pacemaker, each a step at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()
        self.jobs: dict[int, Known] = {}
        self.held: dict[int, tuple[Claim, int, bool]] = {}
        self.ghosts: list[Claim] = []
        self.gone: set[int] = set()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        """Forget it all."""
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        connection.run_on_commit.clear()

    @initialize()
    def workers_start(self) -> None:
        self.workers = [self._worker() for _ in range(3)]
        for type_ in sorted(TYPES) * 2:
            self.somebody_enqueues(type_=type_, key=None, priority=5, minutes=0)

    def _worker(self) -> int:
        return Worker.objects.create(
            kind="child", name="w", machine="elsewhere", pid=1, born="1"
        ).pk

    # ── Callers ────────────────────────────────────────────────────────────────────

    @rule(
        type_=st.sampled_from(sorted(TYPES)),
        key=st.sampled_from([None, None, "a", "b"]),
        priority=st.integers(1, 9),
        minutes=st.sampled_from([0, 0, 0, 30, 3000]),
    )
    def somebody_enqueues(
        self, type_: str, key: str | None, priority: int, minutes: int
    ) -> None:
        live = self._holder(type_, key)
        run_at = timezone.now() + timedelta(minutes=minutes) if minutes else None

        job = enqueue(type_, {}, priority=priority, unique_key=key, run_at=run_at)

        if live is None:
            assert job.pk not in self.jobs
            self.jobs[job.pk] = Known(type_, key, priority)
        assert live in {None, job.pk}

    def _holder(self, type_: str, key: str | None) -> int | None:
        for job_id, known in self.jobs.items():
            if key and (known.type, known.key) == (type_, key) and known.status in LIVE:
                return job_id
        return None

    # ── Workers ────────────────────────────────────────────────────────────────────

    @rule(place=st.integers(0, 2), limit=st.sampled_from([1, 1, 2, 5]))
    def a_worker_claims(self, place: int, limit: int) -> None:
        worker = self.workers[place]
        due = [job.pk for job in Job.objects.filter(
            status="pending", run_at__lte=timezone.now()
        ).order_by("priority", "run_at", "pk")[:limit]]  # fmt: skip

        claims = claim(["default"], worker=worker, limit=limit)

        assert [each.job_id for each in claims] == due
        for each in claims:
            assert each.number == self.jobs[each.job_id].failures + 1
            assert each.job_id not in self.held
            self.jobs[each.job_id].status = "processing"
            self.held[each.job_id] = (each, worker, limit == 1)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), with_ghost=st.booleans())
    def a_worker_settles(self, data: Any, with_ghost: bool) -> None:
        choices = st.lists(
            st.sampled_from(sorted(self.held)), min_size=1, max_size=4, unique=True
        )
        verdicts = [
            (self.held.pop(job_id)[0], data.draw(st.sampled_from(OUTCOMES)))
            for job_id in data.draw(choices)
        ]
        ghosts = self.ghosts[-1:] if with_ghost else []

        try:
            settle([*verdicts, *((ghost, Succeed("boo")) for ghost in ghosts)])
        except ClaimLost:
            assert ghosts
        else:
            assert not ghosts
        for taken, outcome in verdicts:
            self.jobs[taken.job_id].settle(outcome)
            self.ghosts.append(taken)

    @precondition(lambda self: self.ghosts)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_ghost_settles_in_vain(self, data: Any, outcome: Any) -> None:
        ghost = data.draw(st.sampled_from(self.ghosts[-5:]))

        with pytest.raises(ClaimLost):
            settle([(ghost, outcome)])

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_worker_is_killed(self, data: Any) -> None:
        _, worker, _ = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        Worker.objects.filter(pk=worker).update(gone_at=timezone.now())
        self.gone.add(worker)
        alive = [each for each in self.workers if each != worker]
        self.workers = [*alive, self._worker()][-3:]

    # ── The pacemaker ──────────────────────────────────────────────────────────────

    @rule(by_tick=st.booleans())
    def the_pacemaker_rescues(self, by_tick: bool) -> None:
        # Its machine vouches for who lives, however long a step takes on ours.
        Worker.objects.filter(gone_at=None).update(seen_at=timezone.now())
        if not (by_tick and tick()):
            rescue()

        for job_id, (taken, worker, started) in list(self.held.items()):
            if worker not in self.gone:
                continue
            known = self.jobs[job_id]
            if started:
                known.fail(lost=True)
            else:
                known.losses += 1
                known.wait_again()
            self.ghosts.append(taken)
            del self.held[job_id]

    @rule(after=st.sampled_from([None, "moment", "hour"]))
    def the_pacemaker_expires(self, after: str | None) -> None:
        self.time_passes(span=after)
        if self._is_slow():
            return
        expected = [
            known for known in self.jobs.values()
            if known.type == "brief" and known.status == "pending" and known.age >= 60
        ]  # fmt: skip

        assert expire() == len(expected)

        for known in expected:
            known.end("failed")

    @rule(after=st.sampled_from([None, "moment", "month", "season"]))
    def the_pacemaker_prunes(self, after: str | None) -> None:
        self.time_passes(span=after)
        if self._is_slow():
            return
        gone = {job_id for job_id, known in self.jobs.items() if self._is_over(known)}

        assert prune() == len(gone)

        for job_id in gone:
            del self.jobs[job_id]

    def _is_slow(self) -> bool:
        """Tell whether real time has come to matter, of which the model knows nothing."""
        return time.monotonic() - self.began > SLOW

    def _is_over(self, known: Known) -> bool:
        """Tell whether its time is over; `fleeting` is kept no longer than it must."""
        if known.status not in FINAL:
            return False
        days = 90 if known.status == "failed" else 30
        least = 2 if known.type == "fleeting" and days == 30 else days * 24 * 60
        return known.ended >= least

    # ── Staff, and time ────────────────────────────────────────────────────────────

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def somebody_cancels(self, data: Any) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        known = self.jobs[job_id]

        try:
            cancel(job_id)
        except IllegalTransition:
            assert known.status in FINAL
            return

        assert known.status in LIVE
        if known.status == "pending":
            known.end("cancelled")
        else:
            known.cancel = True

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def somebody_replays(self, data: Any) -> None:
        failed = [pk for pk, known in self.jobs.items() if known.status == "failed"]
        job_id = data.draw(st.sampled_from(sorted(failed or self.jobs)))
        known = self.jobs[job_id]
        is_held = self._holder(known.type, known.key) is not None

        try:
            replay(job_id)
        except IllegalTransition:
            assert known.status != "failed" or is_held
            return

        assert known.status == "failed"
        assert not is_held
        known.end("pending")
        known.failures = known.losses = known.age = 0
        known.cancel = False

    @rule(span=st.sampled_from(sorted(MINUTES)))
    def time_passes(self, span: str | None) -> None:
        if span is None:
            return
        moved = timedelta(minutes=MINUTES[span])
        with connection.cursor() as cursor:
            for table, columns in TABLES.items():
                sets = ", ".join(
                    f"{name} = {name} - %(by)s::interval" for name in columns.split()
                )
                cursor.execute(f"UPDATE {table} SET {sets}", {"by": str(moved)})
        for known in self.jobs.values():
            known.age += MINUTES[span]
            known.ended += MINUTES[span]

    # ── What holds after every step ────────────────────────────────────────────────

    @invariant()
    def the_invariants_hold(self) -> None:
        assert broken() == {}

    @invariant()
    def every_job_is_as_expected_and_none_vanished(self) -> None:
        rows = Job.objects.values_list("pk", "status", "failures", "losses", "priority")
        found = {job_id: tuple(state) for job_id, *state in rows}
        assert found == {job_id: known.state() for job_id, known in self.jobs.items()}


@pytest.fixture
def _patient(monkeypatch):
    """Roll up all seasons that pass at once, however slow the machine."""
    monkeypatch.setattr("queues.rollup.TURN", 600.0)


@pytest.fixture
def _types():
    """Register a type that waits, one that expires and one that is soon pruned."""
    retry = Policy(fixed([timedelta(minutes=10)]))
    special: dict[str, dict[str, Any]] = {
        "steady": {},
        "brief": {"max_age": timedelta(hours=1)},
        "fleeting": {"keep": timedelta()},
    }
    for name, most in TYPES.items():
        handler(name, max_attempts=most, retry=retry, **special[name])(
            lambda data, job: 0
        )
    yield
    for name in TYPES:
        registry.discard(name)


@pytest.mark.django_db
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_types", "_patient")
def test_no_history_breaks_an_invariant_or_loses_a_job():
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
