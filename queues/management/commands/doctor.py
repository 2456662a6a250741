"""Say what is wrong with this installation, a line a fault."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy as _

from queues.alerts.deadman import call_off, raise_alarm
from queues.examine import examine, vital
from queues.management.plain import FAILED, PlainCommand

WORDS = {"ok": _("ok"), "warning": _("warning"), "fault": _("fault")}


class Command(PlainCommand):
    """`manage.py doctor [--json] [--dead-man [--to ADDRESS]]`."""

    help = "Check settings, database, broker, clock, beat, workers and invariants."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare for whom the findings are."""
        parser.add_argument("--json", action="store_true", help="for machines")
        parser.add_argument(
            "--dead-man",
            action="store_true",
            help="look only whether anything works, and tell people if nothing does",
        )
        parser.add_argument(
            "--to", default="", metavar="ADDRESS", help="whom else to mail"
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Print what each check finds; exit 1 if there is a fault."""
        found = []
        for each in vital() if options["dead_man"] else examine():
            found.append(each)
            if not options["json"]:
                out = self.stderr if each.level == "fault" else self.stdout
                out.write(f"{WORDS[each.level]}  {each.check}: {each.line}")
        faults = [each for each in found if each.level == "fault"]
        is_well = not faults
        if options["dead_man"]:
            self._tell([f"{each.check}: {each.line}" for each in faults], options["to"])
        if options["json"]:
            findings = [asdict(each) for each in found]
            said = {"ok": is_well, "findings": findings}
            self.stdout.write(json.dumps(said, ensure_ascii=False))
        if not is_well:
            raise SystemExit(FAILED)

    def _tell(self, faults: list[str], to: str) -> None:
        """Tell people what changed, and the terminal how that went."""
        told = raise_alarm(faults, to=to) if faults else call_off(to=to)
        if told is None:
            return
        for error in told.errors:
            self.stderr.write(f"{WORDS['warning']}  alert: {error}")
        if told.channel:
            self.stderr.write(_("told over %(name)s") % {"name": told.channel})
        else:
            self.stderr.write(str(_("nobody could be told: no channel took it")))
