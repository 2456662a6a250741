"""When a schedule runs, as staff say it: every so often, daily, weekly, by cron line."""

import re
from datetime import time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin.faults import cron_fault
from queues.cron import ALIASES
from queues.due import parse_cron
from queues.errors import InvalidSchedule
from queues.schedule_facts import LONGEST, Options

EVERY, DAILY, WEEKLY, MONTHLY, CRON, ONCE, AS_IT_IS = (
    "every", "daily", "weekly", "monthly", "cron", "once", "keep",
)  # fmt: skip
KINDS = {
    EVERY: gettext_lazy("Every so often"),
    DAILY: gettext_lazy("Every day"),
    WEEKLY: gettext_lazy("Days of the week"),
    MONTHLY: gettext_lazy("Every month"),
    CRON: gettext_lazy("Cron line"),
    ONCE: gettext_lazy("Only once"),
}
UNITS = {
    "seconds": gettext_lazy("seconds"),
    "minutes": gettext_lazy("minutes"),
    "hours": gettext_lazy("hours"),
    "days": gettext_lazy("days"),
}
SUNDAY_FIRST = {str((day + 1) % 7): name for day, name in WEEKDAYS.items()}
"""Cron counts the days from Sunday, people and this listing from Monday."""
SIMPLE = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[0-7](?:[,-][0-7])*)")
NEEDS = {
    EVERY: {"every": gettext_lazy("Say how often, as a whole number.")},
    DAILY: {"at": gettext_lazy("Say at what time.")},
    WEEKLY: {
        "at": gettext_lazy("Say at what time."),
        "days": gettext_lazy("Choose at least one day."),
    },
    MONTHLY: {
        "at": gettext_lazy("Say at what time."),
        "day": gettext_lazy("Say on which day of the month."),
    },
    CRON: {"cron": gettext_lazy("Write a cron line, such as “*/5 * * * *”.")},
    ONCE: {"moment": gettext_lazy("Say on which day and at what time.")},
}
"""What each kind cannot do without."""


