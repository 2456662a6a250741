"""Keep the machine honest: heartbeats, overdue runs, and the pacemaker."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from queues.batches import close_batches
from queues.expire import expire
from queues.machine import Condition, condition, machine_id, resident
from queues.needs import release_stranded
from queues.presence import Wish, wish
from queues.prune import prune
from queues.rescue import end_overdue, hand_back, rescue
from queues.wake import wake

logger = logging.getLogger(__name__)

BEAT = 0.5
"""Seconds between two rounds: a job written by SQL starts within one of them."""
HEARTBEAT = 4.0
CHORES = 5.0
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
# Jumps from queue to queue, and from limit to limit, through the claims' own indexes,
# so neither a long line nor a million future rows slow it down: a plain EXISTS would be
# planned as a scan, and a volatile clock would not be looked up in the index.
DUE_QUEUES = """
WITH RECURSIVE line AS (
    (SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
     ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
            AND queue > line.queue ORDER BY queue LIMIT 1)
    FROM line WHERE line.queue IS NOT NULL
), limited AS (
    (SELECT queue, limit_name FROM jobs
     WHERE status = 'pending' AND limit_name IS NOT NULL
     ORDER BY queue, limit_name LIMIT 1)
    UNION ALL
    SELECT next.queue, next.limit_name FROM limited CROSS JOIN LATERAL (
        SELECT queue, limit_name FROM jobs
        WHERE status = 'pending' AND limit_name IS NOT NULL
          AND (queue, limit_name) > (limited.queue, limited.limit_name)
        ORDER BY queue, limit_name LIMIT 1) AS next
)
SELECT queue FROM line WHERE queue IS NOT NULL AND queue <> ALL (ARRAY(
    SELECT name FROM queue_states WHERE paused_at IS NOT NULL)) AND EXISTS (
    SELECT FROM generate_series(1, 9) AS urgency (priority) WHERE (
        SELECT id FROM jobs WHERE status = 'pending' AND limit_name IS NULL
          AND queue = line.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT 1) IS NOT NULL)
UNION
SELECT queue FROM limited WHERE queue <> ALL (ARRAY(
    SELECT name FROM queue_states WHERE paused_at IS NOT NULL)) AND EXISTS (
    SELECT FROM generate_series(1, 9) AS urgency (priority) WHERE (
        SELECT id FROM jobs WHERE status = 'pending' AND limit_name = limited.limit_name
          AND queue = limited.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT 1) IS NOT NULL)
"""
LIVING = "SELECT id, pid, born FROM workers WHERE machine = %s AND gone_at IS NULL"
# A beat speaks for itself with every tick: one that hangs must not look alive.
VOUCH = """
UPDATE workers SET seen_at = clock_timestamp(), memory_bytes = living.memory
FROM unnest(%s::bigint[], %s::bigint[]) AS living (id, memory)
WHERE workers.id = living.id AND kind <> 'beat'
  AND seen_at < clock_timestamp() - %s * interval '1 second'
"""
BURY = """
UPDATE workers SET gone_at = clock_timestamp(), vanished = true WHERE id = ANY(%s)
"""


def vouch() -> None:
    """Refresh the heartbeats of this machine's processes, mark the dead as gone.

    A stopped process is neither: it has as long to go on as a silent machine.
    """
    with connection.cursor() as cursor:
        cursor.execute(LIVING, [machine_id()])
        rows = cursor.fetchall()
        seen = {worker: condition(pid, born) for worker, pid, born in rows}
        living = [each for each, is_ in seen.items() if is_ is Condition.LIVING]
        held = {worker: resident(pid) for worker, pid, _ in rows if worker in living}
        cursor.execute(VOUCH, [living, [held[each] for each in living], HEARTBEAT])
        if dead := [each for each, is_ in seen.items() if is_ is Condition.DEAD]:
            cursor.execute(BURY, [dead])


def tick() -> bool:
    """Do the pacemaker's round if it is nobody else's turn; tell whether we did."""
    with connection.cursor() as cursor:
        cursor.execute(TICK, {"gap": GAP, "beat": BEAT * 0.9})
        if cursor.rowcount == 0:
            return False
    rescue()
    close_batches()
    for queue in due_queues():
        wake(queue)
    return True


def chores() -> bool:
    """Do the minute's round if it is nobody else's turn; tell whether we did."""
    if (turn := _prune_turn()) is None:
        return False
    release_stranded()
    expire()
    prune(quick=turn[0])
    return True


def due_queues() -> list[str]:
    """Return the queues that have a job due now and are not paused."""
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
    the end of a graceful stop; `pace` makes it take its turn as pacemaker; `arrive`
    makes this process known, and known again should it be taken for dead; `heed` is
    told what staff ask of it. Both are called at every round. `handed_back` is called
    once nothing that this process runs is its own any more.
    """

    def __init__(
        self,
        *,
        pace: bool,
        children: Callable[[], Sequence[int]] = list,
        arrive: Callable[[], object] | None = None,
        heed: Callable[[Wish], None] | None = None,
        handed_back: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name="ritmo-keeper", daemon=True)
        self._handed_back = handed_back
        self._pace, self._children = pace, children
        self._arrive, self._heed = arrive, heed
        self._stop_requested = threading.Event()
        self._hand_back_at: float | None = None
        self._fault = ""

    def run(self) -> None:
        """Go round until stopped; an outage of the database is waited out."""
        if self._pace:
            threading.Thread(
                target=self._do_chores, name="ritmo-chores", daemon=True
            ).start()
        while not self._stop_requested.wait(BEAT):
            fault = ""
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - silent, the living pass for dead
                fault = f"{type(error).__name__}: {_line(error)}"
                connection.close()
            if fault != self._fault:  # an outage is told once, not twice a second
                logger.warning("keeper: %s", fault or "goes on")
            self._fault = fault
        connection.close()

    def hand_back_after(self, grace: float) -> None:
        """Let running jobs go on for `grace` seconds, then hand them back."""
        self._hand_back_at = time.monotonic() + grace

    def stop(self) -> None:
        """End the thread after its current round."""
        self._stop_requested.set()

    def _do_chores(self) -> None:
        """Beside the rounds, so that a long prune keeps no heartbeat waiting."""
        while not self._stop_requested.wait(CHORES):
            try:
                chores()
            except Exception as error:  # noqa: BLE001 - the next minute has chores, too
                logger.warning("chores: %s: %s", type(error).__name__, _line(error))
            finally:
                connection.close()

    def _round(self) -> None:
        if self._arrive is not None:
            self._arrive()
        vouch()
        end_overdue()
        if self._heed is not None:
            self._heed(wish())
        if self._pace:
            tick()
        if self._hand_back_at is not None and time.monotonic() >= self._hand_back_at:
            hand_back(self._children())
            if self._handed_back is not None:
                self._handed_back()


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


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
