"""B19: whatever happens in whatever order, nobody hears twice and no run is lost.

RITMO_INTERLEAVINGS=1000 looks at that many histories instead of a few, and at a
hundredth of them with two hundred runs.
"""

import itertools
import os
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
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

from cadences.answer import hear
from cadences.claim import candidates, claim
from cadences.conclude import conclude
from cadences.control import EPOCH
from cadences.deliver import deliver
from cadences.drain import drain
from cadences.errors import IllegalMove
from cadences.intend import Intent, intend, lock
from cadences.mend import mend, settle
from cadences.models import Account, Attempt, Execution, Message, Run
from cadences.obey import obey
from cadences.outcomes import CannotTell, Found, NotFound, Refused, Unknown, Why
from cadences.pause import cancel, pause, resume_run, run_now, skip_step
from cadences.receive import receive
from cadences.replies import Kind, Reading
from cadences.resolve import resolve
from cadences.runner import run_here
from cadences.states import ExecutionState, RunStatus, Trigger
from cadences.testing import Recorder, at, recording
from config.demo.phones import Arrived, Phones
from queues.invariants import known, violations
from tests.cadences.ledger import closed_sends, doubled
from tests.cadences.people import T, cadence, enrolled

EXAMPLES = int(os.environ.get("RITMO_INTERLEAVINGS", "10"))
LONG = "RITMO_INTERLEAVINGS" in os.environ
PHASES = [Phase.generate] + [Phase.shrink] * LONG
FEW, MANY = 6, 200
DAYS = 20
"""After which nothing waits any more that nobody has to decide."""
STEPS: tuple[dict[str, Any], ...] = (
    {},
    {"delay": 2, "unit": "hours"},
    {"delay": 1, "unit": "days"},
)
OUTCOMES = ["sent", "sent", "lost", "dark", "not_sent", "busy", "sender", "recipient"]
SAID = ["Oi, tenho interesse", "SAIR", "Estou de férias", "não quero mais falar disso"]
READINGS = [Kind.HUMAN, Kind.OPT_OUT, Kind.ABSENCE, Kind.PROBABLY_MACHINE, Kind.MAYBE_OPT_OUT]  # fmt: skip


