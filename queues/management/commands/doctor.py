"""Say what is wrong with this installation, a line a fault."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy as _

from queues.examine import examine
from queues.management.plain import FAILED, PlainCommand

WORDS = {"ok": _("ok"), "warning": _("warning"), "fault": _("fault")}


class Command(PlainCommand):
    """`manage.py doctor [--json]`."""

    help = "Check settings, database, broker, clock, beat, workers and invariants."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare for whom the findings are."""
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *args: object, **options: Any) -> None:
        """Print what each check finds; exit 1 if there is a fault."""
        found = []
        for each in examine():
            found.append(each)
            if not options["json"]:
                out = self.stderr if each.level == "fault" else self.stdout
                out.write(f"{WORDS[each.level]}  {each.check}: {each.line}")
        is_well = all(each.level != "fault" for each in found)
        if options["json"]:
            findings = [asdict(each) for each in found]
            said = {"ok": is_well, "findings": findings}
            self.stdout.write(json.dumps(said, ensure_ascii=False))
        if not is_well:
            raise SystemExit(FAILED)
