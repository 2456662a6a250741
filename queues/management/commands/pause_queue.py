"""Pause a queue from the command line, as the console does."""

from typing import Any

from django.core.management.base import CommandParser

from queues.management.plain import PlainCommand
from queues.pause_queue import pause_queue


class Command(PlainCommand):
    """`manage.py pause_queue QUEUE --note TEXT`."""

    help = "Let nobody claim the queue's jobs; what runs goes on to its end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which queue, and why."""
        parser.add_argument("queue", metavar="QUEUE")
        parser.add_argument("--note", default="", metavar="TEXT", help="why")

    def handle(self, *args: object, **options: Any) -> None:
        """Pause it; twice is as good as once."""
        name = options["queue"]
        is_new = pause_queue(name, options["note"])
        self.stdout.write(f"{name} is paused" if is_new else f"{name} was paused")
