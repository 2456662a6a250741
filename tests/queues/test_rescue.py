"""What vanished processes held runs again; the living are left alone."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from queues.enqueue import enqueue
from queues.keep import Keeper, due_queues, keeping, tick, vouch
from queues.machine import Condition, birth_mark, condition, machine_id
from queues.models import Attempt, DeadLetter, Job, Pulse, Worker
from queues.presence import leave, present
from queues.rescue import CANCEL_GRACE, PATIENCE, end_overdue, hand_back, rescue
from queues.states import State

pytestmark = pytest.mark.django_db(transaction=True)


def age_heartbeat(seconds: float) -> None:
    """Let everybody's heartbeat be that old, and the pacemaker be steady."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workers SET seen_at = clock_timestamp() - %s * interval '1 s'",
            [seconds],
        )


def pulse(steady_for: float) -> None:
    """Let the pacemaker have been steady for that long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pacemaker (id) VALUES (1) ON CONFLICT DO NOTHING;"
            "UPDATE pacemaker SET steady_since = clock_timestamp() - %s * interval '1 s'",
            [steady_for],
        )


@pytest.fixture
def sleeper():
    """Return a living process that does nothing."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_a_silent_process_loses_its_claims(claimed):
    taken = claimed()
    pulse(PATIENCE * 2)
    age_heartbeat(PATIENCE + 1)

    assert rescue() == 1

    job = Job.objects.get()
    assert (job.status, job.failures, job.losses) == (State.PENDING, 1, 1)
    assert "vanished" in job.error
    assert Attempt.objects.get(pk=taken.attempt_id).outcome == "lost"


def test_a_beating_process_keeps_its_claims_however_long(claimed):
    claimed()
    Attempt.objects.update(
        claimed_at="2020-01-01T00:00Z", started_at="2020-01-01T00:00Z"
    )
    pulse(PATIENCE * 2)

    assert rescue() == 0


def test_after_an_outage_everyone_gets_the_whole_patience(claimed):
    claimed()
    age_heartbeat(PATIENCE * 10)
    pulse(steady_for=PATIENCE / 2)

    assert rescue() == 0


def test_a_process_known_to_be_gone_is_not_waited_for(claimed, me):
    claimed()
    leave(Worker.Kind.CHILD)

    assert rescue() == 1


def test_an_attempt_without_a_process_is_rescued(claimed):
    claimed()
    Worker.objects.all().delete()

    assert rescue() == 1


def test_the_last_loss_of_a_job_is_a_dead_letter(claimed):
    claimed(max_attempts=1)
    leave(Worker.Kind.CHILD)

    rescue()

    assert "vanished" in DeadLetter.objects.get().reason


def test_the_machine_vouches_for_the_living_and_buries_the_dead(me):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    Worker.objects.create(
        kind="child", name="x", machine=machine_id(), pid=dead.pid, born="1"
    )
    elsewhere = Worker.objects.create(
        kind="child", name="y", machine="another", pid=1, born="1"
    )
    age_heartbeat(10)

    vouch()

    rows = {row.pid: row for row in Worker.objects.exclude(pk=elsewhere.pk)}
    assert rows[dead.pid].gone_at is not None
    assert rows[os.getpid()].gone_at is None
    assert rows[os.getpid()].seen_at > Worker.objects.get(pk=elsewhere.pk).seen_at
    assert Worker.objects.get(pk=elsewhere.pk).gone_at is None