class PatternFields(forms.Form):
    """The fields that say when; only those of the chosen kind count."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Runs"), widget=forms.RadioSelect, initial=DAILY
    )
    every = forms.IntegerField(
        label=gettext_lazy("Every"),
        required=False,
        min_value=1,
        error_messages={"min_value": gettext_lazy("At least 1 second.")},
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=UNITS.items,
        required=False,
        initial="minutes",
    )
    days = forms.MultipleChoiceField(
        label=gettext_lazy("Days"),
        required=False,
        choices=list(SUNDAY_FIRST.items()),
        initial=["1", "2", "3", "4", "5"],
        widget=forms.CheckboxSelectMultiple,
    )
    day = forms.IntegerField(
        label=gettext_lazy("Day of the month"),
        required=False,
        min_value=1,
        max_value=31,
        initial=1,
        help_text=gettext_lazy("Months without that day are left out."),
    )
    at = forms.TimeField(
        label=gettext_lazy("Time of day"),
        required=False,
        initial=time(8),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron line"),
        required=False,
        max_length=300,
        help_text=gettext_lazy(
            "Five fields: minute, hour, day of the month, month, day of the week. "
            "“0 6 * * 1-5” is 06:00 from Monday to Friday."
        ),
        widget=forms.TextInput(
            attrs={"placeholder": "0 6 * * *", "spellcheck": "false", "class": "code"}
        ),
    )
    moment = forms.DateTimeField(
        label=gettext_lazy("Moment"),
        required=False,
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )
    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        initial=lambda: settings.TIME_ZONE,
        help_text=gettext_lazy("Times of day are read in it."),
        error_messages={"invalid_choice": gettext_lazy("Unknown time zone: %(value)s")},
    )

    def clean_cron(self) -> str:
        """Return the line, or say which of its fields cannot be read."""
        line: str = self.cleaned_data["cron"].strip()
        if not line or self.data.get(self.add_prefix("kind")) != CRON:
            return line
        try:
            parse_cron(line, settings.TIME_ZONE)
        except InvalidSchedule as error:
            raise ValidationError(cron_fault(line) or str(error)) from None
        return line

    def check_pattern(self, data: dict[str, Any]) -> None:
        """Say what the chosen kind still misses, beside its field."""
        for name, text in NEEDS.get(data.get("kind", ""), {}).items():
            if name not in self.errors and data.get(name) in (None, "", []):
                self.add_error(name, str(text))
        if data.get("kind") == EVERY and data.get("every"):
            unit = data.get("unit") or "minutes"
            if data["every"] > LONGEST // timedelta(**{unit: 1}):
                self.add_error("every", _("This is longer than ten years."))


def pattern_options(data: dict[str, Any]) -> Options:
    """Return a cleaned pattern as the arguments that code would give."""
    match data["kind"]:
        case "every":
            return {"every": timedelta(**{data["unit"] or "minutes": data["every"]})}
        case "once":
            return {"at": data["moment"]}
        case _:
            return {"cron": line_of(data), "timezone": data["zone"]}


def line_of(data: dict[str, Any]) -> str:
    """Return the cron line of a cleaned pattern other than "every"."""
    if data["kind"] == CRON:
        return str(data["cron"])
    at = data["at"]
    clock = f"{at.minute} {at.hour}"
    if data["kind"] == WEEKLY:
        return f"{clock} * * {_compact(data['days'])}"
    return f"{clock} {data['day'] if data['kind'] == MONTHLY else '*'} * *"


def pattern_of(line: str, zone: str) -> dict[str, Any]:
    """Return a saved cron line as form values, as the simplest kind that says it."""
    found: dict[str, Any] = {"cron": line, "zone": zone, "kind": CRON}
    simple = SIMPLE.fullmatch(line)
    if simple is None:
        return found
    minute, hour, day, weekdays = simple.groups()
    try:
        found["at"] = time(int(hour), int(minute))
    except ValueError:
        return found
    if weekdays != "*":
        return found if day != "*" else {**found, **_weekly(weekdays)}
    return (
        {**found, "kind": DAILY}
        if day == "*"
        else {**found, "kind": MONTHLY, "day": int(day)}
    )


def _weekly(field: str) -> dict[str, Any]:
    """Return the ticked days of a list such as "1-5,0"; Sunday is 0 or 7."""
    days: list[str] = []
    for part in field.split(","):
        ends = [int(each) for each in part.split("-")]
        days += [str(each % 7) for each in range(ends[0], ends[-1] + 1)]
    return {"kind": WEEKLY, "days": days}


def _compact(days: list[str]) -> str:
    """Return ticked days as a cron field: "1-5" for Monday to Friday."""
    numbers = sorted({int(day) or 7 for day in days})
    in_a_row = numbers == list(range(numbers[0], numbers[-1] + 1))
    if in_a_row and len(numbers) > 2:  # noqa: PLR2004 - shorter ones read better listed
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(str(number % 7) for number in sorted(numbers))


def alias_free(line: str) -> str:
    """Return the five fields that an alias such as @daily stands for."""
    return ALIASES.get(line.strip().lower(), line.strip())


def preset_list() -> list[dict[str, Any]]:
    """Return the patterns that most people want, for one press each."""
    workdays = ["1", "2", "3", "4", "5"]
    presets = [
        (_("every minute"), {"kind": EVERY, "every": 1, "unit": "minutes"}),
        (_("every 5 minutes"), {"kind": EVERY, "every": 5, "unit": "minutes"}),
        (_("every hour"), {"kind": CRON, "cron": "0 * * * *"}),
        (_("every day"), {"kind": DAILY, "at": "08:00"}),
        (_("on weekdays"), {"kind": WEEKLY, "at": "08:00", "days": workdays}),
        (_("every month"), {"kind": MONTHLY, "at": "08:00", "day": 1}),
    ]
    return [{"label": capfirst(label), "sets": sets} for label, sets in presets]
