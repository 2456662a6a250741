"""Take a discard back from the command line."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from queues.bulk import restore
from queues.errors import NothingSelected, UnknownBulk
from queues.management.orders import BulkCommand
from queues.management.plain import FAILED
from queues.models import LetterBulk


class Command(BulkCommand):
    """`manage.py restore BULK`."""

    help = "Open the letters again that a bulk discarded."
    verb = "restore"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which bulk."""
        parser.add_argument("bulk", type=int, metavar="BULK", help="its number")
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="for the audit"
        )
        parser.add_argument("--wait", type=float, metavar="S", help="seconds")

    def handle(self, *args: object, **options: Any) -> None:
        """Order it."""
        bulk = LetterBulk.objects.filter(pk=options["bulk"]).first()
        if bulk is None:
            raise UnknownBulk(options["bulk"])
        try:
            undo = restore(bulk, reason=options["reason"], source="command")
        except NothingSelected as error:
            raise CommandError(str(error), returncode=FAILED) from None
        self.follow(undo, options["wait"])