def test_nobody_vouches_for_a_stopped_process_nor_buries_it(sleeper):
    born = birth_mark(sleeper.pid)
    assert condition(sleeper.pid, born) is Condition.LIVING
    assert condition(sleeper.pid, "another birth") is Condition.DEAD
    row = Worker.objects.create(
        kind="child", name="x", machine=machine_id(), pid=sleeper.pid, born=born
    )

    sleeper.send_signal(signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    age_heartbeat(10)
    vouch()

    assert condition(sleeper.pid, born) is Condition.STOPPED
    row.refresh_from_db()
    assert row.gone_at is None
    assert (timezone.now() - row.seen_at).total_seconds() > 9


def test_a_process_taken_for_dead_claims_under_a_new_row(me, monkeypatch):
    Worker.objects.update(gone_at=timezone.now())
    assert present(Worker.Kind.CHILD) == me
    monkeypatch.setattr("queues.presence.AFFIRMED_FOR", 0.0)

    again = present(Worker.Kind.CHILD)

    assert again != me
    assert present(Worker.Kind.CHILD) == again


def test_without_proc_the_pid_must_do(monkeypatch):
    from queues import machine

    assert machine._answers(os.getpid())
    assert machine._answers(1)
    assert not machine._answers(2**22 - 3)


def test_one_tick_a_beat_over_all_machines(sql):
    assert tick()
    assert not tick()


def test_a_long_silence_of_the_pacemakers_is_noticed(sql):
    tick()
    sql("UPDATE pacemaker SET steady_since = now() - interval '1 hour',"
        " ticked_at = clock_timestamp() - interval '1 minute'")  # fmt: skip

    assert tick()

    row = Pulse.objects.get()
    assert (row.ticked_at - row.steady_since).total_seconds() < 1


def test_due_queues_are_named_once_and_future_ones_not():
    from datetime import timedelta

    from django.utils import timezone

    for _ in range(3):
        enqueue("noop")
    enqueue("reports-queue", run_at=timezone.now() + timedelta(hours=1))
    assert due_queues() == ["default"]

    enqueue("reports-queue", priority=9)
    assert due_queues() == ["default", "reports"]


def test_the_pacemaker_rings_for_rows_whose_bell_was_lost(waiting_bells, sql):
    sql("INSERT INTO jobs (type) VALUES ('noop')")
    assert waiting_bells() == 0

    tick()

    assert waiting_bells() == 1


class TestOverdue:
    """What outlives its limit on this machine is ended from outside."""

    @pytest.fixture
    def child(self, sleeper):
        """Return a living process with a row, as a pool child has."""
        row = Worker.objects.create(
            kind="child", name="child", machine=machine_id(), pid=sleeper.pid,
            born=birth_mark(sleeper.pid),
        )  # fmt: skip
        return sleeper, row

    def held_by(self, row, type_="overrun", **changes):
        from queues.claim import claim

        enqueue(type_, {})
        (taken,) = claim(["default"], worker=row.pk, limit=1)
        Attempt.objects.filter(pk=taken.attempt_id).update(**changes)
        return taken

    def test_the_hard_timeout_settles_by_name_and_ends_the_process(self, child):
        process, row = child
        old = "2020-01-01T00:00Z"
        self.held_by(row, claimed_at=old, started_at=old)

        assert end_overdue() == 1

        assert process.wait(5) == -9
        assert DeadLetter.objects.get().reason.startswith("HardTimeout: longer than")

    def test_what_is_in_time_goes_on(self, child):
        process, row = child
        self.held_by(row)

        assert end_overdue() == 0
        assert process.poll() is None

    def test_a_cancel_that_was_not_heard_ends_the_process(self, child, sql):
        process, row = child
        self.held_by(row, type_="noop")
        sql("UPDATE jobs SET cancel_requested_at = now() - %s * interval '1 s'",
            CANCEL_GRACE + 1)  # fmt: skip

        assert end_overdue() == 1

        assert process.wait(5) == -9
        assert Job.objects.get().status == State.CANCELLED

    def test_a_stopped_worker_hands_back_what_it_holds(self, child):
        process, row = child
        self.held_by(row)

        assert hand_back([process.pid]) == 1

        job = Job.objects.get()
        assert (job.status, job.failures) == (State.PENDING, 0)
        assert process.wait(5) == -9


class TestKeeper:
    """The thread that goes round."""

    def test_it_beats_ticks_and_stops(self, waiting_bells, sql):
        sql("INSERT INTO jobs (type) VALUES ('noop')")
        keeper = Keeper(pace=True)
        keeper.start()
        from tests.processes import until

        until(lambda: waiting_bells() == 1)
        keeper.stop()
        keeper.join(5)

        assert not keeper.is_alive()

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError, KeyError])
    def test_a_round_that_fails_is_not_the_last(self, monkeypatch, error, caplog):
        """Without a heartbeat the living would pass for dead, and run again elsewhere."""
        rounds = []

        def flaky() -> None:
            rounds.append(1)
            if len(rounds) <= 3:
                raise error("gone\nfor long")

        monkeypatch.setattr("queues.keep.vouch", flaky)
        monkeypatch.setattr("queues.keep.BEAT", 0.05)
        keeper = Keeper(pace=False)
        keeper.start()
        from tests.processes import until

        until(lambda: len(rounds) > 5)
        keeper.stop()
        keeper.join(5)
        told = [text for text in caplog.messages if text.startswith("keeper")]
        assert len(told) == 2
        assert error.__name__ in told[0]
        assert "\n" not in told[0]
        assert told[1] == "keeper: goes on"

    def test_it_tells_where_it_is_as_soon_as_the_database_hears(self, monkeypatch):
        """A worker that starts while the database is away has a keeper all the same."""
        calls = []

        def arrive() -> None:
            calls.append(1)
            if len(calls) < 3:
                raise OperationalError("the database system is starting up")
            present(Worker.Kind.NODE)

        monkeypatch.setattr("queues.keep.BEAT", 0.05)
        keeper = Keeper(pace=False, arrive=arrive)
        keeper.start()
        from tests.processes import until

        until(Worker.objects.filter(kind="node").exists)
        until(lambda: len(calls) > 3)
        keeper.stop()
        keeper.join(5)

    def test_after_the_grace_the_children_hand_back(self, monkeypatch):
        asked: list[object] = []
        monkeypatch.setattr("queues.keep.hand_back", asked.append)
        keeper = Keeper(pace=False, children=lambda: [42])
        keeper.hand_back_after(0)

        keeper._round()

        assert asked == [[42]]

    def test_it_ends_with_its_body(self):
        with keeping():
            assert "ritmo-keeper" in {each.name for each in threading.enumerate()}

        assert "ritmo-keeper" not in {each.name for each in threading.enumerate()}


def test_a_row_of_this_process_is_written_once():
    assert present(Worker.Kind.CHILD) == present(Worker.Kind.CHILD)
    assert Worker.objects.count() == 1
