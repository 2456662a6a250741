"""The one form of a schedule: everything staff may say, checked beside its field."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from queues.admin.faults import data_faults, faults_by_place
from queues.admin.filters import priorities
from queues.admin.schedule_pattern import AS_IT_IS, PatternFields, pattern_options
from queues.admin.schedule_policy import PolicyFields, term_options
from queues.admin.schedule_rows import as_form, kinds, queues, types
from queues.admin.zones import zones
from queues.errors import InvalidJobData, InvalidSchedule, PayloadTooLarge, QueueError
from queues.handlers import registry
from queues.models.job import DEFAULT_PRIORITY
from queues.payload import encode
from queues.schedule_facts import Facts, Options, check

ANY_TIME = "* * * * *"
BESIDE = {
    "every": "every", "daily": "at", "weekly": "days", "monthly": "day",
    "once": "moment",
}  # fmt: skip
"""Beside which field of a kind its pattern as a whole is refused; else its own."""


class ScheduleForm(PatternFields, PolicyFields, forms.ModelForm):
    """A schedule as staff see it. The rows behind it are nobody's business."""

    facts: Facts
    """What to write, once the form is valid."""
    payload_faults: dict[str, str]
    """What the job type does not accept, by the place in the payload."""

    type = forms.ChoiceField(
        label=gettext_lazy("Job type"),
        error_messages={"invalid_choice": gettext_lazy("Unknown job type: %(value)s")},
    )
    payload = forms.CharField(
        label=gettext_lazy("Payload"),
        required=False,
        initial="{}",
        widget=forms.Textarea(
            attrs={"rows": 6, "spellcheck": "false", "class": "code"}
        ),
        help_text=gettext_lazy("A JSON object with what the job type asks for."),
    )
    urgency = forms.TypedChoiceField(
        label=gettext_lazy("Priority"),
        choices=priorities,
        coerce=int,
        initial=DEFAULT_PRIORITY,
    )
    line = forms.ChoiceField(label=gettext_lazy("Queue"), required=False)

    class Meta:
        model = PeriodicTask
        fields = ("name", "enabled", "start_time", "expires", "description")
        labels = {
            "name": gettext_lazy("Name"),
            "enabled": gettext_lazy("Start at once"),
            "start_time": gettext_lazy("Not before"),
            "expires": gettext_lazy("Not after"),
            "description": gettext_lazy("Note"),
        }
        help_texts = {
            "name": gettext_lazy("Short and unique; shown in lists and logs."),
            "enabled": gettext_lazy("Without the tick it is saved paused."),
            "start_time": gettext_lazy("Empty: from now on. Intervals keep its phase."),
            "expires": gettext_lazy("Empty: without end."),
            "description": gettext_lazy("For colleagues: why this exists."),
        }
        error_messages = {
            "name": {"unique": gettext_lazy("Another schedule has this name.")}
        }
        field_classes = {
            "start_time": forms.DateTimeField,
            "expires": forms.DateTimeField,
        }
        widgets = {
            name: forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": "1"},
                format="%Y-%m-%dT%H:%M:%S",
            )
            for name in ("start_time", "expires")
        } | {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        task, self.payload_faults = self.instance, {}
        if task.pk:
            self.initial = {**as_form(task), **self.initial}
        self._choices("kind", kinds(task))
        self._choices("zone", zones())
        self._choices("type", types(task.task))
        self._choices("line", queues(task.queue))
        for name in ("start_time", "expires"):
            told = f"{self.fields[name].help_text} ({settings.TIME_ZONE})"
            self.fields[name].help_text = told

    def clean(self) -> dict[str, Any]:
        """Check what depends on more than one field."""
        data = super().clean() or self.cleaned_data
        self.check_pattern(data)
        start, end = data.get("start_time"), data.get("expires")
        if start and end and start >= end:
            self.add_error("expires", _("This lies before the beginning."))
        if "type" in data:
            self._check_payload(data["type"], data.get("payload") or "{}")
        if not self.errors:
            self._fill(data)
        return data

    def _post_clean(self) -> None:
        # The row checks that it has one pattern: without ours that is noise.
        if self.errors:
            if "name" in self.cleaned_data:
                self._check_name()
            return
        super()._post_clean()  # type: ignore[misc]

    def _check_name(self) -> None:
        name = self.cleaned_data["name"]
        others = PeriodicTask.objects.filter(name=name).exclude(pk=self.instance.pk)
        if others.exists():
            self.add_error("name", _("Another schedule has this name."))

    def _check_payload(self, name: str, text: str) -> None:
        try:
            encode(registry.get(name), json.loads(text))
        except json.JSONDecodeError as error:
            where = {"line": error.lineno, "column": error.colno}
            text = _("This is not JSON: look at line %(line)d, column %(column)d.")
            self.add_error("payload", text % where)
        except RecursionError:
            self.add_error("payload", _("This is nested too deeply."))
        except InvalidJobData as error:
            self.payload_faults = faults_by_place(error)
            self.add_error("payload", data_faults(error))
        except PayloadTooLarge:
            self.add_error("payload", _("This is larger than a payload may be."))
        except QueueError:
            self.add_error("type", _("Unknown job type: %(value)s") % {"value": name})

    def _fill(self, data: dict[str, Any]) -> None:
        """Gather the facts to write, checked once more as code's own schedules are."""
        task, kind = self.instance, data["kind"]
        try:
            self.facts = check(data["name"], data["type"], options_of(data))
        except InvalidSchedule:
            self.add_error(BESIDE.get(kind, "cron"), _("That day never comes."))
            return
        self.facts["name"] = data["name"]
        if data["expires"] and task.expire_seconds is not None:
            self.facts["expire_seconds"] = None  # the row holds one of the two
        if "enabled" not in self.fields:
            del self.facts["enabled"]
        if kind == AS_IT_IS:
            del self.facts["pattern"], self.facts["one_off"]
        else:
            # The row insists on exactly one pattern; `write` finds the one to share.
            task.crontab, task.interval = CrontabSchedule(), None
            task.clocked = task.solar = None

    def _choices(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices


def options_of(data: dict[str, Any]) -> Options:
    """Return the cleaned form as the arguments that code would give."""
    options: Options = {
        "data": json.loads(data.get("payload") or "{}"),
        "priority": data["urgency"],
        "queue": data["line"] or None,
        "start": data["start_time"],
        "end": data["expires"],
        "enabled": bool(data.get("enabled")),
        "description": data["description"],
        **term_options(data),
    }
    if data["kind"] == AS_IT_IS:
        return {**options, "cron": ANY_TIME, "timezone": data["zone"]}
    return {**options, **pattern_options(data)}
