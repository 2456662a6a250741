"""Keep the machine honest: heartbeats, overdue runs, and the pacemaker."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, connection

from queues.errors import QueueError
from queues.expire import expire
from queues.machine import lives, machine_id
from queues.prune import prune
from queues.rescue import end_overdue, hand_back, rescue
from queues.wake import wake

logger = logging.getLogger(__name__)

BEAT = 0.5
"""Seconds between two rounds: a job written by SQL starts within one of them."""
HEARTBEAT = 4.0
PRUNE_EVERY = 60.0
GAP = 5.0
"""Seconds of silence of all pacemakers that count as an outage."""

# One winner a beat over all machines: no leader, no lock that outlives a statement.
TICK = """
INSERT INTO pacemaker (id) VALUES (1)
ON CONFLICT (id) DO UPDATE SET ticked_at = clock_timestamp(),
    steady_since = CASE
        WHEN pacemaker.ticked_at < clock_timestamp() - %(gap)s * interval '1 second'
        THEN clock_timestamp() ELSE pacemaker.steady_since END
WHERE pacemaker.ticked_at < clock_timestamp() - %(beat)s * interval '1 second'
"""
PRUNE_TURN = """
UPDATE pacemaker SET pruned_at = clock_timestamp()
WHERE pruned_at < clock_timestamp() - %s * interval '1 second'
RETURNING extract(minute FROM pruned_at) <> 0
"""
# Jumps from queue to queue through the claim's own index, so neither a long line
# nor a million future rows slow it down.
DUE_QUEUES = """
WITH RECURSIVE line AS (
    (SELECT queue FROM jobs WHERE status = 'pending' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM jobs WHERE status = 'pending' AND queue > line.queue
            ORDER BY queue LIMIT 1) FROM line WHERE line.queue IS NOT NULL
)
SELECT queue FROM line WHERE queue IS NOT NULL AND EXISTS (
    SELECT FROM generate_series(1, 9) AS urgency (priority) WHERE EXISTS (
        SELECT FROM jobs WHERE status = 'pending' AND queue = line.queue
          AND priority = urgency.priority AND run_at <= clock_timestamp()))
"""
LIVING = "SELECT id, pid, born FROM workers WHERE machine = %s AND gone_at IS NULL"
# A beat speaks for itself with every tick: one that hangs must not look alive.
VOUCH = """
UPDATE workers SET seen_at = clock_timestamp()
WHERE id = ANY(%s) AND kind <> 'beat' AND seen_at < clock_timestamp() - %s * interval '1 second'
"""
BURY = "UPDATE workers SET gone_at = clock_timestamp() WHERE id = ANY(%s)"


def vouch() -> None:
    """Refresh the heartbeats of this machine's processes, mark the dead as gone."""
    with connection.cursor() as cursor:
        cursor.execute(LIVING, [machine_id()])
        rows = cursor.fetchall()
        living = [worker for worker, pid, born in rows if lives(pid, born)]
        cursor.execute(VOUCH, [living, HEARTBEAT])
        if dead := [worker for worker, *_ in rows if worker not in living]:
            cursor.execute(BURY, [dead])


def tick() -> bool:
    """Do the pacemaker's round if it is nobody else's turn; tell whether we did."""
    with connection.cursor() as cursor:
        cursor.execute(TICK, {"gap": GAP, "beat": BEAT * 0.9})
        if cursor.rowcount == 0:
            return False
    rescue()
    for queue in due_queues():
        wake(queue)
    if turn := _prune_turn():
        expire()
        prune(quick=turn[0])
    return True


def due_queues() -> list[str]:
    """Return the queues that have a job due now."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_QUEUES)
        return [queue for (queue,) in cursor.fetchall()]


def _prune_turn() -> tuple[bool] | None:
    """Return, if it is time to prune, whether a quick one will do; once an hour not."""
    with connection.cursor() as cursor:
        cursor.execute(PRUNE_TURN, [PRUNE_EVERY])
        turn: tuple[bool] | None = cursor.fetchone()
        return turn


class Keeper(threading.Thread):
    """The thread that keeps; one in every process that can lose work.

    `children` names the pool processes of a Celery worker, to be handed back at
    the end of a graceful stop; `pace` makes it take its turn as pacemaker.
    """

    def __init__(
        self, *, pace: bool, children: Callable[[], Sequence[int]] = list
    ) -> None:
        super().__init__(name="ritmo-keeper", daemon=True)
        self._pace, self._children = pace, children
        self._stop_requested = threading.Event()
        self._hand_back_at: float | None = None

    def run(self) -> None:
        """Go round until stopped; an outage of the database is waited out."""
        while not self._stop_requested.wait(BEAT):
            try:
                self._round()
            except (DatabaseError, QueueError) as error:
                logger.warning("keeper: %s", str(error).strip())
                connection.close()
        connection.close()

    def hand_back_after(self, grace: float) -> None:
        """Let running jobs go on for `grace` seconds, then hand them back."""
        self._hand_back_at = time.monotonic() + grace

    def stop(self) -> None:
        """End the thread after its current round."""
        self._stop_requested.set()

    def _round(self) -> None:
        vouch()
        end_overdue()
        if self._pace:
            tick()
        if self._hand_back_at is not None and time.monotonic() >= self._hand_back_at:
            hand_back(self._children())


@contextmanager
def keeping() -> Iterator[None]:
    """Keep this machine, without a pacemaker, while the body runs jobs."""
    keeper = Keeper(pace=False)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()
        keeper.join()
