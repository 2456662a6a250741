"""The passes of the runner: who started them, what they did; and how to start one."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin import desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.log_look import badge, trigger
from cadences.admin.run_forms import ReasonForm
from cadences.admin.run_page import said
from cadences.admin.run_verbs import OPERATE
from cadences.models import RunnerLog
from cadences.runner import RUNNER, rehearse
from cadences.states import Result, Trigger
from queues.access import may_everywhere
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Window
from queues.audit import record
from queues.enqueue import enqueue
from queues.models import Job

SHOWN = 100
REHEARSED = 50
"""Runs that a plan looks at while somebody waits for it."""
LIST = "cadences_runnerlog_changelist"
TONES = {
    Result.SENT: "good",
    Result.PLANNED: "busy",
    Result.ERROR: "bad",
    Result.UNKNOWN: "warn",
    Result.DONE: "good",
}


class StartForm(ReasonForm):
    """What kind of pass is started."""

    trigger = forms.ChoiceField(
        label=gettext_lazy("What for"),
        choices=[
            (Trigger.TEST, gettext_lazy("See the plan: nothing is sent or changed")),
            (Trigger.MANUAL, gettext_lazy("Send what is due, now")),
        ],
        widget=forms.RadioSelect,
        initial=Trigger.TEST,
    )
    field_order = ("trigger", "reason")


class ByTrigger(admin.SimpleListFilter):
    """Who started them."""

    title, parameter_name = gettext_lazy("started by"), "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the three."""
        return Trigger.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to one."""
        return (
            queryset.filter(trigger_source=self.value()) if self.value() else queryset
        )


class ByEnd(admin.SimpleListFilter):
    """How they ended."""

    title, parameter_name = gettext_lazy("result"), "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer what a person looks for."""
        return [
            ("errors", gettext_lazy("with errors")),
            ("work", gettext_lazy("that did something")),
            *((each.value, each.label) for each in RunnerLog.Status),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to those."""
        match self.value():
            case None:
                return queryset
            case "errors":
                return queryset.filter(errors__gt=0)
            case "work":
                return queryset.filter(runs_touched__gt=0)
            case word:
                return queryset.filter(status=word)


class Newest(Keyset):
    """The passes, the newest first."""

    moment = "executed_at"


@admin.register(RunnerLog)
class RunnerLogAdmin(Kept, Window, Desk):
    """Every pass, the newest first."""

    ordering = ("-executed_at", "-id")
    sortable_by = ()
    list_display = ("when", "by", "state", "sent", "errors_", "other", "took")
    list_display_links = ("when",)
    list_filter = (ByTrigger, ByEnd)
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/runnerlog/change_list.html"
    change_form_template = "admin/cadences/runnerlog/change_form.html"

    def get_urls(self) -> list[Any]:
        """Add the page that starts a pass."""
        wrap = self.admin_site.admin_view
        name = "cadences_runnerlog_start"
        return [path("start/", wrap(self.start), name=name), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave the results to the page of one pass."""
        rows: QuerySet = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer("details") if match and match.url_name == LIST else rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the passes, and how to start one."""
        context = {"may_start": may_everywhere(request.user, OPERATE)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the figures and the results."""
        told = row.details if isinstance(row.details, dict) else {}
        found = told.get("results", [])
        lines = [each for each in found if isinstance(each, dict)]
        return {
            "log": row,
            "badge": badge(row),
            "trigger": trigger(row),
            "error": _fault(request, str(told.get("error", ""))),
            "lines": [_line(request, each) for each in lines[:SHOWN]],
            "left": len(lines) - SHOWN,
            "is_cut": bool(told.get("truncated")),
        }

    def start(self, request: HttpRequest) -> HttpResponse:
        """Tell the plan of a pass, or start one."""
        if not may_everywhere(request.user, OPERATE):
            raise PermissionDenied
        form = StartForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["trigger"] == Trigger.TEST:
                summary = rehearse(limit=REHEARSED).summary
                return redirect(look.address("runnerlog", summary["log_id"]))
            job = start(reason=form.cleaned_data["reason"])
            text = _("The pass is ordered: {job}. It will be listed here.")
            address = reverse("admin:queues_job_change", args=[job.pk])
            link = format_html('<a href="{}">#{}</a>', address, job.pk)
            messages.success(request, format_html(text, job=link))
            return redirect(f"admin:{LIST}")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Start a pass"),
            "opts": self.opts,
            "form": form,
            "most": REHEARSED,
        }
        return TemplateResponse(request, "admin/cadences/runnerlog/start.html", context)

    @admin.display(description=gettext_lazy("executed"))
    def when(self, log: RunnerLog) -> SafeString:
        """Show when it began."""
        return show.moment(log.executed_at)

    @admin.display(description=gettext_lazy("started by"))
    def by(self, log: RunnerLog) -> str:
        """Show who started it."""
        return trigger(log)

    @admin.display(description=gettext_lazy("result"))
    def state(self, log: RunnerLog) -> SafeString:
        """Show how it ended."""
        return badge(log)

    @admin.display(description=gettext_lazy("sent"))
    def sent(self, log: RunnerLog) -> str:
        """Show how many messages went out, of how many runs."""
        runs = _("of %(n)d runs") % {"n": log.runs_touched}
        return look.two_lines(log.steps_executed, runs)

    @admin.display(description=gettext_lazy("errors"))
    def errors_(self, log: RunnerLog) -> SafeString | str:
        """Show how many errors there were."""
        return show.badge(str(log.errors), "bad") if log.errors else "0"

    @admin.display(description=gettext_lazy("besides"))
    def other(self, log: RunnerLog) -> str:
        """Show what else became of the runs."""
        found = [
            _("%(n)d deferred") % {"n": log.deferred} if log.deferred else "",
            _("%(n)d unknown") % {"n": log.uncertain} if log.uncertain else "",
            _("%(n)d concluded") % {"n": log.concluded} if log.concluded else "",
            _("%(n)d taken by another") % {"n": log.skipped} if log.skipped else "",
        ]
        return ", ".join(filter(None, found)) or show.NOTHING

    @admin.display(description=gettext_lazy("duration"))
    def took(self, log: RunnerLog) -> str:
        """Show how long it took."""
        if log.duration_ms is None:
            return show.NOTHING
        return show.seconds(log.duration_ms / 1000)


