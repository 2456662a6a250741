"""Edits by forms: each leaves its row in the audit, whatever was changed or deleted."""

from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.http import HttpRequest

from queues.admin.guard import Everywhere
from queues.audit import record


class Deleting(Everywhere):
    """An admin whose every deletion is told in the audit log, secrets masked.

    `noun` is the first word of its rows there, by default the model's name.
    """

    noun = ""

    def label(self, row: Any) -> str:
        """Return what the audit calls a row; nothing is as it calls itself."""
        return ""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Tell it, then delete."""
        with transaction.atomic():
            self._record("delete", obj, before=_held(obj))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Tell each, then delete all."""
        with transaction.atomic():
            for row in queryset:
                self._record("delete", row, before=_held(row))
            super().delete_queryset(request, queryset)

    def _record(self, verb: str, row: Any, **facts: Any) -> None:
        noun = self.noun or self.opts.model_name
        record(f"{noun}.{verb}", row, label=self.label(row), **facts)


class Audited(Deleting):
    """An admin whose every change is told as well; `born` is the word of a new row."""

    born = "add"

    def written(self, form: Any) -> list[str]:
        """Return the columns that an edit writes: machines write to the others."""
        fields = self.opts.concrete_fields
        return [each.name for each in fields if each.name in form.changed_data]

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write a new row, or what was edited of one and nothing else."""
        if not change:
            super().save_model(request, obj, form, change)
        elif names := self.written(form):
            obj.save(update_fields=names)

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        """Tell what the form changed; it runs in the transaction that saves."""
        names = list(form.cleaned_data) if add else form.changed_data
        before = {name: _before(form, name) for name in names}
        after = {name: _plain(form.cleaned_data.get(name)) for name in names}
        for formset in formsets or ():
            if formset.has_changed():
                name = formset.model._meta.model_name  # noqa: SLF001 - its own name
                before[name], after[name] = _rows_before(formset), _rows_after(formset)
        if add:
            self._record(self.born, form.instance, after=after)
        elif after:
            # The form of a password has no instance but a user.
            row = getattr(form, "instance", None) or form.user
            self._record("change", row, before=before, after=after)
        return super().construct_change_message(request, form, formsets, add)


def _held(row: Model) -> dict[str, Any]:
    return {name: _plain(value) for name, value in model_to_dict(row).items()}


def _before(form: Any, name: str) -> Any:
    """Return what a field held; of a row that it referred to, the name."""
    held, field = form.initial.get(name), form.fields.get(name)
    several = isinstance(field, forms.ModelMultipleChoiceField)
    if held is None or several or not isinstance(field, forms.ModelChoiceField):
        return _plain(held)
    try:
        return str(field.to_python(held))
    except forms.ValidationError:
        return _plain(held)


def _plain(value: Any) -> Any:
    if isinstance(value, QuerySet | list | tuple):
        return sorted(str(each) for each in value)
    return str(value) if isinstance(value, Model) else value


def _rows_before(formset: Any) -> list[dict[str, Any]]:
    return [_facts(formset, each.initial) for each in formset.initial_forms]


def _rows_after(formset: Any) -> list[dict[str, Any]]:
    # The formset's own rows were read before it was saved.
    rows = formset.model.objects.filter(**{formset.fk.name: formset.instance})
    return [_facts(formset, model_to_dict(row)) for row in rows.order_by("pk")]


def _facts(formset: Any, values: dict[str, Any]) -> dict[str, Any]:
    hidden = {formset.fk.name, "id"}
    return {name: values[name] for name in values if name not in hidden}
