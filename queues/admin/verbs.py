"""Buttons and list actions: one verb each, allowed, confirmed, logged and reported."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.access import may, may_on, scoped
from queues.admin.guard import Guarded
from queues.admin.show import explain
from queues.audit import because
from queues.errors import QueueError

stock = _
"""Translate what Django itself says; its catalogue has it, ours need not."""

MOST = 500
"""Rows that one action takes at once."""


@dataclass(frozen=True)
class Verb:
    """Something that staff may do to a row. Texts are lazy translations."""

    name: str
    label: Any
    act: Callable[..., object]
    permission: str
    logged: Any
    offered: Callable[[Any], bool]
    question: Any = None
    """Asked first, because what is done cannot be undone."""
    form: type[Form] | None = None
    """What is asked beside; the act is told the answers by their names."""

    @property
    def asks(self) -> bool:
        """Tell whether there is a page before it is done."""
        return bool(self.question or self.form)

    def bound(self, request: HttpRequest) -> Form | None:
        """Return the answers of this request, if anything is asked."""
        return self.form(request.POST) if self.form else None


class Window(Guarded):
    """A view of rows that machines write: nothing to add, edit or delete."""

    verbs: tuple[Verb, ...] = ()
    actions_on_top = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def action_checkbox(self, obj: Any) -> SafeString:
        """Show the box before a row as stock does, without a template for each."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" aria-label="{}"'
            ' class="action-select">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            stock("Select this object for an action - {}").format(obj),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows are written by the verbs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what a machine wrote would become a lie."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: history is pruned, not picked."""
        return False


class Operated(Guarded):
    """An admin whose rows have verbs, as list actions and as buttons."""

    verbs: tuple[Verb, ...] = ()
    refusals: tuple[type[Exception], ...] = (QueueError,)
    """What a verb raises when it refuses; told to whoever asked."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the verbs that this user may use; a forged name finds nothing."""
        actions: dict[str, Any] = dict(super().get_actions(request))
        for verb in self._allowed(request):
            actions[verb.name] = (partial(self._on_rows, verb), verb.name, verb.label)
        return actions

    def get_urls(self) -> list[Any]:
        """Give every verb an address of its own below its row."""
        return [*map(self._url, self.verbs), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the row with the buttons that apply to it now."""
        context = {
            "buttons": self._buttons(request, object_id),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def called(self, request: HttpRequest, row: Any) -> str:
        """Return how a row is named where something is asked about it."""
        return str(row)

    def _allowed(self, request: HttpRequest) -> list[Verb]:
        return [verb for verb in self.verbs if may(request.user, verb.permission)]

    def _url(self, verb: Verb) -> URLPattern:
        view = self.admin_site.admin_view(partial(self._on_row, verb))
        return path(f"<path:object_id>/{verb.name}/", view, name=self._url_name(verb))

    def _url_name(self, verb: Verb) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{verb.name}"

    def _buttons(self, request: HttpRequest, object_id: str | None) -> list[Any]:
        verbs = self._allowed(request)
        row = (
            self.get_object(request, unquote(object_id))
            if object_id and verbs
            else None
        )
        if row is None:
            return []
        return [
            (verb, reverse(f"admin:{self._url_name(verb)}", args=[quote(row.pk)]))
            for verb in verbs
            if verb.offered(row) and may_on(request.user, verb.permission, row)
        ]

    def _on_row(self, verb: Verb, request: HttpRequest, object_id: str) -> HttpResponse:
        if not may(request.user, verb.permission):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not may_on(request.user, verb.permission, row):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, verb, [row])
        form = verb.bound(request)
        if form and not form.is_valid():
            return self._ask(request, verb, [row], form=form)
        self._apply(request, verb, [row], form)
        view = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return redirect(view, object_id)

    def _on_rows(
        self, verb: Verb, _admin: object, request: HttpRequest, rows: QuerySet
    ) -> HttpResponseBase | None:
        chosen = list(scoped(request.user, rows, verb.permission)[: MOST + 1])
        if not chosen:
            raise PermissionDenied
        if len(chosen) > MOST:
            text = _("Choose at most %(most)d rows at once.") % {"most": MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        if verb.asks and "confirmed" not in request.POST:
            return self._ask(request, verb, chosen, action=verb.name)
        form = verb.bound(request)
        if form and not form.is_valid():
            return self._ask(request, verb, chosen, action=verb.name, form=form)
        self._apply(request, verb, chosen, form)
        return None

    def _apply(
        self,
        request: HttpRequest,
        verb: Verb,
        rows: Iterable[Model],
        form: Form | None = None,
    ) -> None:
        """Do it to each row, with its entry in the log; one refusal stops no other."""
        done, refused = 0, Counter[str]()
        answers = dict(form.cleaned_data) if form else {}
        answers.pop("reason", None)  # it goes to the audit
        for row in rows:
            try:
                with because(request.POST.get("reason", "")), transaction.atomic():
                    verb.act(row, **answers)
                    self.log_change(request, row, str(verb.logged))
            except self.refusals as error:
                refused[explain(error)] += 1
            else:
                done += 1
        if done:
            text = ngettext("%(verb)s: %(n)d row.", "%(verb)s: %(n)d rows.", done)
            fact = text % {"verb": verb.logged, "n": done}
            self.message_user(request, fact, messages.SUCCESS)
        for reason, count in refused.items():
            self.message_user(
                request, f"{reason} ({count})" if count > 1 else reason, messages.ERROR
            )

    def _ask(
        self,
        request: HttpRequest,
        verb: Verb,
        rows: list[Any],
        action: str = "",
        form: Form | None = None,
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": verb.label,
            "opts": self.opts,
            "verb": verb,
            "rows": [(row, self.called(request, row)) for row in rows],
            "action": action,
            "form": form or (verb.form() if verb.form else None),
        }
        return TemplateResponse(request, "admin/queues/confirm.html", context)
