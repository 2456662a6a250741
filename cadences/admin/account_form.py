"""The form of an account. Credentials go in and never come out."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.models import Account
from cadences.ports import names
from queues.errors import QueueError
from queues.masks import masked, restored

LONGEST = 4000


class Unseen(forms.Textarea):
    """A field that never shows what it was given."""

    def format_value(self, value: Any) -> str:
        """Show nothing, whatever was typed."""
        return ""


class AccountForm(forms.ModelForm):
    """A number or mailbox, what it may send, and how it signs in."""

    adapter = forms.ChoiceField(
        label=gettext_lazy("Adapter"), choices=lambda: [(n, n) for n in names()]
    )
    config = forms.JSONField(
        label=gettext_lazy("Settings"),
        required=False,
        help_text=gettext_lazy("A JSON object; nothing secret belongs here."),
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "code", "spellcheck": "false"}
        ),
    )
    secrets = forms.CharField(
        label=gettext_lazy("Credentials"),
        required=False,
        max_length=LONGEST,
        widget=Unseen(
            attrs={
                "rows": 3, "class": "code", "spellcheck": "false", "autocomplete": "off",
            }
        ),
    )  # fmt: skip
    forget = forms.BooleanField(
        label=gettext_lazy("Take all credentials away"), required=False
    )

    class Meta:
        model = Account
        fields = (
            "company", "medium", "adapter", "name", "identifier", "base_url", "config",
            "per_day", "per_hour", "new_per_day", "gap_seconds", "ramp_from",
            "ramp_start", "ramp_step",
        )  # fmt: skip
        help_texts = {
            "identifier": gettext_lazy("As people see it: +55 11 …, vendas@…"),
            "base_url": gettext_lazy("Empty: the provider’s own."),
            "per_day": gettext_lazy("Empty: as many as there are."),
            "gap_seconds": gettext_lazy(
                "At least so long from one message to the next."
            ),
            "ramp_from": gettext_lazy(
                "A young account begins with few. Empty: no ramp."
            ),
        }
        widgets = {
            "ramp_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        is_there = not row._state.adding  # noqa: SLF001 - Django's own name for it
        self._is_there = is_there
        self._held = _held(row) if is_there else {}
        if "config" in self.fields:
            self.initial["config"] = masked(row.config) if is_there else {}
        if "adapter" in self.fields and is_there and row.adapter not in names():
            field: Any = self.fields["adapter"]
            missing = _("%(name)s (not installed)") % {"name": row.adapter}
            field.choices = [*field.choices, (row.adapter, missing)]
        if "secrets" in self.fields:
            self.fields["secrets"].help_text = self._told()

    def clean_config(self) -> Any:
        """Ask for an object; a mask that was left in it stands for what it hides."""
        value = self.cleaned_data["config"]
        if value in (None, ""):
            return {}
        if not isinstance(value, dict):
            raise forms.ValidationError(_("This must be a JSON object: { … }."))
        return restored(value, self.instance.config if self._is_there else {})

    def clean_secrets(self) -> dict[str, str]:
        """Read lines of `name: value`."""
        found = {}
        for number, line in enumerate(self.cleaned_data["secrets"].splitlines(), 1):
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            if not (colon and name.strip() and value.strip()):
                # The line itself may be a secret: it is not repeated.
                text = _("Line %(n)d is not “name: value”. Type all lines again.")
                raise forms.ValidationError(text % {"n": number})
            found[name.strip()] = value.strip()
        return found

    def touches_secrets(self) -> bool:
        """Tell whether credentials come or go."""
        data = self.cleaned_data
        return bool(data.get("secrets") or data.get("forget"))

    def credentials(self) -> dict[str, str] | None:
        """Return what is kept: what was there, with what is new on top."""
        kept = {} if self.cleaned_data.get("forget") else self._held
        found = {**kept, **self.cleaned_data.get("secrets", {})}
        return found or None

    def held_names(self) -> list[str]:
        """Return the names of what is kept, for the audit."""
        return sorted(self.credentials() or {})

    def _told(self) -> str:
        line = _("Lines of “name: value”, such as “token: …”. They are stored encrypted"
                 " and never shown again.")  # fmt: skip
        held = ", ".join(sorted(self._held))
        if not held:
            return line
        kept = _("Held now: %(names)s. Empty keeps them.") % {"names": held}
        return f"{line} {kept}"


def _held(row: Account) -> dict[str, str]:
    if row.credentials is None:
        return {}
    try:
        value = row.credentials.reveal()
    except QueueError:
        return {}
    return value if isinstance(value, dict) else {}
