"""List the faults that dead letters tell of, or export the letters."""

from typing import Any

from django.core.management.base import CommandParser

from queues.audit import record
from queues.export_letters import FORMATS
from queues.faults import ORDERS, faults
from queues.management.orders import add_selection, selection_of
from queues.management.plain import PlainCommand


class Command(PlainCommand):
    """`manage.py letters [--type T] [--export csv]`."""

    help = "List dead letters by fault; with --export, write them to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which letters, and how they are shown."""
        add_selection(parser)
        parser.add_argument("--order", choices=sorted(ORDERS), default="count")
        parser.add_argument("--export", choices=sorted(FORMATS))

    def handle(self, *args: object, **options: Any) -> None:
        """Print a line a fault, or the letters themselves."""
        selection = selection_of(options)
        if options["export"]:
            record(
                "letter.export",
                label=options["export"],
                after={"selection": selection.words()},
                count=selection.letters().count(),
            )
            write, _ = FORMATS[options["export"]]
            for text in write(selection):
                self.stdout.write(text, ending="")
            return
        found, _total = faults(selection, order=options["order"])
        for each in found:
            types = ", ".join(f"{type_} ({count})" for type_, count in each.types)
            reason = " ".join(each.reason.split())[:100]
            self.stdout.write(
                f"{each.count:>8}  {each.fingerprint}  {reason}  [{types}]"
            )
