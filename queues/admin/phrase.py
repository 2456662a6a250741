"""A schedule in plain words, in the language of the reader."""

import re
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from queues import cron as cron_names
from queues.schedule_pattern import PERIODS

STEP = re.compile(r"\*/(\d+)")
NUMBERS = re.compile(r"\d+(,\d+)*")
RANGE = re.compile(r"(\d+)-(\d+)")
STEPS = re.compile(r"(\d+)-(\d+)/(\d+)")
MOST_TIMES = 6
"""More times of day than this are told as minutes and hours."""


def phrase(task: Any) -> str:
    """Return when a schedule runs, as one short sentence without its zone."""
    if task.crontab is not None:
        line = " ".join(cron_fields(task.crontab))
        return cron(line)
    if task.interval is not None:
        return every(task.interval.every, task.interval.period)
    if task.clocked is not None:
        return once(task.clocked.clocked_time)
    return capfirst(str(task.scheduler or _("never")))


def once(moment: datetime) -> str:
    """Return "once, on 23 Nov 2026 at 08:00", in the zone of the site."""
    local = timezone.localtime(moment)
    return _("Once, on %(day)s at %(time)s") % {
        "day": date_format(local, "j M Y", use_l10n=False), "time": f"{local:%H:%M}",
    }  # fmt: skip


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


def every_seconds(seconds: int) -> str:
    """Return "every N units" in the largest unit that says it."""
    period, size = next(
        (period, size) for period, size in PERIODS.items() if seconds % size == 0
    )
    return every(seconds // size, period)


def cron(line: str) -> str:
    """Return a cron line in words, or the line itself if it cannot be read."""
    try:
        minute, hour, day, month, weekday = line.split()
        times = _times(minute, hour)
        days = _days(day, weekday)
        months = _names(month, _month) if month != "*" else ""
    except ValueError:
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


def _times(minute: str, hour: str) -> str:
    """Return "@06:00, 18:00" for times of day, else a phrase such as "every hour"."""
    if hour == "*":
        return _minutes(minute)
    if NUMBERS.fullmatch(minute) and NUMBERS.fullmatch(hour):
        pairs = [(int(h), int(m)) for h in hour.split(",") for m in minute.split(",")]
        if len(pairs) <= MOST_TIMES:
            return "@" + ", ".join(f"{h:02}:{m:02}" for h, m in sorted(pairs))
    elif minute.isdigit() and (step := STEP.fullmatch(hour)):
        text = ngettext("every hour", "every %(n)d hours", int(step[1]))
        hours = text % {"n": int(step[1])}
        return _("%(hours)s at minute %(minute)d") % {
            "hours": hours, "minute": int(minute),
        }  # fmt: skip
    elif span := RANGE.fullmatch(hour):
        return _within(minute, int(span[1]), int(span[2]))
    spelled = {"minutes": _spell(minute, 0, 59), "hours": _spell(hour, 0, 23)}
    return _("at minute %(minutes)s of hour %(hours)s") % spelled


def _minutes(minute: str) -> str:
    step = STEP.fullmatch(minute)
    if step or minute == "*":
        number = int(step[1]) if step else 1
        text = ngettext("every minute", "every %(n)d minutes", number)
        return text % {"n": number}
    spelled = _spell(minute, 0, 59)
    return _("every hour at minute %(minutes)s") % {"minutes": spelled}


def _within(minute: str, first: int, last: int) -> str:
    """Return "every 5 minutes from 08:00 to 18:59" for a range of hours."""
    if minute.isdigit():
        return _("%(minutes)s from %(first)s to %(last)s") % {
            "minutes": ngettext("every hour", "every %(n)d hours", 1) % {"n": 1},
            "first": f"{first:02}:{int(minute):02}",
            "last": f"{last:02}:{int(minute):02}",
        }
    return _("%(minutes)s from %(first)s to %(last)s") % {
        "minutes": _minutes(minute), "first": f"{first:02}:00", "last": f"{last:02}:59",
    }  # fmt: skip


def _days(day: str, weekday: str) -> str:
    if day == weekday == "*":
        return pgettext("days", "every day")
    if day == "*":
        return _names(weekday, _weekday)
    text = _("on day %(days)s of the month") % {"days": _spell(day, 1, 31)}
    if weekday == "*":
        return text
    names = _names(weekday, _weekday)
    return _("%(days)s if that is %(weekdays)s") % {"days": text, "weekdays": names}


def _spell(field: str, lowest: int, highest: int) -> str:
    """Return the numbers of a field: "1, 3–5"; of steps the first and the last."""
    return ", ".join(_spell_part(part, lowest, highest) for part in field.split(","))


def _spell_part(part: str, lowest: int, highest: int) -> str:
    if span := RANGE.fullmatch(part):
        return f"{span[1]}–{span[2]}"
    if (step := STEP.fullmatch(part)) or part == "*":
        first, last, by = lowest, highest, int(step[1]) if step else 1
    elif steps := STEPS.fullmatch(part):
        first, last, by = int(steps[1]), int(steps[2]), int(steps[3])
    else:
        return str(int(part))
    if by == 1:
        return f"{first}–{last}"
    numbers = [str(number) for number in range(first, last + 1, by)]
    shown = numbers if len(numbers) <= MOST_TIMES else [*numbers[:3], "…", numbers[-1]]
    return ", ".join(shown)


def _names(field: str, name: Any) -> str:
    """Return the names of numbers or English abbreviations; ValueError for others."""
    return ", ".join(_name_part(part, name) for part in field.split(","))


def _name_part(part: str, name: Any) -> str:
    first, _dash, last = part.partition("-")
    names = [name(each) for each in (first, last) if each]
    if not names or not all(names):
        raise ValueError(part)
    if len(names) == 1:
        return str(names[0])
    return _("%(first)s to %(last)s") % {"first": names[0], "last": names[1]}


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
