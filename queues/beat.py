"""Celery's edge: `celery -A config beat` fires the rows, without a message."""

import logging
import signal
import threading
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, Service
from celery.signals import beat_init
from django.db import DatabaseError, InterfaceError, connection

from queues.fire import LONGEST, Memory, fire
from queues.models import Worker
from queues.presence import forget, leave, present

logger = logging.getLogger(__name__)

HURRY = {"max_retries": 0, "socket_connect_timeout": 0.2, "socket_timeout": 0.3}
"""How a beat rings: no broker is worth a late firing, the pacemaker rings again."""
VOUCH = "UPDATE workers SET seen_at = clock_timestamp(), gone_at = NULL WHERE id = %s"


class RowScheduler(Scheduler):
    """A beat without a heap: each tick looks at the rows and fires what is due.

    It needs the database alone and no file; while the database is away it tries
    again each second.
    """

    schedule: dict[str, ScheduleEntry] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._memory = Memory()
        self._trouble = ""
        self._ticking = self._stopping = False
        super().__init__(*args, **kwargs)
        self.max_interval = round(LONGEST)

    def setup_schedule(self) -> None:
        """Load nothing: the rows are read at every tick."""

    def should_sync(self) -> bool:
        """Have nothing to write back."""
        return False

    def sync(self) -> None:
        """Have nothing to write back."""

    def tick(self, *_: object, **__: object) -> float:
        """Fire what is due; return the seconds until the next tick."""
        self._ticking = True
        try:
            _vouch()
            wait = fire(self._memory)
        except (DatabaseError, InterfaceError) as error:
            self._tell(str(error).strip())
            connection.close()
            return LONGEST
        else:
            self._tell("")
            return wait
        finally:
            self._ticking = False
            if self._stopping:
                raise SystemExit

    def stop(self, *_: object) -> None:
        """End this beat: now, or once its tick is over.

        A signal that ends a tick half way leaves locks of the drivers held, and a beat
        that waits for them on its way out for ever.
        """
        self._stopping = True
        if not self._ticking:
            raise SystemExit

    def close(self) -> None:
        """Say goodbye."""
        leave(Worker.Kind.BEAT)
        connection.close()

    @property
    def info(self) -> str:
        """Say at the start where schedules come from."""
        return (
            "    . schedules -> rows of django_celery_beat_periodictask\n"
            "    . firings -> rows of cron_job_logs, with their jobs\n"
            "    . clock -> the database's"
        )

    def _tell(self, trouble: str) -> None:
        """Log the first line of an outage, and its end."""
        if trouble and not self._trouble:
            logger.warning("beat waits for the database: %s", trouble)
        elif self._trouble and not trouble:
            logger.warning("beat has the database back")
        self._trouble = trouble


@beat_init.connect
def ring_in_a_hurry(sender: Service, **_: object) -> None:
    """Keep a broker that does not answer from holding up the ticks of this process."""
    conf = sender.app.conf
    conf.broker_transport_options = {**conf.broker_transport_options, **HURRY}


@beat_init.connect
def stop_between_ticks(sender: Service, **_: object) -> None:
    """Take the signals from Celery, which would stop in the middle of a tick."""
    scheduler = sender.scheduler
    if (
        isinstance(scheduler, RowScheduler)
        and threading.current_thread() is threading.main_thread()
    ):
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, scheduler.stop)


def _vouch() -> None:
    """Write this beat's heartbeat; register again if the row was pruned."""
    worker = present(Worker.Kind.BEAT)
    with connection.cursor() as cursor:
        cursor.execute(VOUCH, [worker])
        if not cursor.rowcount:
            forget()
            present(Worker.Kind.BEAT)
