"""The faults, one function each; they return once the fault is over."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
import redis

from config.errors import ServerFailed
from config.servers import Postgres
from tests.chaos.caller import Caller
from tests.chaos.crew import START, Crew, family, kill
from tests.chaos.facts import Fact, Harm
from tests.chaos.writer import Writer
from tests.processes import until
from tests.stage import Stage

RESTART = 1.0
"""Seconds until a process manager starts a dead process again."""
RESTARTS = 3
"""Times that it tries a server once more."""


@dataclass
class Chaos:
    """What a scenario may lay its hands on."""

    stage: Stage
    crew: Crew
    writer: Writer
    caller: Caller
    random: random.Random
    facts: list[Fact] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Promises that a scenario saw broken with its own eyes."""

    def note(
        self,
        scenario: str,
        harm: Harm,
        began: float,
        pids: frozenset[int] = frozenset(),
    ) -> None:
        """Record a fault that ends now."""
        self.facts.append(Fact(scenario, harm, began, time.time(), pids))

    def occupy(self) -> None:
        """Have every process of the pools in the middle of a job."""
        self.writer.burst(6, 1.5, priority=1)
        time.sleep(0.7)


def burst(chaos: Chaos) -> None:
    """A thousand short jobs at once."""
    began = time.time()
    chaos.writer.burst(1000, 0.001)
    chaos.note("event burst", Harm.NONE, began)


def child_killed(chaos: Chaos) -> None:
    """SIGKILL a process of a pool."""
    chaos.occupy()
    worker = chaos.crew.one(chaos.random)
    victim = chaos.random.choice(worker.children())
    began = kill(victim)
    chaos.note("pool child killed", Harm.KILL, began, frozenset({victim}))


def worker_killed(chaos: Chaos) -> None:
    """SIGKILL a worker, whose pool must not outlive it."""
    chaos.occupy()
    worker = chaos.crew.one(chaos.random)
    pids = family(worker)
    began = kill(worker.pid, family=pids)
    chaos.note("worker killed", Harm.KILL, began, pids)
    time.sleep(RESTART)
    chaos.crew.revive()


def workers_killed(chaos: Chaos) -> None:
    """SIGKILL all workers at once."""
    chaos.occupy()
    until(chaos.crew.is_whole, START)
    pids = frozenset().union(*map(family, chaos.crew.workers))
    began = kill(*(each.pid for each in chaos.crew.workers), family=pids)
    chaos.note("all workers killed", Harm.KILL, began, pids)
    time.sleep(RESTART)
    chaos.crew.revive()


def beat_killed(chaos: Chaos) -> None:
    """SIGKILL one of the beats."""
    victim = chaos.random.choice(chaos.crew.beats)
    began = kill(victim.pid)
    chaos.note("beat killed", Harm.NONE, began)
    time.sleep(RESTART)
    chaos.crew.revive()


def redis_flushed(chaos: Chaos) -> None:
    """Empty the broker under load."""
    began = time.time()
    with redis.Redis.from_url(chaos.stage.valkey.url) as client:
        for _ in range(5):
            client.flushall()
            time.sleep(0.2)
    chaos.note("Redis flushed", Harm.NONE, began)


def redis_restarted(chaos: Chaos) -> None:
    """Stop the broker and start it at once."""
    began = time.time()
    chaos.stage.valkey.stop()
    chaos.stage.valkey.start()
    chaos.note("Redis restarted", Harm.NONE, began)


def redis_stopped(chaos: Chaos) -> None:
    """Take the broker away for a while."""
    began = time.time()
    chaos.stage.valkey.stop()
    time.sleep(8)
    chaos.stage.valkey.start()
    chaos.note("Redis stopped", Harm.NONE, began)


def backends_terminated(chaos: Chaos) -> None:
    """End the database connections of all workers."""
    began = time.time()
    _sql(chaos, """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'ritmo-worker'""")  # fmt: skip
    chaos.note("connections terminated", Harm.BACKEND, began)


def postgres_fast(chaos: Chaos) -> None:
    """Restart the database in order."""
    _restart(chaos, "PostgreSQL restarted, fast", signal.SIGINT)


def postgres_immediate(chaos: Chaos) -> None:
    """Restart the database as after a crash."""
    _restart(chaos, "PostgreSQL restarted, immediate", signal.SIGQUIT)


def idle_in_transaction(chaos: Chaos) -> None:
    """A client locks rows of waiting and of running jobs, and sleeps."""
    chaos.writer.burst(200, 0.05)
    chaos.occupy()
    began = time.time()
    with psycopg.connect(chaos.stage.postgres.url) as client:
        for status in ("pending", "processing"):
            client.execute(
                "SELECT FROM jobs WHERE status = %s LIMIT 30 FOR UPDATE SKIP LOCKED",
                [status],
            )
        time.sleep(8)
        client.rollback()
    chaos.note("client idle in transaction", Harm.NONE, began)


def poison(chaos: Chaos) -> None:
    """Jobs that kill their process, again and again."""
    began = time.time()
    chaos.writer.pills(2)
    time.sleep(4)
    chaos.note("poison pill", Harm.NONE, began)


def worker_stopped(chaos: Chaos) -> None:
    """SIGSTOP a worker and its pool for half a minute, then wake the ghosts."""
    chaos.occupy()
    worker = chaos.crew.one(chaos.random)
    pids = family(worker)
    began = time.time()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(30)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    chaos.note("worker stopped for 30 s", Harm.STOP, began, pids)


def _restart(chaos: Chaos, scenario: str, number: signal.Signals) -> None:
    chaos.occupy()
    # Many claims a second: one may commit whose answer never arrives.
    chaos.writer.burst(3000, 0)
    time.sleep(chaos.random.uniform(0.3, 1.0))
    server = chaos.stage.postgres
    assert server.process is not None
    began = time.time()
    server.process.send_signal(number)
    server.process.wait(30)
    _start(server)
    chaos.note(scenario, Harm.DATABASE, began)


def _start(server: Postgres) -> None:
    """Start it as a process manager does: its recovery may outlast our patience."""
    for _ in range(RESTARTS):
        with suppress(ServerFailed):
            server.start()
            return
    server.start()


def _sql(chaos: Chaos, statement: str) -> None:
    with psycopg.connect(chaos.stage.postgres.url, autocommit=True) as client:
        client.execute(statement.encode())


Scenario = Callable[[Chaos], None]
