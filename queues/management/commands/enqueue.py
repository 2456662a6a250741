"""Write a job from the command line, and wait for its end if told to."""

import json
import time
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from queues.audit import record
from queues.enqueue import Options, enqueue
from queues.errors import InvalidJobData, InvalidRunAt
from queues.management.plain import FAILED, MISUSE, PlainCommand
from queues.models import Job
from queues.models.job import DEFAULT_PRIORITY
from queues.states import FINAL, State

LOOK_EVERY = 0.1


class Command(PlainCommand):
    """`manage.py enqueue TYPE [JSON]`."""

    help = "Write a job and print its id; with --wait, print its result as well."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what may be said of the job."""
        parser.add_argument("type", metavar="TYPE", help="job type")
        parser.add_argument("data", metavar="JSON", nargs="?", default="{}", help="{}")
        parser.add_argument(
            "--priority", type=int, default=DEFAULT_PRIORITY, metavar="N"
        )
        parser.add_argument("--queue", metavar="Q", help="as the type says")
        parser.add_argument(
            "--at", metavar="ISO", help="due time; without an offset, in TIME_ZONE"
        )
        parser.add_argument("--unique", metavar="KEY", help="one live job a key")
        parser.add_argument("--wait", type=float, metavar="S", help="seconds")

    def handle(self, *args: object, **options: Any) -> None:
        """Write the job; with --wait, exit 1 unless it completes in time."""
        chosen = Options(
            priority=options["priority"],
            queue=options["queue"],
            run_at=_moment(options["at"]),
            unique_key=options["unique"],
            source="command",
        )
        seconds = options["wait"]
        if seconds is not None and not 0 <= seconds < float("inf"):
            raise CommandError(_("--wait takes seconds"), returncode=MISUSE)
        with transaction.atomic():
            job = enqueue(options["type"], _data(options["data"]), **chosen)
            told = {"type": job.type, "queue": job.queue, "priority": job.priority}
            record("job.enqueue", job, after=told)
        self.stdout.write(str(job.pk))
        self.stdout.flush()
        if seconds is not None:
            self._report(_ended(job.pk, seconds), seconds)

    def _report(self, job: Job, seconds: float) -> None:
        if job.status == State.COMPLETED:
            self.stdout.write(json.dumps(job.result, ensure_ascii=False))
            return
        facts = {"id": job.pk, "status": job.get_status_display(), "seconds": seconds}
        line = _("Job %(id)s is still %(status)s after %(seconds)g s") % facts
        if job.status in FINAL:
            line = _("Job %(id)s is %(status)s") % facts
        if job.error:
            line = f"{line}: {' '.join(job.error.split())}"
        raise CommandError(line, returncode=FAILED)


def _data(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidJobData(f"not JSON: {error}") from None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRunAt(f"Not a date and time: {text}") from None
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _ended(job_id: int, seconds: float) -> Job:
    """Return the job as it is once it has ended, or after that many seconds."""
    until = time.monotonic() + seconds
    while True:
        job = Job.objects.get(pk=job_id)
        if job.status in FINAL or time.monotonic() >= until:
            return job
        time.sleep(LOOK_EVERY)
