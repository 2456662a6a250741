"""Sync a store now and follow it to its end, in the queue or, if asked, right here."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues import audit
from queues.management.plain import MISUSE, PlainCommand
from queues.trigger import trigger_worker
from syncs import access, periods
from syncs.errors import InvalidPeriod, NothingToSync, UnknownStore
from syncs.models import Run, Store
from syncs.ports import Period
from syncs.request import Asked, Wish, request
from syncs.states import OVER, Outcome, RunStatus, Trigger

FAILED, PARTIAL, JOINED = 1, 2, 3
PAUSE = 1.0
PASS = 240.0


class Command(PlainCommand):
    """`manage.py sync_store ID [--period 30d] [--force] [--wait SECONDS]`."""

    help = "Sync the numbers of a store, and follow the sync to its end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the store, the days, and how long to wait."""
        parser.add_argument("store", metavar="ID")
        parser.add_argument("--period", default="30d", choices=list(periods.WORDS))
        parser.add_argument("--from", dest="start", metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="end", metavar="YYYY-MM-DD")
        parser.add_argument("--force", action="store_true")
        parser.add_argument("--wait", type=float, default=600.0, metavar="SECONDS")
        parser.add_argument(
            "--here", action="store_true", help=_("run it in this process")
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Ask, follow, and exit with 0, 1 failed, 2 partial or 3 still running."""
        try:
            store = access.any_store(options["store"])
            asked = self._ask(store, self._days(store, options), options)
        except (UnknownStore, InvalidPeriod) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except NothingToSync as error:
            raise CommandError(str(error), returncode=FAILED) from None
        self.stdout.write(f"{asked.run.pk} {'queued' if asked.created else 'joined'}")
        self._end(self._follow(asked.run, options))

    def _ask(self, store: Store, days: Period, options: dict[str, Any]) -> Asked:
        wish = Wish(
            priority=1, trigger=Trigger.COMMAND, triggered_by=audit.operator(),
            forced=options["force"], join=True,
        )  # fmt: skip
        return request(store, days, wish)

    def _follow(self, run: Run, options: dict[str, Any]) -> Run:
        until = time.monotonic() + options["wait"]
        told = -1
        while run.status not in OVER and time.monotonic() < until:
            if options["here"] and "jobId" in trigger_worker(timeout=PASS):
                run.refresh_from_db()
                continue
            if run.progress_seq != told:
                told = run.progress_seq
                self._tell(run)
            self._pause()
            run.refresh_from_db()
        return run

    def _pause(self) -> None:
        time.sleep(PAUSE)

    def _tell(self, run: Run) -> None:
        """Write a line of how far it is."""
        for row in run.streams.order_by("id"):
            of = f" / {row.expected}" if row.expected else ""
            self.stdout.write(f"  {row.stream}: {row.status}, {row.rows_seen}{of}")
        if run.waiting_for and run.not_before:
            until = f"{run.not_before:%Y-%m-%d %H:%M:%S %Z}"
            self.stdout.write(f"  {run.get_waiting_for_display()}, {until}")

    def _end(self, run: Run) -> None:
        self._tell(run)
        if run.outcome == Outcome.SUCCEEDED:
            self.stdout.write(str(run.get_outcome_display()))
        elif run.status == RunStatus.COMPLETED:
            raise CommandError(run.error_message or "partial", returncode=PARTIAL)
        elif run.outcome is None:
            line = _("It goes on without this command")
            raise CommandError(line, returncode=JOINED)
        else:
            raise CommandError(run.error_message or "failed", returncode=FAILED)

    def _days(self, store: Store, options: dict[str, Any]) -> Period:
        if options["start"] or options["end"]:
            return periods.between(store, options["start"], options["end"])
        return periods.of_word(store, options["period"])
