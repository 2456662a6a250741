"""Create and update segments from a file that export_segments wrote."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from queues.management.plain import MISUSE, PlainCommand
from syncs.segments.errors import InvalidFile
from syncs.segments.transfer import load


class Command(PlainCommand):
    """`manage.py import_segments FILE [--dry-run]`."""

    help = "Create and update segments from a file, all of them or none."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where from."""
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        """Read, write, and say how many."""
        try:
            text = Path(options["file"]).read_text(encoding="utf-8")
            counts = load(text, dry_run=options["dry_run"])
        except (OSError, UnicodeDecodeError, InvalidFile) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        line = _("created %(created)d, changed %(changed)d, same %(same)d")
        self.stdout.write(line % counts)
