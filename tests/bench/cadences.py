"""Cadences: claims beside the seed's own, whole steps against a provider, a due query."""

import http.client
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db import connection, connections, transaction

from cadences import clock
from cadences.claim import CANDIDATES, candidates, claim
from cadences.journal import open_log
from cadences.models import Account, Company, Event, RunnerLog
from cadences.runner import RUNNER, hand_out
from cadences.states import Trigger
from queues.enqueue import enqueue
from tests.cadences.people import cadence, template
from tests.processes import celery, free_port, running, until
from tests.simulators.uazapi import TOKEN

PAGE = 500
RUNNERS = 4
PROCESSES = 2
LATENCY_MS = 50
PATIENCE = 600.0
LEADS = """
WITH person AS (
    INSERT INTO leads (id, company_id, name)
    SELECT gen_random_uuid(), 'bench', 'Ana ' || n FROM generate_series(1, %s) AS n
    RETURNING id),
address AS (
    INSERT INTO lead_contacts (lead_id, medium, address, identity)
    SELECT id, 'whatsapp', '+55119' || lpad((row_number() OVER ())::text, 8, '0'), ''
    FROM person)
INSERT INTO lead_cadence_runs
    (lead_id, company_id, cadence_id, version_id, next_step, next_step_key,
     next_run_at, planned_run_at)
SELECT person.id, 'bench', %s, %s, 1, %s, due, due
FROM person, LATERAL (SELECT clock_timestamp() + %s * random() * interval '1 day' AS due
    WHERE person.id IS NOT NULL) AS moment
"""
SEED_READ = """
SELECT id, next_run_at FROM lead_cadence_runs
WHERE status = 'ATIVA' AND next_run_at <= now() ORDER BY next_run_at LIMIT 100
"""
SEED_LOCK = """
UPDATE lead_cadence_runs SET next_run_at = now() + interval '10 minutes'
WHERE id = %s AND next_run_at = %s RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Steps:
    """What whole steps against a provider came to."""

    rate: float
    messages: int
    most: int
    memory: float


def prepare(count: int, *, future: bool = False, port: int = 0) -> None:
    """Fill the tables with one cadence of two steps and that many runs."""
    clear()
    Company.objects.create(code="bench", name="Bench")
    template("hello", "Olá {{ nome }}, {{ saudacao }}", at="bench")
    which = cadence({}, {"delay": 1, "unit": "days"}, at="bench", code="bench")
    Account.objects.create(
        company_id="bench", medium="whatsapp", adapter="uazapi", name="bench-1",
        base_url=f"http://127.0.0.1:{port}", credentials={"token": TOKEN},
    )  # fmt: skip
    step = which.published.steps.get(position=1)
    values = [count, which.pk, which.published_id, step.key, int(future)]
    with connection.cursor() as cursor:
        cursor.execute(LEADS, values)
        cursor.execute("ANALYZE leads, lead_contacts, lead_cadence_runs")


def clear() -> None:
    """Forget everything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE companies, leads, cadences, calendars, message_templates,"
            " channel_accounts, cadence_runner_logs, jobs, job_attempts, job_batches"
            " CASCADE"
        )


def _page() -> int:
    now = clock.now()
    with transaction.atomic():
        return len(claim(candidates(PAGE, now=now), now=now).won)


def hand_outs(count: int) -> float:
    """Return the seconds in which so many due runs are claimed and handed to jobs."""
    prepare(count)
    began = time.perf_counter()
    assert hand_out(open_log(Trigger.CRON), limit=count) == count
    return time.perf_counter() - began


def crowd(count: int, *, seed: bool) -> float:
    """Return claims a second of four runners at once, in our way or in the seed's."""
    prepare(count)
    connections.close_all()
    context = multiprocessing.get_context("fork")
    with context.Pool(RUNNERS) as pool:
        began = time.perf_counter()
        won = pool.map(_seeds if seed else _ours, range(RUNNERS), chunksize=1)
        took = time.perf_counter() - began
    assert sum(won) == count, won
    return count / took


def _ours(_: int) -> int:
    won, empty = 0, 0
    while empty < 3:
        page = _page()
        won, empty = won + page, 0 if page else empty + 1
    connections.close_all()
    return won


def _seeds(_: int) -> int:
    """Claim as the seed does: read a hundred, then compare and set row by row."""
    won = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(SEED_READ)
            if not (rows := cursor.fetchall()):
                connections.close_all()
                return won
            for row in rows:
                cursor.execute(SEED_LOCK, row)
                won += cursor.fetchone() is not None


def due_query(count: int, runs: int) -> float:
    """Return the milliseconds of the due query among that many waiting runs."""
    prepare(count, future=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE lead_cadence_runs SET next_run_at = clock_timestamp() WHERE id IN"
            " (SELECT id FROM lead_cadence_runs LIMIT 2000)"
        )
        cursor.execute("VACUUM ANALYZE lead_cadence_runs")
    return median(_due_once() for _ in range(runs))


def _due_once() -> float:
    """Return what the server says that one look for a page took."""
    values = {"now": clock.now(), "limit": PAGE}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ANALYZE {CANDIDATES}", values)
        last = cursor.fetchall()[-1][0]
    return float(last.removeprefix("Execution Time: ").removesuffix(" ms"))


def steps(count: int) -> Steps:
    """Return how fast two worker processes make so many whole steps, and the ledger."""
    with provider() as port:
        prepare(count, port=port)
        command = celery(
            "worker", "-Q", "default", "-c", str(PROCESSES),
            "--without-gossip", "--without-mingle",
        )  # fmt: skip
        with running(command, RITMO_PROCESS="worker") as process:
            process.wait_for("ready.")
            time.sleep(1)
            enqueue(RUNNER, {"trigger": "CRON", "limit": count})
            until(lambda: _sent() >= count, PATIENCE, every=0.5)
            memory = max(map(_resident, [process.pid, *process.children()]))
            until(lambda: RunnerLog.objects.filter(status="ok").exists(), PATIENCE)
            process.popen.terminate()
            process.wait()
        told = _ledger(port)
    return Steps(_rate(), told["messages"], told["most"], memory)


def _sent() -> int:
    return Event.objects.filter(type="DISPARADO").count()


def _rate() -> float:
    """Return steps a second, from the first intent to the last end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) / extract(epoch FROM max(ended_at) - min(started_at))"
            " FROM send_attempts WHERE outcome = 'accepted'"
        )
        return float(cursor.fetchone()[0])


@contextmanager
def provider() -> Iterator[int]:
    """Run the provider until the block ends; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.provider", str(port), str(LATENCY_MS)]
    with running(command) as process:
        process.wait_for("listening")
        yield port


def _ledger(port: int) -> dict[str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", "/ledger", headers={"token": TOKEN})
    told: dict[str, Any] = json.loads(line.getresponse().read())
    line.close()
    return told


def _resident(pid: int) -> float:
    from pathlib import Path

    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in lines if row.startswith("VmRSS")) / 1024
