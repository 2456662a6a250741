"""Time zones as a field of the forms of this app."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from queues.admin.zones import zones


def zone_field(*, label: Any, required: bool = True, help_text: Any = "") -> Any:
    """Return a field that offers every zone; if it is not required, none as well."""
    choices = zones if required else _with_none
    return forms.ChoiceField(
        label=label, required=required, choices=choices, help_text=help_text
    )


def _with_none() -> list[Any]:
    return [("", _("as the company says")), *zones()]
