"""Run due jobs in this process, as the HTTP door for cron does."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.management.plain import MISUSE, PlainCommand
from queues.work import run_due

MOST = 10_000
SECONDS = 60.0


class Command(PlainCommand):
    """`manage.py process_queue [--max 10]`."""

    help = "Run due jobs here and now, most urgent first, and print the counts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how many."""
        parser.add_argument("--max", type=int, default=10, metavar="N", help="10")

    def handle(self, *args: object, **options: Any) -> None:
        """Run one pass of at most 60 seconds."""
        if not 1 <= options["max"] <= MOST:
            line = _("--max takes a number from 1 to %(most)s") % {"most": MOST}
            raise CommandError(line, returncode=MISUSE)
        done = run_due(limit=options["max"], seconds=SECONDS)
        stats = {
            "processed": done.processed,
            "failed": done.failed,
            "errors": done.errors,
        }
        self.stdout.write(json.dumps(stats, ensure_ascii=False))
