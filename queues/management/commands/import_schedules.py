"""Write the schedules of a file: ours, Vercel's, a crontab's, pg_cron's."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.cron import zone_of
from queues.import_schedules import Step, Verb, restore, understand
from queues.management.plain import FAILED, MISUSE, PlainCommand

VERBS: tuple[Verb, ...] = ("create", "change", "same", "refuse")


class Command(PlainCommand):
    """`manage.py import_schedules FILE [--dry-run]`."""

    help = (
        "Create or change schedules by name. FILE is JSON of export_schedules, a"
        " vercel.json, a crontab, or SQL with cron.schedule(…); - is the standard input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what to read and how."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument(
            "--base-url",
            metavar="URL",
            default="",
            help="of the paths of a vercel.json",
        )
        parser.add_argument(
            "--timezone", metavar="ZONE", help="of a crontab; TIME_ZONE unless told"
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Write what can be written, tell each entry; exit 1 if that is not all."""
        zone = options["timezone"] or settings.TIME_ZONE
        zone_of(zone)
        base_url = options["base_url"]
        if base_url and not base_url.startswith(("http://", "https://")):
            line = _("--base-url is an address such as https://example.com")
            raise CommandError(line, returncode=MISUSE)
        found = understand(_text(options["file"]), base_url=base_url, zone=zone)
        steps = restore(found, dry_run=options["dry_run"])
        for step in steps:
            self._tell(step)
        counts = {verb: sum(step.verb == verb for step in steps) for verb in VERBS}
        summary = _(
            "%(create)d created, %(change)d changed, %(same)d as they were,"
            " %(refuse)d not expressible"
        )
        if options["dry_run"]:
            summary = _("Nothing is written. It would be: %(summary)s") % {
                "summary": summary
            }
        self.stdout.write(summary % counts)
        if counts["refuse"]:
            line = _("Entries that are no schedule here: %(refuse)d") % counts
            raise CommandError(line, returncode=FAILED)

    def _tell(self, step: Step) -> None:
        self.stdout.write(f"{step.verb:7} {step.name}  {step.told}".rstrip())
        for note in step.notes:
            self.stdout.write(f"        {note}")


def _text(name: str) -> str:
    try:
        if name == "-":
            return sys.stdin.read()
        return Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        line = _("%(file)s is not a text in UTF-8") % {"file": name}
        raise CommandError(line, returncode=MISUSE) from None
    except OSError as error:
        words = {"file": name, "error": error.strerror}
        line = _("Cannot read %(file)s: %(error)s") % words
        raise CommandError(line, returncode=MISUSE) from None
