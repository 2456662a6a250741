"""What the commands for dead letters share: which letters, and how they are told."""

import json
import re
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.bulk import Order, begin, is_live, preview
from queues.errors import InvalidOption, NothingSelected
from queues.letters import STATES, Selection
from queues.management.plain import FAILED, MISUSE, PlainCommand
from queues.models import LetterBulk

LOOK_EVERY = 0.2
RATE = re.compile(r"([1-9][0-9]{0,6})/(s|m)")
A_MINUTE = {"s": 60, "m": 1}


def add_selection(parser: CommandParser) -> None:
    """Declare which letters are meant."""
    parser.add_argument("--type", default="", metavar="TYPE", help="job type")
    parser.add_argument(
        "--fingerprint", default="", metavar="UUID", help="one fault, as `letters` says"
    )
    parser.add_argument("--since", default="", metavar="ISO", help="died then or later")
    parser.add_argument("--until", default="", metavar="ISO", help="died before")
    parser.add_argument(
        "--search", default="", metavar="TEXT", help="words of the reason or the type"
    )
    parser.add_argument("--ids", default="", metavar="1,2,3", help="these letters")
    parser.add_argument(
        "--state", default="open", choices=sorted(STATES), help="open by default"
    )


def selection_of(options: dict[str, Any]) -> Selection:
    """Return the selection that the options name; raises InvalidSelection."""
    names = ("type", "fingerprint", "since", "until", "search", "ids", "state")
    return Selection.read({name: options[name] for name in names})


class BulkCommand(PlainCommand):
    """A command that orders a bulk and prints its number."""

    verb: str

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which letters, and how to go about them."""
        add_selection(parser)
        parser.add_argument(
            "--all", action="store_true", help="every open letter, whatever its fault"
        )
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="for the audit"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="count only, and show the newest"
        )
        parser.add_argument(
            "--wait",
            type=float,
            metavar="S",
            help="until it is finished, so many seconds",
        )

    def handle(self, *args: object, **options: Any) -> None:
        """Order the bulk, or with --dry-run say what it would be."""
        selection = selection_of(options)
        if not options["dry_run"]:
            _insist(selection, on_all=options["all"])
        order = Order(
            self.verb,
            selection,
            edit=_edit(options.get("edit")),
            per_minute=_rate(options.get("rate")),
            reason=options["reason"],
        )
        if options["dry_run"]:
            self._tell(order)
            return
        try:
            bulk = begin(order, source="command")
        except NothingSelected as error:
            raise CommandError(str(error), returncode=FAILED) from None
        self.follow(bulk, options["wait"])

    def follow(self, bulk: LetterBulk, seconds: float | None) -> None:
        """Print the number of the bulk; wait for its end if told to."""
        facts = {"bulk": bulk.pk, "total": bulk.total, "job": bulk.job_id}
        line = _("Bulk %(bulk)s: %(total)s letters, by job %(job)s")
        self.stdout.write(line % facts)
        if seconds is None:
            return
        until = time.monotonic() + seconds
        while is_live(bulk) and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
            bulk = LetterBulk.objects.get(pk=bulk.pk)
        self._sum_up(LetterBulk.objects.get(pk=bulk.pk))

    def _sum_up(self, bulk: LetterBulk) -> None:
        facts = {"done": bulk.done, "refused": bulk.refused, "total": bulk.total}
        line = _("%(done)s of %(total)s done, %(refused)s refused") % facts
        if bulk.finished_at is None:
            raise CommandError(_("Not finished: %s") % line, returncode=FAILED)
        self.stdout.write(line)
        for why in (
            bulk.refusals.order_by("reason").values_list("reason", flat=True).distinct()
        ):
            self.stdout.write(f"  {why}")

    def _tell(self, order: Order) -> None:
        seen = preview(order)
        line = ngettext("%(n)s letter matches", "%(n)s letters match", seen.total)
        self.stdout.write(line % {"n": seen.total})
        for type_, count in seen.types:
            self.stdout.write(f"{count:>10}  {type_}")
        for each in seen.samples:
            said = each.problem or " ".join(each.letter.reason.split())[:100]
            self.stdout.write(f"  #{each.letter.job_id} {each.letter.type}: {said}")


def _insist(selection: Selection, *, on_all: bool) -> None:
    """Refuse what may be an empty variable of a script as well as a wish for all."""
    is_narrow = bool(selection.words().keys() - {"state"})
    if is_narrow and on_all:
        line = _("--all goes with no other choice of letters")
        raise CommandError(line, returncode=MISUSE)
    if not is_narrow and not on_all:
        line = _("Which letters? Say --type, --fingerprint, … or --all")
        raise CommandError(line, returncode=MISUSE)


def _edit(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        patch = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidOption(f"--edit is not JSON: {error}") from None
    if not isinstance(patch, dict):
        raise InvalidOption("--edit takes a JSON object")
    return patch


def _rate(text: str | None) -> int | None:
    if text is None:
        return None
    if not (found := RATE.fullmatch(text)):
        raise InvalidOption("--rate takes a number a second or minute: 50/s or 200/m")
    return int(found[1]) * A_MINUTE[found[2]]
