"""Delete what is past its retention now, without waiting for the pacemaker."""

from typing import Any

from django.utils.translation import ngettext

from queues.audit import record
from queues.management.plain import PlainCommand
from queues.prune import prune


class Command(PlainCommand):
    """`manage.py prune`."""

    help = "Delete ended jobs past their retention, with all they left."

    def handle(self, *args: object, **options: Any) -> None:
        """Prune until nothing is left to prune; say how much it was."""
        total = 0
        while deleted := prune():
            total += deleted
        if total:
            record("job.prune", count=total)
        line = ngettext("Deleted %(total)s job", "Deleted %(total)s jobs", total)
        self.stdout.write(line % {"total": total})