@transaction.atomic
def start(*, reason: str) -> Job:
    """Order a pass by hand; one that is ordered already is the same."""
    job = enqueue(
        RUNNER, {"trigger": Trigger.MANUAL}, priority=2, source="admin",
        unique_key="by-hand",
    )  # fmt: skip
    record("runner.start", job, reason=reason, after={"trigger": Trigger.MANUAL})
    return job


def _fault(request: HttpRequest, text: str) -> str:
    """Return an error; its text may speak of people, its kind never does."""
    return text if desk.reveals(request) else text.partition(":")[0]


def _line(request: HttpRequest, line: dict[str, Any]) -> dict[str, Any]:
    word = line.get("status", "")
    known = Result(word) if word in Result.values else None
    label = str(known.label) if known else word
    return {
        "url": _run(line.get("runId")),
        "step": line.get("stepOrdem"),
        "template": line.get("templateCodigo", ""),
        "badge": show.badge(label, TONES.get(known, "wait") if known else "wait"),
        "said": _told(request, line.get("mensagem", "")),
        "error": desk.words(request, line.get("erro", "")),
    }


def _told(request: HttpRequest, text: str) -> str:
    """Return a stored reason in words; other words may speak of people."""
    words = said(text)
    return words if words != text else desk.words(request, text)


def _run(key: Any) -> str:
    try:
        return look.address("run", UUID(str(key)))
    except ValueError:
        return ""
