"""What new rows begin with in forms: the defaults live in the database."""

from typing import Any

from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED
from django.forms import BaseForm, ChoiceField


def beginnings(model: type[Model]) -> dict[str, Any]:
    """Return what the columns of a new row hold if nothing is said."""
    found = {}
    for field in model._meta.concrete_fields:  # noqa: SLF001 - Django's own name for it
        value = getattr(field, "db_default", NOT_PROVIDED)
        if isinstance(value, str | int | bool | list | dict):
            found[field.name] = value
    return found


def without_blanks(form: type[BaseForm] | BaseForm, model: type[Model]) -> None:
    """Take the empty choice from fields that always hold one of the others."""
    known = beginnings(model)
    fields = form.fields if isinstance(form, BaseForm) else form.base_fields  # type: ignore[attr-defined]
    for name, field in fields.items():
        if known.get(name) and isinstance(field, ChoiceField):
            choices: Any = field.choices
            field.choices = [each for each in list(choices) if each[0] != ""]
