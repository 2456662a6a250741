"""What is wrong with an input, in plain words of the reader's language."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.due import FIELDS, LIMITS, parse_cron
from queues.errors import InvalidJobData, InvalidSchedule

FIELD_NAMES = {
    "minute": gettext_lazy("minute"),
    "hour": gettext_lazy("hour"),
    "day_of_month": gettext_lazy("day of the month"),
    "month_of_year": gettext_lazy("month"),
    "day_of_week": gettext_lazy("day of the week"),
}
FOUND = {
    "missing": gettext_lazy("is missing"),
    "extra_forbidden": gettext_lazy("is not known here"),
    "int_type": gettext_lazy("must be a whole number"),
    "int_parsing": gettext_lazy("must be a whole number"),
    "int_from_float": gettext_lazy("must be a whole number"),
    "float_type": gettext_lazy("must be a number"),
    "float_parsing": gettext_lazy("must be a number"),
    "bool_type": gettext_lazy("must be true or false"),
    "bool_parsing": gettext_lazy("must be true or false"),
    "string_type": gettext_lazy("must be text"),
    "list_type": gettext_lazy("must be a list"),
    "dict_type": gettext_lazy("must be an object"),
}
"""Pydantic's commonest findings; others are shown as they are."""


def cron_fault(line: str) -> str:
    """Return which field of a cron line cannot be read, and what it may hold."""
    parts = line.split()
    if line.startswith("@"):
        return _("Unknown alias: use @hourly, @daily, @weekly, @monthly or @yearly.")
    if len(parts) != len(FIELDS):
        return _(
            "A cron line has five fields, separated by blanks; this has %(count)d."
        ) % {"count": len(parts)}
    for place, part in enumerate(parts):
        if not _reads(place, part):
            lowest, highest = LIMITS[place]
            return _(
                "The %(field)s “%(part)s” is not understood: use * or numbers from "
                "%(lowest)d to %(highest)d, lists (1,3), ranges (1-5) and steps (*/5)."
            ) % {
                "field": FIELD_NAMES[FIELDS[place]], "part": part,
                "lowest": lowest, "highest": highest,
            }  # fmt: skip
    return ""


def data_faults(error: InvalidJobData) -> list[str]:
    """Return one line for each thing that the job type does not accept."""
    if not error.fields:
        return [
            _("The payload must be a JSON object, such as {}: %(why)s") % {"why": error}
        ]
    return [_line(fault) for fault in error.fields]


def _line(fault: dict[str, Any]) -> str:
    where, what = fault["loc"], FOUND.get(str(fault.get("type")), fault["msg"])
    return f"“{where}” {what}" if where else str(what)


def _reads(place: int, part: str) -> bool:
    fields = ["*"] * len(FIELDS)
    fields[place] = part
    try:
        parse_cron(" ".join(fields), "UTC")
    except InvalidSchedule:
        return False
    return True
