"""Make a pass over the due steps of cadences in this process, as the HTTP door does."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from cadences.runner import MOST, run_here
from cadences.states import Trigger
from queues.management.plain import MISUSE, PlainCommand

TRIGGERS = [Trigger.MANUAL.value, Trigger.TEST.value]
SECONDS = 300.0


class Command(PlainCommand):
    """`manage.py cadence_runner [--trigger MANUAL|TEST] [--limit N]`."""

    help = "Send what is due of all cadences now, and print the summary."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare who starts the pass, and how much it may take."""
        parser.add_argument("--trigger", choices=TRIGGERS, default=TRIGGERS[0])
        parser.add_argument("--limit", type=int, default=MOST, metavar="N")

    def handle(self, *args: object, **options: Any) -> None:
        """Make one pass of at most five minutes."""
        if not 1 <= options["limit"] <= MOST:
            line = _("--limit takes a number from 1 to %(most)s") % {"most": MOST}
            raise CommandError(line, returncode=MISUSE)
        trigger = Trigger(options["trigger"])
        done = run_here(trigger, limit=options["limit"], seconds=SECONDS)
        said = {"summary": done.summary, "results": done.results}
        self.stdout.write(json.dumps(said, ensure_ascii=False))
