"""The queue of syncs: what waits, runs and went wrong, and the whole story of each."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, pgettext_lazy

from queues.admin import show
from queues.admin.job_forms import PriorityForm, ReasonForm
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.audit import record
from queues.errors import QueueError
from syncs import progress
from syncs.admin import look, told
from syncs.admin.overview import overview
from syncs.errors import SyncError
from syncs.models import Run, StreamState
from syncs.reasons import reason
from syncs.request import cancel, retry
from syncs.states import OPEN, OVER, Outcome, RunStatus

EVENTS = 100


def _reprioritise(run: Run, priority: int) -> None:
    Run.objects.filter(pk=run.pk, status=RunStatus.QUEUED).update(priority=priority)
    record(
        "sync.priority", run, label=str(run.store),
        before={"priority": run.priority}, after={"priority": priority},
    )  # fmt: skip


AGAIN = Verb(
    name="again",
    label=gettext_lazy("Sync again"),
    act=retry,
    permission="syncs.request_run",
    logged=gettext_lazy("Asked for again"),
    offered=lambda run: run.status in OVER,
)
ACCEPT = Verb(
    name="accept",
    label=gettext_lazy("Accept these numbers once"),
    act=lambda run: retry(run, accept=True),
    permission="syncs.accept_run",
    logged=gettext_lazy("Accepted once"),
    offered=lambda run: (
        run.outcome == Outcome.PARTIAL and run.error_kind == "data_quality"
    ),
    question=gettext_lazy(
        "The numbers were held back because they cannot be right. "
        "A new sync publishes what it finds, whatever it is."
    ),
    form=ReasonForm,
)
URGENT = Verb(
    name="priority",
    label=gettext_lazy("Change priority"),
    act=_reprioritise,
    permission="syncs.request_run",
    logged=gettext_lazy("Priority changed"),
    offered=lambda run: run.status == RunStatus.QUEUED,
    form=PriorityForm,
)
CANCEL = Verb(
    name="cancel",
    label=pgettext_lazy("verb", "Cancel"),
    act=cancel,
    permission="syncs.cancel_run",
    logged=gettext_lazy("Cancelled, or asked to stop"),
    offered=lambda run: run.status in OPEN and run.cancel_requested_at is None,
    question=gettext_lazy(
        "A waiting sync will never run; a running one stops at its next page. "
        "What it has stored stays."
    ),
    form=ReasonForm,
)


class ByStanding(admin.SimpleListFilter):
    """How a run stands or ended."""

    title = gettext_lazy("status")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Offer the words that the list shows."""
        partial, cancelled = Outcome.PARTIAL, Outcome.CANCELLED
        return [
            *progress.WORDS.items(),
            (partial.value, partial.label),
            (cancelled.value, cancelled.label),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to one of them."""
        match self.value():
            case None:
                return queryset
            case Outcome.PARTIAL | Outcome.CANCELLED as outcome:
                return queryset.filter(outcome=outcome)
            case status:
                return queryset.filter(status=status)


@admin.register(Run)
class RunAdmin(Operated, Window):
    """Every request of a sync, newest first."""

    verbs = (AGAIN, ACCEPT, URGENT, CANCEL)
    refusals = (QueueError, SyncError)
    ordering = ("-queued_at", "-id")
    sortable_by = ()
    paginator = EstimatingPaginator
    list_display = (
        "of_store", "state", "days", "priority", "queued", "took", "why",
    )  # fmt: skip
    list_display_links = ("of_store",)
    list_filter = (ByStanding, "trigger", "kind")
    list_select_related = ("store",)
    search_fields = ("store__name",)
    fields = readonly_fields = ("id",)
    change_form_template = "admin/syncs/run.html"

    def get_urls(self) -> list[Any]:
        """Give the overview its address."""
        view = self.admin_site.admin_view(overview)
        return [path("overview/", view, name="syncs_overview"), *super().get_urls()]

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the streams, the story, and where a next try goes on."""
        events = list(row.events.order_by("-id")[: EVENTS + 1])
        streams = list(row.streams.select_related("connection").order_by("id"))
        for each in streams:
            each.badge = look.stream(each.status)
        return {
            "badge": look.run(row),
            "run": row,
            "waits": progress.WAITS.get(row.waiting_for or "", ""),
            "streams": streams,
            "places": _places(row, streams),
            "events": [told.event(each) for each in events[:EVENTS]],
            "has_more": len(events) > EVENTS,
            "entries": row.entries.order_by("data_type"),
            "took": _took(row),
        }

    @admin.display(description=gettext_lazy("store"))
    def of_store(self, run: Run) -> str:
        """Show whose numbers it is about."""
        return str(run.store)

    @admin.display(description=gettext_lazy("status"))
    def state(self, run: Run) -> SafeString:
        """Show how it stands."""
        return look.run(run)

    @admin.display(description=gettext_lazy("days"))
    def days(self, run: Run) -> SafeString:
        """Show the days that it is about."""
        return look.days(run)

    @admin.display(description=gettext_lazy("queued"))
    def queued(self, run: Run) -> str:
        """Show since when it is there."""
        return show.moment(run.queued_at)

    @admin.display(description=gettext_lazy("time"))
    def took(self, run: Run) -> str:
        """Show how long it took."""
        return _took(run)

    @admin.display(description=gettext_lazy("because"))
    def why(self, run: Run) -> str:
        """Show what it waits for, or what went wrong."""
        if run.status in OPEN and run.waiting_for:
            return str(progress.WAITS[run.waiting_for])
        told = reason(run.error_code, run.error_message)
        return show.short(told, 60) or show.NOTHING


def _took(run: Run) -> str:
    if run.started_at is None or run.completed_at is None:
        return str(show.NOTHING)
    return show.span(run.completed_at - run.started_at)


def _places(run: Run, streams: list[Any]) -> list[StreamState]:
    """Return the streams that a next run goes on with in the middle."""
    scope = f"{run.period_start}/{run.period_end}" if run.period_start else ""
    links = {each.connection_id for each in streams}
    rows = StreamState.objects.filter(
        connection__in=links, scope=scope, page_cursor__isnull=False
    )
    return list(rows.select_related("connection"))
