"""Enrol the leads of a CSV file into a cadence."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from cadences.errors import BadSheet, NotEnrolled
from cadences.load import accept, load, load_later
from cadences.models import Cadence, EnrollmentBatch, EnrollmentRow
from cadences.sheet import rows
from queues.audit import whoever
from queues.management.plain import MISUSE, PlainCommand

SHOWN = 20
"""Faults that are printed; the rows keep all of them."""


class Command(PlainCommand):
    """`manage.py enroll_leads FILE --cadence CODE [--company CODE] [--dry-run]`."""

    help = (
        "Enrol the leads of a CSV file into a cadence, or tell what would come of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the file, the cadence and what to do with it."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--cadence", required=True, metavar="CODE")
        parser.add_argument("--company", metavar="CODE")
        parser.add_argument("--dry-run", action="store_true", help=_("change nothing"))
        parser.add_argument(
            "--background", action="store_true", help=_("let the workers do it")
        )
        parser.add_argument("--without-contact", action="store_true")

    def handle(self, *args: object, **options: Any) -> None:
        """Check every line, enrol those that are right, print what became of all."""
        path: Path = options["file"]
        try:
            batch = accept(
                _cadence(options["cadence"], options["company"]),
                rows(path.read_bytes()), name=path.name, is_dry=options["dry_run"],
                without_contact=options["without_contact"], actor=whoever().name,
            )  # fmt: skip
        except OSError as error:
            line = _("%(file)s cannot be read: %(why)s")
            said = {"file": path, "why": error.strerror}
            raise CommandError(line % said, returncode=MISUSE) from None
        except (BadSheet, NotEnrolled) as error:
            raise CommandError(f"{path.name}: {error}", returncode=MISUSE) from None
        if options["background"]:
            told = {"batch": str(batch.pk), "job": load_later(batch).pk}
            self.stdout.write(_("Batch %(batch)s: job #%(job)s loads it") % told)
            return
        self._here(batch)

    def _here(self, batch: EnrollmentBatch) -> None:
        def tell(done: int, total: int) -> bool:
            self.stderr.write(f"{done}/{total}")
            return False

        counts = load(batch.pk, tell=tell)
        bad = batch.rows.exclude(result=EnrollmentRow.Result.ENROLLED)
        for row in bad.order_by("line")[:SHOWN]:
            said = {"line": row.line, "result": row.result, "detail": row.detail}
            self.stdout.write(_("Line %(line)s: %(result)s: %(detail)s") % said)
        if (more := bad.count() - SHOWN) > 0:
            self.stdout.write(_("… and %d more") % more)
        words = ", ".join(f"{word}: {count}" for word, count in sorted(counts.items()))
        head = _("Dry run") if batch.is_dry else _("Batch")
        self.stdout.write(f"{head} {batch.pk}: {words}")


def _cadence(code: str, company: str | None) -> Cadence:
    found = Cadence.objects.select_related("company").filter(code=code)
    if company:
        found = found.filter(company=company)
    several = list(found[:2])
    if len(several) == 1:
        return several[0]
    line = _("several companies have a cadence %(code)s: pass --company")
    if not several:
        line = _("there is no cadence %(code)s")
    raise CommandError(line % {"code": code}, returncode=MISUSE)
