"""`manage.py reseal`: after a new key was put first in FIELD_ENCRYPTION_KEYS."""

from django.utils.translation import ngettext

from queues.audit import record
from queues.management.plain import PlainCommand
from queues.reseal import reseal


class Command(PlainCommand):
    """Seal every stored secret under the first key; then the old ones may go."""

    help = "Seal every stored secret under the first of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: object, **options: object) -> None:
        """Seal and print how many there were."""
        count = reseal()
        record("secret.reseal", count=count)
        text = ngettext("%d secret sealed", "%d secrets sealed", count)
        self.stdout.write(text % count)
