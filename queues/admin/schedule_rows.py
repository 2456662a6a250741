"""Between the rows of django-celery-beat and the fields of our form."""

import json
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from queues.admin.phrase import cron_fields, phrase
from queues.admin.schedule_pattern import (
    AS_IT_IS,
    EVERY,
    KINDS,
    ONCE,
    UNITS,
    pattern_of,
)
from queues.admin.schedule_policy import terms_of
from queues.admin.show import pretty, short
from queues.handlers import registry
from queues.models.job import DEFAULT_PRIORITY


def as_form(task: Any) -> dict[str, Any]:
    """Return what the form shows of a schedule that exists."""
    return {
        **_pattern(task),
        **terms_of(task),
        "type": task.task,
        "payload": _readable(task.kwargs),
        "urgency": task.priority or DEFAULT_PRIORITY,
        "line": task.queue or "",
        "one_off": task.one_off,
    }


def as_copy(task: Any) -> dict[str, Any]:
    """Return what a new form shows to make another schedule like this one."""
    name = _("%(name)s (copy)") % {"name": task.name[:180]}
    return {
        **as_form(task),
        "name": name,
        "description": task.description,
        "start_time": task.start_time,
        "expires": task.expires,
    }


def kinds(task: Any) -> list[tuple[str, Any]]:
    """Return the kinds of pattern; one that the form cannot edit may be kept."""
    choices: list[tuple[str, Any]] = list(KINDS.items())
    if task.pk and _pattern(task)["kind"] == AS_IT_IS:
        words = _("as it is: %(phrase)s") % {"phrase": phrase(task)}
        choices.append((AS_IT_IS, capfirst(words)))
    return choices


def types(current: str) -> list[tuple[str, str]]:
    """Return the registered types with what each says of itself."""
    choices = [
        (
            each.name,
            f"{each.name} · {told}" if (told := short(each.description)) else each.name,
        )
        for each in registry
        if not each.internal or each.name == current
    ]
    if current and current not in registry:
        unknown = _("%(name)s · no handler here knows this type") % {"name": current}
        choices.append((current, unknown))
    return [("", _("Choose a job type")), *choices]


def queues(current: str | None) -> list[tuple[str, str]]:
    """Return the known queues, and the type's own first."""
    names = registry.queues()
    if current and current not in names:
        names.append(current)
    return [("", _("as the job type says")), *((name, name) for name in names)]


def _pattern(task: Any) -> dict[str, Any]:
    if task.crontab is not None:
        line = " ".join(cron_fields(task.crontab))
        return pattern_of(line, str(task.crontab.timezone))
    if task.interval is not None and task.interval.period in UNITS:
        unit = task.interval.period
        return {"kind": EVERY, "every": task.interval.every, "unit": unit}
    if task.clocked is not None:
        return {"kind": ONCE, "moment": task.clocked.clocked_time}
    return {"kind": AS_IT_IS}


def _readable(text: str) -> str:
    try:
        return pretty(json.loads(text))
    except ValueError:
        return text
