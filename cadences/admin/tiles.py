"""The tiles of the panel of cadences: one figure each, and where it leads."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import site
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cadences.models import Account
from cadences.states import RunStatus
from cadences.survey import ENOUGH, LATELY, Standing
from queues.admin.status import Tile
from queues.admin.worries import listing, number

SHOWN = 8
"""Lines of a card."""
LATE = timedelta(minutes=10)
"""From when on the oldest due step is late, and a pass: two of them did not come."""


def tiles(found: Standing, accounts: list[Account]) -> list[Tile]:
    """Return how the runs stand, what waits for people, and how the runner does."""
    due = Tile(
        _("Due now"), number(found.due, ENOUGH),
        _("the oldest is due since") if found.due else _("nothing waits"),
        _late(found.oldest, found.now), runs(next="now"),
        found.oldest if found.due else None,
    )  # fmt: skip
    paused = sum(count for _name, count in found.paused)
    return [
        Tile(
            _("Active runs"), number(found.active, ENOUGH), _("on their way"),
            "busy" if found.active else "calm", runs(status=RunStatus.ACTIVE),
        ),
        due,
        Tile(
            _("Paused runs"), number(paused, ENOUGH), _("wait for something"),
            "warn" if paused else "calm", runs(status=RunStatus.PAUSED),
        ),
        *_for_people(found),
        *_of_runner(found),
        Tile(
            _("Accounts at rest"), str(len(accounts)),
            _("do not send now") if accounts else _("all of them send"),
            "warn" if accounts else "good", _accounts(),
        ),
    ]  # fmt: skip


def _for_people(found: Standing) -> list[Tile]:
    return [
        Tile(
            _("Uncertain sends"), number(found.unknown, ENOUGH),
            _("nobody knows yet") if found.unknown else _("every outcome is known"),
            "warn" if found.unknown else "good", listing("execution", "cadences"),
        ),
        Tile(
            _("Open tasks"), number(found.tasks, ENOUGH), _("for a person"),
            "busy" if found.tasks else "calm",
            listing("task", "cadences", state="open"),
        ),
        Tile(
            _("Replies today"), number(found.replied, ENOUGH), _("people who answered"),
            "good" if found.replied else "calm",
            listing("lead", "cadences", replied="today"),
        ),
    ]  # fmt: skip


def _of_runner(found: Standing) -> list[Tile]:
    logs = listing("runnerlog", "cadences")
    never = "–" if found.last_pass is None else ""
    note = ngettext("%(n)s in five minutes", "%(n)s in five minutes", found.lately) % {
        "n": number(found.lately, ENOUGH)
    }
    return [
        Tile(
            _("Last pass"), never,
            _("of the runner") if found.last_pass else _("no pass yet"),
            _late(found.last_pass, found.now), logs, found.last_pass,
        ),
        Tile(
            _("Sends a minute"), _a_minute(found.lately), note,
            "busy" if found.lately else "calm", listing("run", "cadences"),
        ),
        Tile(
            _("Errors in 24 hours"), number(found.errors, ENOUGH),
            _("in passes of the runner"), "warn" if found.errors else "good",
            listing("runnerlog", "cadences", result="errors"),
        ),
    ]  # fmt: skip


def _a_minute(count: int) -> str:
    """Return a rate, with a digit behind the point where it is small."""
    rate = count / (LATELY.total_seconds() / 60)
    if count >= ENOUGH:
        return number(round(rate), round(rate))
    return number_format(rate, 1 if 0 < rate < 10 else 0, force_grouping=True)  # noqa: PLR2004


def _late(moment: datetime | None, now: datetime) -> str:
    return "warn" if moment is not None and now - moment > LATE else "calm"


def runs(**words: Any) -> str:
    """Return the address of the runs that those words narrow to."""
    return listing("run", "cadences", **words)


def _accounts() -> str:
    registered = site.is_registered(Account)
    return listing("account", "cadences") if registered else runs()