class Interleavings(RuleBasedStateMachine):
    """Two runners that crash anywhere, the mender, webhooks, the leads and the staff."""

    count = FEW

    def __init__(self) -> None:
        super().__init__()
        self.clock_door, self.phone_door = at(T), recording()
        self.clock = self.clock_door.__enter__()
        self.phones: Recorder = self.phone_door.__enter__()
        self.claims: list[tuple[Any, Any]] = []
        self.calls: list[Intent] = []
        self.ends: list[tuple[Intent, Any]] = []
        self.wire, self.told = Phones("token"), list[tuple[str, Any]]()
        self.keys = itertools.count()
        cache.delete(EPOCH)  # the histories before this one have been undone
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        """See that everything comes to an end, and forget it all."""
        try:
            if hasattr(self, "runs"):
                self._everything_ends()
        finally:
            self._forget()

    def _everything_ends(self) -> None:
        """Let the days pass: what is left then waits for a person, and says so."""
        self.phones.trace = self._look
        self.calls.clear()
        for _ in range(DAYS):
            self.clock.pass_(days=1)
            mend(limit=1000)
            run_here(Trigger.CRON)
            if not Run.objects.filter(status=RunStatus.ACTIVE).exists():
                break
        assert not Run.objects.filter(status=RunStatus.ACTIVE).exists()
        assert not Execution.objects.filter(state=ExecutionState.SENDING).exists()
        doubts = Execution.objects.filter(state=ExecutionState.UNKNOWN)
        assert not doubts.filter(run__status=RunStatus.ACTIVE).exists()
        self.nobody_hears_a_step_twice()
        self.the_invariants_hold()

    def _forget(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        connection.run_on_commit.clear()
        self.phone_door.__exit__(None, None, None)
        self.clock_door.__exit__(None, None, None)

    @initialize()
    def leads_are_enrolled(self) -> None:
        self.runs = [each.pk for each in enrolled(cadence(*STEPS), self.count)]
        self.account = Account.objects.get(medium="whatsapp").pk

    # ── Runners, which may stop for ever between any two of these ──────────────────

    @rule(limit=st.sampled_from([1, 2, 10]))
    def a_runner_claims(self, limit: int) -> None:
        seen = candidates(limit, now=self.clock())
        self.claims += claim(seen, now=self.clock()).won

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_runner_delivers(self, data: Any, outcome: str) -> None:
        self.phones.script.append(self._script(outcome))
        deliver(*data.draw(st.sampled_from(self.claims[-6:])))
        self.phones.script.clear()

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_runner_commits_to_a_call(self, data: Any) -> None:
        run_id, token = data.draw(st.sampled_from(self.claims[-6:]))
        run = lock(run_id)
        if run is None or run.claim_token != token or run.status != RunStatus.ACTIVE:
            return
        decision = intend(run, now=self.clock())
        if isinstance(decision, Intent):
            self.calls.append(decision)
        else:
            obey(run, decision, now=self.clock())

    @precondition(lambda self: self.calls)
    @rule(outcome=st.sampled_from(OUTCOMES))
    def a_runner_calls(self, outcome: str) -> None:
        intent = self.calls.pop(0)
        self.ends.append((intent, self._script(outcome)(intent.letter)))

    @precondition(lambda self: self.ends)
    @rule(data=st.data(), keep=st.booleans())
    def a_runner_writes_the_end(self, data: Any, keep: bool) -> None:
        """Write it, also late, and now and then twice."""
        place = data.draw(st.integers(0, len(self.ends) - 1))
        conclude(*self.ends[place], duration_ms=5)
        if not keep:
            self.ends.pop(place)

    @rule()
    def a_whole_pass_is_made(self) -> None:
        run_here(Trigger.CRON)

    @rule(found=st.sampled_from(["nothing", "ledger", "ledger"]))
    def the_mender_comes(self, found: str) -> None:
        self.phones.trace = self._look if found == "ledger" else CannotTell()
        mend(limit=50)

    def _look(self, correlation: str) -> Any:
        """Answer as a provider that knows exactly what it was given."""
        given = any(each.correlation == correlation for each in self.phones.ledger)
        waiting = any(each.letter.correlation == correlation for each in self.calls)
        return Found(f"id-{correlation}") if given else NotFound(certain=not waiting)

    def _script(self, outcome: str) -> Any:
        def call(letter: Any) -> Any:
            if outcome in {"sent", "lost"}:
                accepted = self.phones.reach(letter)
                return accepted if outcome == "sent" else Unknown("timeout")
            if outcome == "dark":
                return Unknown("timeout")
            return Refused(Why(outcome), "no")

        return call

    # ── Leads and providers ────────────────────────────────────────────────────────

    @rule(place=st.integers(0, MANY - 1), kind=st.sampled_from(READINGS))
    def a_lead_answers(self, place: int, kind: Kind) -> None:
        lead = Run.objects.values_list("lead_id", flat=True).get(pk=self._run(place))
        hear(lead, Reading(kind), medium="whatsapp")

    @precondition(lambda self: self.phones.ledger)
    @rule(data=st.data())
    def an_echo_comes(self, data: Any) -> None:
        letter = data.draw(st.sampled_from(self.phones.ledger))
        name = letter.correlation.partition(".")[0]
        settle(name, Found(f"id-{letter.correlation}"), via="echo")

    @precondition(lambda self: self.phones.ledger)
    @rule(
        data=st.data(), times=st.integers(1, 3),
        what=st.sampled_from(["echo", "Delivered", "Read", "Failed"]),
    )  # fmt: skip
    def a_webhook_tells_of_a_message(self, data: Any, what: str, times: int) -> None:
        """Tell it once or more often, in any order, also before our own call ended."""
        letter = data.draw(st.sampled_from(self.phones.ledger))
        arrived = Arrived(
            letter.address.lstrip("+"), letter.body, letter.correlation,
            f"id-{letter.correlation}", self.clock().timestamp(),
        )  # fmt: skip
        payload = (
            self.wire.echo(arrived)
            if what == "echo"
            else self.wire.receipt(arrived, what)
        )
        self._deliver(f"{what}-{arrived.message_id}", payload, times=times)

    @rule(
        place=st.integers(0, MANY - 1), text=st.sampled_from(SAID),
        times=st.integers(1, 3),
    )  # fmt: skip
    def a_webhook_tells_of_a_reply(self, place: int, text: str, times: int) -> None:
        lead = Run.objects.get(pk=self._run(place)).lead
        number = lead.contacts.get().address.lstrip("+")
        at = int(self.clock().timestamp() * 1000)
        payload = self.wire.says(number, text, messageTimestamp=at)
        self._deliver(f"said-{next(self.keys)}", payload, times=times)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def an_old_webhook_comes_again(self, data: Any) -> None:
        before = Message.objects.count()
        self._deliver(*data.draw(st.sampled_from(self.told)))
        assert Message.objects.count() == before

    def _deliver(self, key: str, payload: Any, *, times: int = 1) -> None:
        self.told.append((key, payload))
        for _ in range(times):
            receive("uazapi", self.account, [(key, payload)])
        drain(1000)
        assert not Message.objects.filter(status="failed").exists()

    def _run(self, place: int) -> Any:
        return self.runs[place % len(self.runs)]

    # ── Staff, and time ────────────────────────────────────────────────────────────

    @rule(
        place=st.integers(0, MANY - 1),
        verb=st.sampled_from(
            [pause, resume_run, resume_run, cancel, skip_step, run_now]
        ),
    )
    def somebody_steers(self, place: int, verb: Any) -> None:
        try:
            verb(self._run(place), actor="ana")
        except IllegalMove:
            return

    @rule(verdict=st.sampled_from(["sent", "skip", "not_sent"]))
    def somebody_resolves(self, verdict: Any) -> None:
        doubt = Execution.objects.filter(state=ExecutionState.UNKNOWN).first()
        if doubt is None:
            return
        if verdict == "not_sent":
            # The one way to a second message: a person who is wrong. Ours is right.
            arrived = str(doubt.pk) in self.phones.counts()
            pending = [each for each in self.calls if each.execution.pk == doubt.pk]
            if arrived or pending:
                return
        try:
            resolve(doubt.pk, verdict, actor="ana", evidence="looked at the phone")
        except IllegalMove:
            return

    @rule(minutes=st.sampled_from([0.5, 2, 11, 70, 180, 24 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.clock.pass_(minutes=minutes)
        # A call ends within its deadline, or its worker is dead.
        if minutes > 1:
            self.calls.clear()
        if minutes > 2:
            run_here(Trigger.CRON)
            mend(limit=50)

    # ── What holds after every step ────────────────────────────────────────────────

    @invariant()
    def nobody_hears_a_step_twice(self) -> None:
        assert doubled(self.phones) == {}

    @invariant()
    def the_invariants_hold(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('ritmo.now', %s, false)", [str(self.clock())]
            )
        ours = [name for name in known() if name.startswith("cadence")]
        assert dict(violations(ours)) == {}
        assert closed_sends() == []

    @invariant()
    def what_was_recorded_as_accepted_reached_somebody(self) -> None:
        reached = {letter.correlation for letter in self.phones.ledger}
        said = Attempt.objects.filter(outcome="accepted", resolved_at=None)
        assert set(said.values_list("correlation", flat=True)) <= reached

    @invariant()
    def no_run_is_lost(self) -> None:
        assert Run.objects.count() == (self.count if hasattr(self, "runs") else 0)
        soon = self.clock() + timedelta(days=30)
        assert not Run.objects.filter(status="ATIVA", next_run_at__gt=soon).exists()


class Crowded(Interleavings):
    """The same with many runs at once."""

    count = MANY


HISTORIES = [(Interleavings, EXAMPLES)]
if LONG:
    HISTORIES.append((Crowded, max(1, EXAMPLES // 100)))


@pytest.mark.django_db
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("machine", "examples"), HISTORIES)
def test_b19_no_history_sends_twice_or_loses_a_run(machine, examples):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            print_blob=True,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
