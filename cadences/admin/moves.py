"""What a migration would do to some runs, ready to be shown before it is ordered."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from cadences.migrate import Vanished, summary
from cadences.models import Run

BECOMES = {
    "same": gettext_lazy("goes on with the same step, when it was planned"),
    "next": gettext_lazy("its step is gone: goes on with the next one"),
    "end": gettext_lazy("nothing is left to do: ends"),
    "blocked": gettext_lazy("a send is on its way or unknown: stays where it is"),
}
VANISHED = [
    ("next", gettext_lazy("goes on with the next one")),
    ("end", gettext_lazy("ends")),
]
"""What may become of a run whose step is not there any more."""


def moves(runs: QuerySet[Run], vanished: Vanished) -> dict[str, Any]:
    """Return a line for all runs to which the same would happen, and the sums."""
    groups = summary(runs, vanished=vanished)
    return {
        "groups": [{"group": each, "becomes": BECOMES[each.kind]} for each in groups],
        "is_mixed": len({each.cadence for each in groups}) > 1,
        "moved": sum(each.runs for each in groups if each.kind != "blocked"),
        "vanished": vanished,
        "ways": VANISHED,
    }


def way(word: object) -> Vanished:
    """Return what somebody chose; by default runs go on."""
    return "end" if word == "end" else "next"
