"""More faults: of the web and the clocks, too many of something, or too urgent."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import ExitStack

import psycopg
from django.db import connection

from queues.enqueue import enqueue_many
from queues.models import Job
from tests.chaos.crew import family, kill, start_beat, start_worker
from tests.chaos.facts import Harm
from tests.chaos.jobs import SKEW, STEP
from tests.chaos.scenarios import RESTART, Chaos
from tests.processes import Process, until
from tests.shop.models import Entry

SOON = 5.0
"""Seconds that an urgent job may wait while all processes are busy with others."""
EARLY = 45 * 60
"""Seconds ahead of a job that a clock an hour ahead takes for due."""
CROWD = 300
"""Connections that are tried; the server allows fewer."""


def web_killed(chaos: Chaos) -> None:
    """SIGKILL the web server in the middle of its requests."""
    (web,) = chaos.crew.webs
    began = time.time()
    os.killpg(web.pid, signal.SIGKILL)
    web.wait()
    chaos.note("web killed", Harm.NONE, began)
    time.sleep(RESTART)
    chaos.crew.revive()


def third_beat(chaos: Chaos) -> None:
    """A third beat joins, and is killed."""
    beat = start_beat()
    try:
        beat.wait_for("beat: Starting")
        time.sleep(4)
        began = kill(beat.pid)
        chaos.note("third beat came and was killed", Harm.NONE, began)
    finally:
        beat.kill()


def clocks_wrong(chaos: Chaos) -> None:
    """Workers whose clocks are an hour ahead and an hour behind join for a while."""
    began = time.time()
    early = _in_future(50)
    workers = [start_worker(**{SKEW: str(sign * 3600)}) for sign in (1, -1)]
    try:
        for each in workers:
            each.wait_for("ready.", 60)
        chaos.writer.burst(300, 0.03)
        time.sleep(8)
        _judge_clocks(chaos, workers, early)
        for each in workers:
            each.popen.terminate()
            each.wait(60)
    finally:
        for each in workers:
            each.kill()
    chaos.note("clocks an hour wrong", Harm.NONE, began)


def pool_exhausted(chaos: Chaos) -> None:
    """Take every connection that the server has left, for a while."""
    began = time.time()
    with ExitStack() as crowd:
        try:
            for _ in range(CROWD):
                client = psycopg.connect(chaos.stage.postgres.url)
                crowd.enter_context(client)
        except psycopg.OperationalError:
            time.sleep(6)
        else:
            chaos.broken.append(f"the server bore {CROWD} connections more")
    chaos.note("connections exhausted", Harm.NONE, began)


def retry_storm(chaos: Chaos) -> None:
    """Jobs that fail all together, and again."""
    began = time.time()
    chaos.writer.storm(500)
    time.sleep(3)
    chaos.note("retry storm", Harm.NONE, began)


def urgent_among_many(chaos: Chaos) -> None:
    """Thousands that can wait, and then something urgent."""
    chaos.writer.burst(3000, 0.005, priority=9)
    time.sleep(0.5)
    began = time.time()
    urgent = chaos.writer.burst(20, 0.001, priority=1)
    try:
        until(lambda: not _waiting(urgent), SOON)
    except AssertionError:
        chaos.broken.append(
            f"{_waiting(urgent)} urgent jobs waited longer than {SOON} s"
        )
    chaos.note("urgent jobs behind thousands", Harm.NONE, began)


def _in_future(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() + %s * interval '1 second'", [EARLY])
        (moment,) = cursor.fetchone()
    rows = [{"seconds": 0}] * count
    return [job.pk for job in enqueue_many(STEP, rows, run_at=moment)]


def _judge_clocks(chaos: Chaos, workers: Iterable[Process], early: list[int]) -> None:
    for each in workers:
        if not Entry.objects.filter(pid__in=family(each)).exists():
            chaos.broken.append("a worker with a wrong clock ran nothing")
    if begun := Entry.objects.filter(job_id__in=early).count():
        chaos.broken.append(f"{begun} jobs were started before their time")
    Job.objects.filter(pk__in=early).delete()


def _waiting(jobs: list[int]) -> int:
    return Job.objects.filter(pk__in=jobs, completed_at=None).count()
