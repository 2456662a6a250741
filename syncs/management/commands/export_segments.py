"""Write every segment to a file or to the terminal, as JSON."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.management.plain import MISUSE, PlainCommand
from syncs.segments.transfer import dump


class Command(PlainCommand):
    """`manage.py export_segments [FILE]`."""

    help = "Write every segment as JSON, for import_segments."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where to."""
        parser.add_argument("file", metavar="FILE", nargs="?", default="-")

    def handle(self, *args: object, **options: Any) -> None:
        """Write them."""
        text = json.dumps(dump(), ensure_ascii=False, indent=2)
        if options["file"] == "-":
            self.stdout.write(text)
            return
        try:
            Path(options["file"]).write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            words = {"file": options["file"], "error": error.strerror}
            line = _("Cannot write %(file)s: %(error)s") % words
            raise CommandError(line, returncode=MISUSE) from None
