"""What staff fill in to steer a job, or to write one by hand."""

import json
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from queues import payload
from queues.admin import show
from queues.admin.faults import data_faults
from queues.admin.filters import priorities
from queues.enqueue import HORIZON
from queues.errors import InvalidJobData, QueueError
from queues.handlers import Handler, registry
from queues.masks import restored
from queues.models.job import DEFAULT_PRIORITY

LOCAL = "datetime-local"
MORNING = 8


class ReasonForm(forms.Form):
    """Why something is done, for those who read the audit later."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        help_text=_("Optional; it is kept in the audit."),
    )


class PriorityForm(ReasonForm):
    """Which priority a waiting job gets."""

    priority = forms.TypedChoiceField(
        label=_("Priority"), coerce=int, choices=priorities, initial=DEFAULT_PRIORITY
    )
    field_order = ("priority", "reason")


def _presets() -> list[tuple[str, Any]]:
    return [
        ("15m", _("in 15 minutes")),
        ("1h", _("in an hour")),
        ("morning", _("tomorrow at 08:00")),
        ("at", _("at the time below")),
    ]


class SnoozeForm(ReasonForm):
    """Until when a waiting job is put off."""

    when = forms.ChoiceField(label=_("Run it"), choices=_presets, initial="1h")
    at = forms.DateTimeField(
        label=_("Date and time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": LOCAL}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In the time zone of this console."),
    )
    field_order = ("when", "at", "reason")

    def clean(self) -> dict[str, Any]:
        """Turn the choice into a moment that lies ahead."""
        found = super().clean() or {}
        until = self._until(found)
        if until is None:
            self.add_error("at", _("Say when."))
        elif until <= timezone.now():
            self.add_error("at", _("This lies in the past."))
        elif until > timezone.now() + HORIZON:
            self.add_error("at", _("The due time lies more than ten years ahead"))
        return {"until": until, "reason": found.get("reason", "")}

    @staticmethod
    def _until(found: dict[str, Any]) -> datetime | None:
        now = timezone.localtime()
        match found.get("when"):
            case "15m":
                return now + timedelta(minutes=15)
            case "1h":
                return now + timedelta(hours=1)
            case "morning":
                morning = now.replace(hour=MORNING, minute=0, second=0, microsecond=0)
                return morning + timedelta(days=1)
            case _:
                return found.get("at")


class EnqueueForm(forms.Form):
    """A job of one type, its payload checked as every caller's is."""

    payload = forms.CharField(
        label=_("Payload"),
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=_("A JSON object, checked as the type asks."),
    )
    priority = PriorityForm.base_fields["priority"]
    queue = forms.ChoiceField(label=_("Queue"), required=False)
    run_at = forms.DateTimeField(
        label=_("Run at"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": LOCAL}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Empty: now. In the time zone of this console."),
    )
    unique_key = forms.CharField(
        label=_("Unique key"),
        required=False,
        max_length=200,
        help_text=_("A live job of the type with this key is kept instead."),
    )
    max_attempts = forms.IntegerField(
        label=_("Most tries"), required=False, min_value=1, max_value=999
    )
    reason = ReasonForm.base_fields["reason"]

    def __init__(
        self, handler: Handler, *args: Any, original: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.handler, self.original = handler, original
        usual = _("%(queue)s (as the type says)") % {"queue": handler.queue}
        others = [name for name in registry.queues() if name != handler.queue]
        queue: Any = self.fields["queue"]
        queue.choices = [("", usual), *((name, name) for name in others)]
        self.fields["max_attempts"].widget.attrs["placeholder"] = handler.max_attempts

    def clean_payload(self) -> Any:
        """Return the document; each thing that the type refuses is a line."""
        try:
            data = json.loads(self.cleaned_data["payload"])
        except (ValueError, RecursionError) as error:
            text = _("This is not JSON: %(why)s") % {"why": error}
            raise forms.ValidationError(text) from None
        data = restored(data, self.original)
        try:
            payload.encode(self.handler, data)
        except InvalidJobData as error:
            raise forms.ValidationError(data_faults(error)) from None
        except QueueError as error:
            raise forms.ValidationError(show.explain(error)) from None
        return data

    @property
    def options(self) -> dict[str, Any]:
        """What `enqueue` is told beside the type and the data."""
        names = ("priority", "queue", "run_at", "unique_key", "max_attempts")
        return {name: self.cleaned_data[name] or None for name in names}


def outline(handler: Handler) -> dict[str, Any]:
    """Return the payload that a form begins with: the type's fields, still empty."""
    if handler.model is None:
        return {}
    fields = handler.model.model_fields.items()
    return {
        field.serialization_alias or field.alias or name: (
            None if field.is_required() else _plain(field.get_default())
        )
        for name, field in fields
    }


def _plain(value: Any) -> Any:
    try:
        return json.loads(payload.dump({"value": value}))["value"]
    except QueueError:
        return None
