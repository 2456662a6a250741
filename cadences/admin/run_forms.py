"""What staff answer before something is done to a run."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cadences.admin.moves import VANISHED
from queues.enqueue import HORIZON

LOCAL = "datetime-local"


class ReasonForm(forms.Form):
    """Why something is done, for those who read the audit later."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        help_text=_("Optional; it is kept in the audit."),
    )


class SaidForm(ReasonForm):
    """Why something is done that cannot be undone."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        help_text=_("In a few words; it is kept in the audit."),
    )


def moment_field(label: Any, help_text: Any, *, required: bool = False) -> Any:
    """Return a field for a moment in the zone of the console."""
    return forms.DateTimeField(
        label=label,
        required=required,
        widget=forms.DateTimeInput(attrs={"type": LOCAL}, format="%Y-%m-%dT%H:%M"),
        help_text=help_text,
    )


def _ahead(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= timezone.now():
        raise forms.ValidationError(_("This lies in the past."))
    if moment is not None and moment > timezone.now() + HORIZON:
        raise forms.ValidationError(_("The due time lies more than ten years ahead"))
    return moment


class PauseForm(ReasonForm):
    """Until when a run pauses."""

    until = moment_field(
        _("Until"), _("Empty: until somebody resumes it. In the zone of this console.")
    )
    field_order = ("until", "reason")

    def clean_until(self) -> datetime | None:
        """Refuse a moment that is over."""
        return _ahead(self.cleaned_data["until"])


class ResumeForm(ReasonForm):
    """When a run goes on."""

    at_once = forms.BooleanField(
        label=_("Without the rest of the wait"),
        required=False,
        help_text=_("Otherwise the step waits for as long as it still had to."),
    )
    field_order = ("at_once", "reason")


class RescheduleForm(ReasonForm):
    """When the next step goes."""

    at = moment_field(
        _("Date and time"),
        _("In the zone of this console. Closed hours only ever delay it."),
        required=True,
    )
    field_order = ("at", "reason")

    def clean_at(self) -> datetime | None:
        """Refuse a moment that is over."""
        return _ahead(self.cleaned_data["at"])


class RestartForm(SaidForm):
    """With which step a new round begins."""

    first_step = forms.IntegerField(
        label=_("First step"), min_value=1, max_value=1000, initial=1
    )
    field_order = ("first_step", "reason")


class OrderForm(SaidForm):
    """An order over many runs: why, and which of two equal orders it is."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    upto = forms.CharField(widget=forms.HiddenInput, required=False)


class MigrateForm(SaidForm):
    """What becomes of a run whose next step the new version does not have."""

    vanished = forms.ChoiceField(
        label=_("A run whose step is not there any more"),
        choices=VANISHED,
        help_text=_("The table tells of runs that go on."),
    )
    field_order = ("vanished", "reason")


class MigrateOrderForm(OrderForm):
    """An order to move many runs, as the table above it tells."""

    vanished = forms.ChoiceField(choices=VANISHED, widget=forms.HiddenInput)
