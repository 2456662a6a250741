"""Between the rows of django-celery-beat and the fields of our form."""

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin.phrase import cron_fields, phrase
from queues.admin.show import pretty, short
from queues.handlers import registry
from queues.models.job import DEFAULT_PRIORITY

CRON, EVERY, AS_IT_IS = "cron", "every", "keep"
UNITS = {
    "seconds": gettext_lazy("seconds"),
    "minutes": gettext_lazy("minutes"),
    "hours": gettext_lazy("hours"),
    "days": gettext_lazy("days"),
}


def as_form(task: Any) -> dict[str, Any]:
    """Return what the form shows of a schedule that exists."""
    found: dict[str, Any] = {
        "kind": _kind(task),
        "type": task.task,
        "payload": _readable(task.kwargs),
        "urgency": task.priority or DEFAULT_PRIORITY,
        "line": task.queue or "",
    }
    if task.crontab is not None:
        found["cron"] = " ".join(cron_fields(task.crontab))
        found["zone"] = str(task.crontab.timezone)
    if found["kind"] == EVERY:
        found["every"], found["unit"] = task.interval.every, task.interval.period
    return found


def kinds(task: Any) -> list[tuple[str, Any]]:
    """Return the kinds of pattern; one that the form cannot edit may be kept."""
    choices: list[tuple[str, Any]] = [
        (CRON, _("at times of a cron line")),
        (EVERY, _("every so often")),
    ]
    if task.pk and _kind(task) == AS_IT_IS:
        choices.append((AS_IT_IS, _("as it is: %(phrase)s") % {"phrase": phrase(task)}))
    return choices


def types(current: str) -> list[tuple[str, str]]:
    """Return the registered types with what each says of itself."""
    choices = [
        (
            each.name,
            f"{each.name} · {told}" if (told := short(each.description)) else each.name,
        )
        for each in registry
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


def _kind(task: Any) -> str:
    if task.crontab is not None:
        return CRON
    if task.interval is not None and task.interval.period in UNITS:
        return EVERY
    return AS_IT_IS


def _readable(text: str) -> str:
    try:
        return pretty(json.loads(text))
    except ValueError:
        return text
