"""`manage.py install_schedules`: write the starter schedules that were never installed."""

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from queues.alerts.rules import install_rules
from queues.audit import Door, acting, operator
from queues.errors import QueueError
from queues.schedule import install


class Command(BaseCommand):
    """Install what the apps ship; what staff edited or deleted since is left alone."""

    help = "Install the starter schedules and alert rules that were never installed."

    def handle(self, *_: object, **__: object) -> None:
        """Print the names of what is new."""
        try:
            with acting(operator(), door=Door.CLI):
                names = [*install(), *install_rules()]
        except (QueueError, DatabaseError) as error:
            raise CommandError(str(error).strip()) from None
        for name in names:
            self.stdout.write(name)
