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
GOOD = (SegmentLog.Status.SUCCESS, SegmentLog.Status.PARTIAL)


class Command(PlainCommand):
    """`manage.py sync_segment SEGMENT_ID [--wait SECONDS] [--here]`."""

    help = "Sync the leads of a segment now, paused or not, and follow it to its end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the segment, and how long to wait."""
        parser.add_argument("segment", metavar="SEGMENT_ID", type=int)
        parser.add_argument("--wait", type=float, default=3600.0, metavar="SECONDS")
        parser.add_argument(
            "--here", action="store_true", help=_("run it in this process")
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Start or attach, follow, and exit 1 unless all of it went well."""
        try:
            started = start_by_number(
                options["segment"], trigger=Trigger.COMMAND, actor=audit.operator()
            )
        except UnknownSegment as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        until = time.monotonic() + options["wait"]
        logs = [self._follow(each, until, here=options["here"]) for each in started]
        if any(log.status not in GOOD for log in logs):
            raise CommandError(_("Not everything was synced"), returncode=FAILED)

    def _follow(self, started: Started, until: float, *, here: bool) -> SegmentLog:
        sync = started.sync
        line = (
            _("job %(job)s started") if started.is_new else _("attached to job %(job)s")
        )
        self.stdout.write(line % {"job": sync.pk and sync.job_id})
        shown = ""
        while SegmentPass.objects.filter(pk=sync.pk).exists():
            if here and "jobId" in trigger_worker(timeout=PASS):
                continue
            if (bar := _bar(sync)) != shown:
                self.stdout.write(bar)
                shown = bar
            if not is_alive(sync):
                bury(sync.pk)
            if time.monotonic() > until:
                raise CommandError(_("It still runs"), returncode=FAILED)
            time.sleep(LOOK_EVERY)
        return self._told(sync)

    def _told(self, sync: SegmentPass) -> SegmentLog:
        log = SegmentLog.objects.filter(job_id=sync.job_id).latest("pk")
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
