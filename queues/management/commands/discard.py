"""Discard dead letters from the command line, as the console does."""

from queues.management.orders import BulkCommand


class Command(BulkCommand):
    """`manage.py discard --type T --search TEXT`."""

    help = "Dismiss the dead letters that match; `restore` takes it back."
    verb = "discard"
