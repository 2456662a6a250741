"""Celery's edge: the bell, and the keeper of each worker."""

import logging
import os
import signal
from collections.abc import Sequence
from typing import Any

from billiard.process import active_children
from celery import current_app, shared_task
from celery.signals import (
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from queues import work as loop
from queues.keep import Keeper
from queues.listen import bells, is_leaving, leave_off, open_ear, shut_ear
from queues.models import Worker
from queues.presence import Wish, leave, present
from queues.publish import publish
from queues.wake import wake

logger = logging.getLogger(__name__)

PROCESSES, THREADS = "celery.concurrency.prefork", "celery.concurrency.thread"
MAY_WAIT = (PROCESSES, THREADS)
"""Pools whose processes or threads may wait: in the others the worker itself would."""
LAST_ROUND = 2.0
"""Seconds to wait for it: a keeper that arrives after the goodbye would stay listed."""

_keepers: list[Keeper] = []


@shared_task(name="queues.work", ignore_result=True)
def work(queue: str) -> None:
    """Look at this queue, then at those whose bells this process hears itself.

    An outage is no error, the pacemaker rings again. Who is about to leave passes the
    bell on.
    """
    if is_leaving():
        wake(queue)
        return
    try:
        loop.work(queue, is_over=is_leaving)
        for rung in bells(list(current_app.amqp.queues.consume_from)):
            loop.work(rung, is_over=is_leaving)
    except (OperationalError, InterfaceError) as error:
        logger.warning("work on %s stopped: %s", queue, str(error).strip())
        connection.close()


class Node:
    """A Celery worker: it makes itself known, and heeds what staff ask of it."""

    def __init__(self, consumer: Any, queues: Sequence[str]) -> None:
        self._consumer, self._queues = consumer, queues
        self._is_known = self._is_deaf = self._is_stopping = False
        self._pool = type(getattr(consumer, "pool", None)).__module__

    def arrive(self) -> None:
        """Publish the types once, and stand in the list of workers."""
        if not self._is_known:
            publish()
            self._is_known = True
        present(Worker.Kind.NODE, queues=",".join(self._queues))

    def heed(self, wish: Wish) -> None:
        """Leave the bells to others, hear them again, or end: as a SIGTERM does.

        What its pool processes run goes on; they look for themselves whether to
        claim more. The consumer is only touched by its own loop.
        """
        if wish.drain != self._is_deaf:
            self._is_deaf = wish.drain
            logger.warning("drain" if wish.drain else "take jobs again")
            consumer = self._consumer
            self.lend_ear()
            turn = consumer.cancel_task_queue if wish.drain else consumer.add_task_queue
            for queue in self._queues:
                consumer.call_soon(turn, queue)
        if wish.stop and not self._is_stopping:
            self._is_stopping = True
            self.lend_ear()
            logger.warning("stop, as staff asked")
            os.kill(os.getpid(), signal.SIGTERM)

    def end_ghosts(self) -> None:
        """End the worker if it is its own threads that still run what was handed back.

        Pool processes were ended one by one, and the worker goes on to its own end.
        """
        if self._pool != PROCESSES:
            logger.warning("the grace is over: what still runs was handed back")
            say_goodbye()
            leave(Worker.Kind.NODE)
            os._exit(0)

    def lend_ear(self) -> None:
        """Let the pool listen for itself, unless the worker takes no more jobs."""
        if self._pool in MAY_WAIT and not self._is_deaf and not self._is_stopping:
            open_ear()
        else:
            shut_ear()


@worker_ready.connect
def start_keeper(sender: object, **_: object) -> None:
    """Register this Celery worker and start its keeper, which tries again if need be."""
    consumer = getattr(sender, "task_consumer", None)
    names = sorted(queue.name for queue in consumer.queues) if consumer else []
    node = Node(sender, names)
    try:
        node.arrive()
    except (OperationalError, InterfaceError) as error:
        logger.warning("the database does not answer yet: %s", str(error).strip())
        connection.close()
    node.lend_ear()
    keeper = Keeper(
        pace=True,
        children=_children,
        arrive=node.arrive,
        heed=node.heed,
        handed_back=node.end_ghosts,
    )
    keeper.start()
    _keepers.append(keeper)


@worker_shutting_down.connect
def limit_shutdown(**_: object) -> None:
    """Give running jobs their grace; then they go back, uncounted."""
    leave_off()
    for keeper in _keepers:
        keeper.hand_back_after(settings.GRACE_SECONDS)


@worker_shutdown.connect
def stop_keeper(**_: object) -> None:
    """Say goodbye, so that nobody waits for our heartbeat."""
    for keeper in _keepers:
        keeper.stop()
        keeper.join(LAST_ROUND)
    _keepers.clear()
    say_goodbye()
    leave(Worker.Kind.NODE)


@worker_process_shutdown.connect
def say_goodbye(**_: object) -> None:
    """Mark a pool process, or the threads of this one, that end in order as gone."""
    leave(Worker.Kind.CHILD)


def _children() -> Sequence[int]:
    """Return the processes that run jobs: a pool of threads is this one."""
    return [child.pid for child in active_children() if child.pid] or [os.getpid()]
