"""The page that orders a bulk: what it means, what it changes, then go. And exports."""

import json
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from queues.access import may
from queues.admin import show
from queues.admin.choice import chosen, told
from queues.admin.groups import DISMISS, EXPORT, REPLAY
from queues.audit import record
from queues.bulk import Order, Preview, begin, preview
from queues.errors import InvalidSelection, QueueError
from queues.export_letters import FORMATS
from queues.letters import Selection
from queues.masks import masked

PERMISSIONS = {"replay": REPLAY, "discard": DISMISS}
TITLES = {
    "replay": gettext_lazy("Replay dead letters"),
    "discard": gettext_lazy("Discard dead letters"),
}
A_MINUTE = {"second": 60, "minute": 1}
FASTEST = 100_000


class OrderForm(forms.Form):
    """How to do it; which letters is said by the address."""

    edit = forms.CharField(
        label=gettext_lazy("Change the payloads"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "code", "spellcheck": "false"}
        ),
        help_text=gettext_lazy(
            "A JSON object that is merged into each payload: a key sets a value, "
            "null takes the key away. Empty leaves the payloads as they are."
        ),
    )
    rate = forms.IntegerField(
        label=gettext_lazy("At most"),
        required=False,
        min_value=1,
        max_value=FASTEST,
        help_text=gettext_lazy("Empty: as fast as it goes."),
    )
    per = forms.ChoiceField(
        label=gettext_lazy("jobs a"),
        required=False,
        choices=[
            ("second", gettext_lazy("second")),
            ("minute", gettext_lazy("minute")),
        ],
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("For the audit: why, in a few words."),
    )
    token = forms.UUIDField(widget=forms.HiddenInput)
    upto = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean_edit(self) -> dict[str, Any] | None:
        """Return the merge patch, or None if nothing is to be changed."""
        text = self.cleaned_data["edit"].strip()
        if not text:
            return None
        try:
            patch = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(
                _("This is not JSON: %(error)s") % {"error": error}
            ) from None
        if not isinstance(patch, dict):
            raise forms.ValidationError(_("Write a JSON object: {…}"))
        return patch or None

    def order(self, verb: str, selection: Selection) -> Order:
        """Return the order that the form makes of a selection."""
        data = self.cleaned_data
        is_replay = verb == "replay"
        rate = data["rate"] and data["rate"] * A_MINUTE[data["per"] or "second"]
        return Order(
            verb,
            selection,
            edit=data["edit"] if is_replay else None,
            per_minute=rate if is_replay else None,
            reason=data["reason"],
        )


def page(admin: ModelAdmin, request: HttpRequest, verb: str) -> HttpResponse:
    """Show what a bulk would do; on a POST do it, or show what an edit makes of it."""
    if verb not in PERMISSIONS:
        raise Http404
    if not may(request.user, PERMISSIONS[verb]):
        raise PermissionDenied
    try:
        selection = chosen(request, PERMISSIONS[verb]).for_bulk(verb)
    except InvalidSelection as error:
        messages.error(request, _(str(error)))
        return redirect("admin:queues_deadletter_faults")
    if request.method != "POST":
        form = OrderForm(initial={"token": uuid4(), "per": "second"})
        return _ask(admin, request, Order(verb, selection), form)
    return _posted(admin, request, verb, selection)


@require_POST
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Stream the letters that the address names."""
    if not may(request.user, EXPORT):
        raise PermissionDenied
    if kind not in FORMATS:
        raise Http404
    try:
        selection = chosen(request, EXPORT)
    except InvalidSelection as error:
        messages.error(request, _(str(error)))
        return redirect("admin:queues_deadletter_faults")
    record(
        "letter.export",
        label=kind,
        after={"selection": selection.words()},
        count=selection.letters().count(),
    )
    write, mime = FORMATS[kind]
    name = f"dead-letters-{timezone.localtime():%Y%m%d-%H%M%S}.{kind}"
    return StreamingHttpResponse(
        write(selection),
        content_type=f"{mime}; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _posted(
    admin: ModelAdmin, request: HttpRequest, verb: str, selection: Selection
) -> HttpResponse:
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _ask(admin, request, Order(verb, selection), form)
    try:
        order = form.order(verb, _pinned(selection, form.cleaned_data["upto"]))
        if "preview" not in request.POST:
            token = form.cleaned_data["token"]
            bulk = begin(order, token=token, source="admin")
            return redirect("admin:queues_letterbulk_change", bulk.pk)
    except QueueError as error:
        form.add_error("edit" if verb == "replay" else None, show.explain(error))
        order = Order(verb, selection)
    return _ask(admin, request, order, form)


def _pinned(selection: Selection, upto: int | None) -> Selection:
    """Return the selection as it was shown: what died since is not meant."""
    words = selection.words()
    return Selection.read({**words, "upto": words.get("upto") or upto or ""})


def _ask(
    admin: ModelAdmin, request: HttpRequest, order: Order, form: OrderForm
) -> TemplateResponse:
    seen = preview(order)
    context = {
        **admin.admin_site.each_context(request),
        "title": TITLES[order.verb],
        "opts": admin.opts,
        "verb": order.verb,
        "form": form,
        "words": told(order.selection.words()),
        "preview": seen,
        "upto": form.data.get("upto") or seen.upto,
        "samples": _samples(seen),
        "is_edited": order.edit is not None,
        "matches": ngettext("%(n)s letter matches", "%(n)s letters match", seen.total)
        % {"n": intcomma(seen.total)},
        "button": _button(order.verb, seen.total),
        "back": reverse("admin:queues_deadletter_faults"),
    }
    return TemplateResponse(request, "admin/queues/deadletter/order.html", context)


def _samples(seen: Preview) -> list[dict[str, Any]]:
    return [
        {
            "letter": each.letter,
            "before": show.pretty(masked(each.before)),
            "after": "" if each.after is None else show.pretty(masked(each.after)),
            "problem": each.problem,
        }
        for each in seen.samples
    ]


def _button(verb: str, total: int) -> str:
    if verb == "replay":
        text = ngettext("Replay %(n)s letter", "Replay %(n)s letters", total)
    else:
        text = ngettext("Discard %(n)s letter", "Discard %(n)s letters", total)
    return text % {"n": intcomma(total)}
