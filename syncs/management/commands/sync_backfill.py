"""Read the history of a store, or say first what that would take."""

from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.management.plain import MISUSE, PlainCommand
from syncs import access, backfill
from syncs.errors import (
    AlreadyOver,
    InvalidPeriod,
    NothingToSync,
    ProviderError,
    UnknownStore,
)
from syncs.ports import Estimate

FAILED = 1


class Command(PlainCommand):
    """`manage.py sync_backfill ID --from DAY --to DAY [--slice-days N] [--dry-run]`."""

    help = "Read the history of a store in slices, the newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the store and the days."""
        parser.add_argument("store", metavar="ID")
        for name in ("from", "to"):
            parser.add_argument(
                f"--{name}", dest=name, required=True, type=date.fromisoformat,
                metavar="YYYY-MM-DD",
            )  # fmt: skip
        parser.add_argument(
            "--slice-days", type=int, choices=range(1, 32), metavar="1..31",
            help=_("days of a slice; by itself as many as bring about 500 orders"),
        )  # fmt: skip
        parser.add_argument(
            "--dry-run", action="store_true", help=_("only say what it would take")
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Say what it takes, and begin unless only that was asked for."""
        try:
            store = access.any_store(options["store"])
            days = backfill.days_of(store, options["from"], options["to"])
            found = backfill.look_ahead(store, days, slice_days=options["slice_days"])
            self._tell(found)
            if not options["dry_run"]:
                made = backfill.begin(store, days, found)
                self.stdout.write(str(made.pk))
        except (UnknownStore, InvalidPeriod) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except (NothingToSync, AlreadyOver, ProviderError) as error:
            raise CommandError(str(error), returncode=FAILED) from None

    def _tell(self, found: Estimate) -> None:
        rows = _("unknown") if found.rows is None else found.rows
        facts = {
            _("slices"): f"{found.slices} × {found.slice_days} d",
            _("orders"): rows,
            _("calls"): found.calls,
            _("points at most"): round(found.points),
            _("time"): timedelta(seconds=round(found.seconds)),
        }
        for name, value in facts.items():
            self.stdout.write(f"{name}: {value}")
