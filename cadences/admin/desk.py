"""What the pages of this app share: who may do what, and what they may see."""

from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from cadences import masks
from cadences.admin.defaults import beginnings, without_blanks
from cadences.errors import CadenceError
from queues.access import may_everywhere
from queues.admin.audited import Deleting
from queues.admin.verbs import Operated
from queues.audit import record
from queues.errors import QueueError

REVEAL = "cadences.reveal_lead"


class Desk(Operated, Deleting):
    """An admin of this app: its verbs refuse with the errors of this app."""

    refusals = (QueueError, CadenceError)
    actions_on_top = True
    list_per_page = 50
    show_full_result_count = False
    save_on_top = False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Offer one way to save: the answer shows what it means."""
        single = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = {**single, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what was edited and nothing else, with its entry in the audit."""
        names = [each for each in form.changed_data if each in _columns(obj)]
        if change and not names:
            return
        before = _facts(type(obj).objects.get(pk=obj.pk), names) if change else None
        if change:
            obj.save(update_fields=names)
        else:
            obj.save(force_insert=True)
        word = "change" if change else "add"
        after = _facts(obj, names)
        record(f"{self.opts.model_name}.{word}", obj, before=before, after=after)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Offer the rows of other tables without detours to their pages."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        for field in form.base_fields.values():
            field.widget = getattr(field.widget, "widget", field.widget)
        without_blanks(form, self.model)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a new row with what the database would."""
        return {
            **beginnings(self.model),
            **super().get_changeform_initial_data(request),
        }


class Kept:
    """Reads the row of a page once: its buttons and its details ask for it again."""

    def get_object(
        self, request: Any, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the row; of a page that is only looked at, the one read before."""
        ask: Any = super()
        if request.method != "GET":
            return ask.get_object(request, object_id, from_field)
        known: dict[Any, Any] = request.__dict__.setdefault("kept_rows", {})
        key = (type(self), str(object_id), from_field)
        if key not in known:
            known[key] = ask.get_object(request, object_id, from_field)
        return known[key]


def _columns(row: Model) -> set[str]:
    return {each.name for each in row._meta.concrete_fields}  # noqa: SLF001 - Django's own name for it


def _facts(row: Model, names: list[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names if name in _columns(row)}


def reason_form(told: Any) -> type[forms.Form]:
    """Return a form that tells what a verb means, and asks why."""
    reason = forms.CharField(
        label=gettext_lazy("Why? Colleagues will see it."),
        required=False,
        max_length=500,
        help_text=told,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    return type("ReasonForm", (forms.Form,), {"reason": reason})


def reveals(request: HttpRequest) -> bool:
    """Tell whether this person may see addresses and what leads wrote."""
    return may_everywhere(request.user, REVEAL)


def address(request: HttpRequest, text: str) -> str:
    """Return an address as this person may see it."""
    return text if reveals(request) else masks.address(text)


def name(request: HttpRequest, text: str) -> str:
    """Return the name of a lead as this person may see it."""
    return text if reveals(request) else masks.name(text)


def words(request: HttpRequest, text: str) -> str:
    """Return what was written as this person may see it."""
    return text if reveals(request) else masks.words(text)
