"""Write every schedule to a file or to the terminal, as JSON."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.export_schedules import export
from queues.management.plain import FAILED, MISUSE, PlainCommand


class Command(PlainCommand):
    """`manage.py export_schedules [FILE]`."""

    help = "Write every schedule as JSON, for import_schedules."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where to."""
        parser.add_argument("file", metavar="FILE", nargs="?", default="-")

    def handle(self, *args: object, **options: Any) -> None:
        """Write what can be written; exit 1 if that is not all."""
        document, refused = export()
        text = json.dumps(document, ensure_ascii=False, indent=2)
        if options["file"] == "-":
            self.stdout.write(text)
        else:
            _save(Path(options["file"]), text)
        for each in refused:
            self.stderr.write(
                _("left out %(name)s: %(why)s") % {"name": each.what, "why": each.why}
            )
        if refused:
            words = {"count": len(refused)}
            line = _("Schedules that the file cannot hold: %(count)d") % words
            raise CommandError(line, returncode=FAILED)


def _save(file: Path, text: str) -> None:
    """Write a file that others cannot read: payloads may hold secrets."""
    try:
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            "w",
            encoding="utf-8",
        ) as out:
            out.write(f"{text}\n")
    except OSError as error:
        line = _("Cannot write %(file)s: %(error)s")
        words = {"file": file, "error": error.strerror}
        raise CommandError(line % words, returncode=MISUSE) from None
