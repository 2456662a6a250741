"""Fill a database that is there for trying things out."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from config.demo.invent import CHUNK, invent
from queues.management.plain import MISUSE, PlainCommand

LONGEST_DAYS = 3650


class Command(PlainCommand):
    """`manage.py generate_jobs [--jobs N] [--letters N] [--days N]`."""

    help = "Write invented jobs, attempts, letters and firings; not for production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how much is invented."""
        parser.add_argument("--jobs", type=int, default=100_000, metavar="N")
        parser.add_argument("--letters", type=int, default=None, metavar="N")
        parser.add_argument("--days", type=float, default=14.0, metavar="N")
        parser.add_argument("--yes-i-mean-it", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        """Refuse what cannot be meant, then fill."""
        jobs, days = options["jobs"], options["days"]
        letters = jobs // 25 if options["letters"] is None else options["letters"]
        if not settings.DEBUG and not options["yes_i_mean_it"]:
            refusal = _("Not with DEBUG off, unless you add --yes-i-mean-it")
            raise CommandError(refusal, returncode=MISUSE)
        if jobs < 1 or not 0 <= letters <= jobs * 9 // 10:
            refusal = _("--letters is at most nine tenths of --jobs")
            raise CommandError(refusal, returncode=MISUSE)
        if not 0 < days <= LONGEST_DAYS:
            refusal = _("--days is at most %(most)d") % {"most": LONGEST_DAYS}
            raise CommandError(refusal, returncode=MISUSE)
        invent(jobs=jobs, letters=letters, days=days, progress=self._told)
        self.stdout.write(_("%(count)d jobs are written") % {"count": jobs})

    def _told(self, written: int) -> None:
        if written % (CHUNK * 25) == 0:
            self.stderr.write(f"{written:,}")
