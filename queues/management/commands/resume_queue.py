"""Let a paused queue go on, from the command line."""

from typing import Any

from django.core.management.base import CommandParser

from queues.management.plain import PlainCommand
from queues.pause_queue import resume_queue


class Command(PlainCommand):
    """`manage.py resume_queue QUEUE`."""

    help = "Let the queue's jobs be claimed again, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which queue."""
        parser.add_argument("queue", metavar="QUEUE")

    def handle(self, *args: object, **options: Any) -> None:
        """Resume it; one that was not paused stays as it is."""
        name = options["queue"]
        was_paused = resume_queue(name)
        self.stdout.write(f"{name} goes on" if was_paused else f"{name} was not paused")
