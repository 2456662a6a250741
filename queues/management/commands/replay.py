"""Replay dead letters from the command line, as the console does."""

from django.core.management.base import CommandParser

from queues.management.orders import BulkCommand


class Command(BulkCommand):
    """`manage.py replay --type T --search TEXT`."""

    help = "Give the dead jobs that match another life; a job of ours does it."
    verb = "replay"

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what a replay alone may say."""
        super().add_arguments(parser)
        parser.add_argument(
            "--edit",
            metavar="JSON",
            help="merged into each payload; null takes a key away",
        )
        parser.add_argument("--rate", metavar="N/s", help="at most N a second, or N/m")
