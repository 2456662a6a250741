"""Sync a segment now, or attach to the sync that runs, and follow it to its end."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues import audit
from queues.management.plain import FAILED, MISUSE, PlainCommand
from queues.models import Job
from queues.trigger import trigger_worker
from syncs.models import SegmentLog, SegmentPass, Trigger
from syncs.segments.conclude import bury, is_alive
from syncs.segments.errors import UnknownSegment
from syncs.segments.start import JOB, Started, start_by_number

WIDTH = 30
LOOK_EVERY = 0.5
PASS = 240.0
PARTIAL, GOES_ON = 2, 3
Status = SegmentLog.Status


class Command(PlainCommand):
    """`manage.py sync_segment SEGMENT_ID [--wait S] [--here] [--force-takeover]`."""

    help = "Sync the leads of a segment now, paused or not, and follow it to its end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the segment, and how long to wait."""
        parser.add_argument("segment", metavar="SEGMENT_ID", type=int)
        parser.add_argument("--wait", type=float, default=3600.0, metavar="SECONDS")
        parser.add_argument(
            "--here", action="store_true", help=_("run it in this process")
        )
        parser.add_argument(
            "--force-takeover", action="store_true",
            help=_("take a sync that runs from its worker, and go on where it is"),
        )  # fmt: skip

    def handle(self, *args: object, **options: Any) -> None:
        """Start or attach, follow, and exit with 0, 1 failed, 2 partial, 3 goes on."""
        try:
            started = start_by_number(
                options["segment"], trigger=Trigger.COMMAND, actor=audit.operator(),
                force=options["force_takeover"],
            )  # fmt: skip
        except UnknownSegment as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        until = time.monotonic() + options["wait"]
        logs = [self._follow(each, until, here=options["here"]) for each in started]
        ends = {log.status for log in logs}
        if ends - {Status.SUCCESS, Status.PARTIAL}:
            raise CommandError(_("Not everything was synced"), returncode=FAILED)
        if Status.PARTIAL in ends:
            raise CommandError(_("Not all of it is certain"), returncode=PARTIAL)

    def _follow(self, started: Started, until: float, *, here: bool) -> SegmentLog:
        line = (
            _("job %(job)s started") if started.is_new else _("attached to job %(job)s")
        )
        self.stdout.write(line % {"job": started.sync.job_id})
        shown, mine = "", SegmentPass.objects.filter(pk=started.sync.pk)
        while (sync := mine.first()) is not None:
            if here and "jobId" in trigger_worker(timeout=PASS):
                continue
            if (bar := _bar(sync)) != shown:
                self.stdout.write(bar)
                shown = bar
            if not is_alive(sync):
                bury(sync.pk)
            if time.monotonic() > until:
                line = _("It goes on without this command")
                raise CommandError(line, returncode=GOES_ON)
            time.sleep(LOOK_EVERY)
        return self._told(started.sync)

    def _told(self, sync: SegmentPass) -> SegmentLog:
        # Whoever takes a sync over gives it a newer job.
        mine = SegmentLog.objects.filter(
            control=sync.control_id, job_id__gte=sync.job_id
        )
        log = mine.earliest("pk")
        stats = log.stats or {}
        figures = " ".join(
            f"{name}={stats[name]}"
            for name in ("found", "inserted", "updated", "joined", "left", "enriched")
            if name in stats
        )
        self.stdout.write(f"{log.get_status_display()} {figures}".strip())
        if log.message:
            self.stdout.write(log.message)
        return log


def _bar(sync: SegmentPass) -> str:
    """Return how far the job is, as a line."""
    job = Job.objects.filter(pk=sync.job_id, type=JOB).first()
    if job is None or not isinstance(job.progress, dict):
        return _("waits for a worker")
    done, total = job.progress.get("done") or 0, job.progress.get("total")
    note = job.progress.get("note") or ""
    if not total:
        return f"{done:g} {note}".strip()
    full = min(round(WIDTH * done / total), WIDTH)
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {done:g}/{total:g} {note}".strip()
