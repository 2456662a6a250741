"""The page that orders one thing for many runs: which they are, then a job does it."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cadences import clock
from cadences.admin import desk, look
from cadences.admin.deeds import phrase
from cadences.admin.download import download
from cadences.admin.moves import moves, way
from cadences.admin.run_filters import told, words
from cadences.admin.run_forms import MigrateOrderForm, OrderForm
from cadences.admin.run_verbs import OPERATE, ORDERED
from cadences.bulk import ENOUGH, MEANT, begin, count
from cadences.errors import CadenceError, UnknownSelection
from cadences.export import runs_as_csv
from cadences.selection import Runs
from queues.access import may_everywhere
from queues.admin.verbs import Verb
from queues.admin.worries import number
from queues.audit import record

SAMPLES = 5
FORMS = {"migrate": MigrateOrderForm}
OURS = {"token", "upto", "reason"}
"""Answers that are not the verb's."""
VIEW = "cadences.view_run"


def page(admin: ModelAdmin, request: HttpRequest, verb: str) -> HttpResponse:
    """Show how many runs an order comes to, and which; on a POST give it."""
    if verb not in ORDERED:
        raise Http404
    if not may_everywhere(request.user, OPERATE):
        raise PermissionDenied
    try:
        selection = Runs.read(words(request))
    except UnknownSelection:
        raise Http404 from None
    initial = {"token": uuid4(), "vanished": way(request.GET.get("vanished"))}
    form = FORMS.get(verb, OrderForm)(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _give(request, verb, selection, form)
    return _ask(admin, request, ORDERED[verb], selection, form)


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """Stream the runs that the address names as a table."""
    if not may_everywhere(request.user, VIEW):
        raise PermissionDenied
    try:
        selection = Runs.read(words(request))
    except UnknownSelection:
        raise Http404 from None
    is_open = desk.reveals(request)
    record(
        "run.export", label="csv", count=max(selection.rows()[:ENOUGH].count(), 1),
        after={"selection": selection.words(), "revealed": is_open},
    )  # fmt: skip
    return download("runs", runs_as_csv(selection, reveals=is_open))


def _give(
    request: HttpRequest, verb: str, selection: Runs, form: OrderForm
) -> HttpResponse:
    found = form.cleaned_data
    answers = {name: value for name, value in found.items() if name not in OURS}
    try:
        shown = Runs.read({**selection.words(), "upto": found["upto"]})
        job = begin(
            verb, shown, token=found["token"], reason=found["reason"], **answers
        )
    except CadenceError as error:
        messages.error(request, phrase(error))
    else:
        text = _(
            "Ordered: {label}. It goes on by itself, whatever is restarted: {job}."
        )
        address = reverse("admin:queues_job_change", args=[job.pk])
        link = format_html('<a href="{}">#{}</a>', address, job.pk)
        label = ORDERED[verb].label
        messages.success(request, format_html(text, label=label, job=link))
    return redirect(_back(selection))


def _ask(
    admin: ModelAdmin,
    request: HttpRequest,
    verb: Verb,
    selection: Runs,
    form: OrderForm,
) -> TemplateResponse:
    upto = clock.now()
    pinned = selection.until(upto)
    total = count(verb.name, pinned)
    rows = pinned.rows().filter(MEANT[verb.name])
    samples = rows.select_related("lead", "cadence").order_by("-created_at", "-pk")
    context = {
        **admin.admin_site.each_context(request),
        "title": verb.label,
        "opts": admin.opts,
        "verb": verb,
        "form": form,
        "upto": form.data.get("upto") or upto.isoformat(),
        "words": told(selection),
        "kept": _kept(selection),
        "total": total,
        "matches": _runs(total),
        "ordered": _runs(total),
        "samples": [_sample(request, each) for each in samples[:SAMPLES]],
        "back": _back(selection),
    }
    if verb.name == "migrate":
        context |= moves(pinned.rows(), way(form["vanished"].value()))
        context |= {"total": context["moved"], "ordered": _runs(context["moved"])}
    return TemplateResponse(request, "admin/cadences/run/order.html", context)


def _runs(count: int) -> str:
    text = ngettext("%(n)s run", "%(n)s runs", count)
    return text % {"n": number(count, ENOUGH)}


def _sample(request: HttpRequest, run: Any) -> dict[str, Any]:
    return {
        "address": look.address("run", run.pk),
        "lead": look.lead(request, run.lead),
        "cadence": run.cadence,
        "badge": look.status(run),
    }


def _back(selection: Runs) -> str:
    query = urlencode(_kept(selection))
    return f"{reverse('admin:cadences_run_changelist')}?{query}"


def _kept(selection: Runs) -> dict[str, str]:
    """Return the words that stay the same when the page is asked anew."""
    return {name: word for name, word in selection.words().items() if name != "upto"}
