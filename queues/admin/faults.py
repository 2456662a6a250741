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
    "enum": gettext_lazy("is none of the choices"),
    "literal_error": gettext_lazy("is none of the choices"),
    "date_from_datetime_parsing": gettext_lazy("must be a date"),
    "date_parsing": gettext_lazy("must be a date"),
    "datetime_from_date_parsing": gettext_lazy("must be a date and time"),
    "datetime_parsing": gettext_lazy("must be a date and time"),
    "time_parsing": gettext_lazy("must be a time of day"),
    "uuid_parsing": gettext_lazy("must be a UUID"),
}
BOUNDS = {
    "greater_than_equal": gettext_lazy("must be at least %(bound)s"),
    "greater_than": gettext_lazy("must be more than %(bound)s"),
    "less_than_equal": gettext_lazy("must be at most %(bound)s"),
    "less_than": gettext_lazy("must be less than %(bound)s"),
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


def faults_by_place(error: InvalidJobData) -> dict[str, str]:
    """Return what is wrong with each field of the payload, without its name."""
    found: dict[str, str] = {}
    for fault in error.fields:
        found.setdefault(str(fault["loc"]).partition(".")[0], _what(fault))
    return found


def _what(fault: dict[str, Any]) -> str:
    kind, said = str(fault.get("type")), str(fault["msg"])
    if kind in BOUNDS:
        return str(BOUNDS[kind]) % {"bound": said.rpartition(" ")[2]}
    return str(FOUND.get(kind, said))


def _line(fault: dict[str, Any]) -> str:
    return f"“{fault['loc']}” {_what(fault)}" if fault["loc"] else _what(fault)


def _reads(place: int, part: str) -> bool:
    fields = ["*"] * len(FIELDS)
    fields[place] = part
    try:
        parse_cron(" ".join(fields), "UTC")
    except InvalidSchedule:
        return False
    return True
