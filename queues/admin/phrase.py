"""A schedule in plain words, in the language of the reader."""

import re
from typing import Any

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from queues import cron as cron_names

STEP = re.compile(r"\*/(\d+)")
NUMBERS = re.compile(r"\d+(,\d+)*")
RANGE = re.compile(r"(\d+)-(\d+)")
MOST_TIMES = 6
"""More times of day than this are shown as the cron line itself."""


def phrase(task: Any) -> str:
    """Return when a schedule runs, as one short sentence without its zone."""
    if task.crontab is not None:
        line = " ".join(cron_fields(task.crontab))
        return cron(line)
    if task.interval is not None:
        return every(task.interval.every, task.interval.period)
    return capfirst(str(task.scheduler or _("never")))


def cron_fields(row: Any) -> list[str]:
    """Return the five fields of a crontab row in the order of a cron line."""
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return [str(getattr(row, name)).replace(" ", "") for name in names]


def every(number: int, period: str) -> str:
    """Return "every N units"; the unit alone where N is one."""
    texts = {
        "seconds": ngettext("every second", "every %(n)d seconds", number),
        "minutes": ngettext("every minute", "every %(n)d minutes", number),
        "hours": ngettext("every hour", "every %(n)d hours", number),
        "days": ngettext("every day", "every %(n)d days", number),
    }
    text = texts.get(period)
    return capfirst(text % {"n": number} if text else f"{number} {period}")


def cron(line: str) -> str:
    """Return a cron line in words, or the line itself where words would be longer."""
    minute, hour, day, month, weekday = line.split()
    times = _times(minute, hour)
    days = _days(day, weekday)
    months = _names(month, _month) if month != "*" else ""
    if times is None or days is None or months is None:
        return line
    if months:
        days = _("%(days)s in %(months)s") % {"days": days, "months": months}
    if times.startswith("@"):
        text = _("%(days)s at %(times)s") % {"days": days, "times": times[1:]}
    elif day == weekday == month == "*":
        text = times
    else:
        text = _("%(times)s, %(days)s") % {"times": times, "days": days}
    return capfirst(text)


def _times(minute: str, hour: str) -> str | None:
    """Return "@06:00, 18:00" for times of day, else a phrase such as "every hour"."""
    if hour == "*":
        return _minutes(minute)
    if NUMBERS.fullmatch(minute) and NUMBERS.fullmatch(hour):
        pairs = [(int(h), int(m)) for h in hour.split(",") for m in minute.split(",")]
        if len(pairs) > MOST_TIMES:
            return None
        return "@" + ", ".join(f"{h:02}:{m:02}" for h, m in sorted(pairs))
    if (step := STEP.fullmatch(hour)) and minute.isdigit():
        text = ngettext("every hour", "every %(n)d hours", int(step[1]))
        hours = text % {"n": int(step[1])}
        return _("%(hours)s at minute %(minute)d") % {
            "hours": hours, "minute": int(minute),
        }  # fmt: skip
    return _within(minute, hour)


def _minutes(minute: str) -> str | None:
    step = STEP.fullmatch(minute)
    if step or minute == "*":
        number = int(step[1]) if step else 1
        text = ngettext("every minute", "every %(n)d minutes", number)
        return text % {"n": number}
    if NUMBERS.fullmatch(minute):
        return _("every hour at minute %(minutes)s") % {
            "minutes": minute.replace(",", ", ")
        }
    return None


def _within(minute: str, hour: str) -> str | None:
    """Return "every 5 minutes from 08:00 to 18:59" for a range of hours."""
    span, minutes = RANGE.fullmatch(hour), _minutes(minute)
    if span is None or minutes is None or minute.isdigit():
        return None
    return _("%(minutes)s from %(first)s to %(last)s") % {
        "minutes": minutes,
        "first": f"{int(span[1]):02}:00",
        "last": f"{int(span[2]):02}:59",
    }


def _days(day: str, weekday: str) -> str | None:
    if day == weekday == "*":
        return pgettext("days", "every day")
    if day == "*":
        return _names(weekday, _weekday)
    if weekday != "*":
        return None  # either one matches: the line says it better
    if NUMBERS.fullmatch(day):
        return _("on day %(days)s of the month") % {"days": day.replace(",", ", ")}
    return None


def _names(field: str, name: Any) -> str | None:
    """Return the names in a list or a range of numbers or English abbreviations."""
    if span := re.fullmatch(r"(\w+)-(\w+)", field):
        first, last = name(span[1]), name(span[2])
        if first and last:
            return _("%(first)s to %(last)s") % {"first": first, "last": last}
        return None
    names = [name(each) for each in field.split(",")]
    return ", ".join(names) if all(names) else None


def _weekday(text: str) -> str:
    """Return the day of the week; cron counts Sunday as 0 and as 7."""
    number = _number(text, cron_names.WEEKDAYS)
    if number is None or number > len(WEEKDAYS):
        return ""
    return _inline(WEEKDAYS[(number - 1) % 7])


def _month(text: str) -> str:
    number = _number(text, cron_names.MONTHS, first=1)
    return _inline(MONTHS[number]) if number in MONTHS else ""


def _inline(name: Any) -> str:
    """Return a name as it stands inside a sentence: Portuguese writes it small."""
    small = (get_language() or "").startswith("pt")
    return str(name).lower() if small else str(name)


def _number(text: str, names: list[str], first: int = 0) -> int | None:
    """Return the number that a name, its three letters, or digits stand for."""
    if text.isdigit():
        return int(text)
    short = [name[:3] for name in names]
    known = text.lower()[:3] in short
    return short.index(text.lower()[:3]) + first if known else None
