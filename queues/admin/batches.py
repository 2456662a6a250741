"""Batches: how far each is, its jobs, and cancel what is left of one."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.access import may
from queues.admin import show
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.batches import Batch, cancel_rest
from queues.models import Job, JobBatch
from queues.states import LIVE, State

SHOWN_JOBS = 20

CANCEL = Verb(
    name="cancel",
    label=gettext_lazy("Cancel the rest"),
    act=lambda batch: cancel_rest(batch.pk),
    permission="queues.cancel_job",
    logged=gettext_lazy("The rest is being cancelled"),
    offered=lambda batch: (
        batch.completed_at is None and batch.jobs.filter(status__in=LIVE).exists()
    ),
    question=gettext_lazy(
        "Its waiting jobs will never run, its running ones are asked to stop. "
        "This cannot be undone."
    ),
)


def state(batch: JobBatch) -> SafeString:
    """Return whether jobs may still join it, run, or all have ended."""
    if batch.completed_at:
        return show.badge(_("complete"), "good")
    if batch.sealed_at:
        return show.badge(_("running"), "busy")
    return show.badge(_("not sealed yet"), "wait")


@admin.register(JobBatch)
class JobBatchAdmin(Operated, Window):
    """Every batch, the newest first."""

    verbs = (CANCEL,)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_display = ("__str__", "state", "progress", "failed", "created")
    search_fields = ("name",)
    search_help_text = gettext_lazy("Words of the name")
    fields = readonly_fields = ("id",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it to whoever sees jobs."""
        return may(request.user, "queues.view_job")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Count the jobs of each batch that is shown, by its own index."""
        return JobBatch.objects.annotate(
            jobs_in=_count(Q()),
            jobs_live=_count(Q(status__in=LIVE)),
            jobs_failed=_count(Q(status=State.FAILED)),
        ).order_by("-id")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: each batch is dealt with on its own page."""
        return {}

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the counts, and the jobs that need a look first."""
        return _one(row)

    @admin.display(description=gettext_lazy("state"))
    def state(self, batch: JobBatch) -> SafeString:
        """Show whether it is open, running or complete."""
        return state(batch)

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, batch: Any) -> str:
        """Show how many of its jobs have ended."""
        ended = batch.jobs_in - batch.jobs_live
        return _("%(done)d of %(total)d") % {"done": ended, "total": batch.jobs_in}

    @admin.display(description=gettext_lazy("failed"))
    def failed(self, batch: Any) -> SafeString | str:
        """Show how many died."""
        return show.badge(batch.jobs_failed, "bad") if batch.jobs_failed else "0"

    @admin.display(description=gettext_lazy("created"))
    def created(self, batch: JobBatch) -> str:
        """Show when it was written."""
        return show.moment(batch.created_at)


def _count(condition: Q) -> Coalesce:
    jobs = Job.objects.filter(condition, batch=OuterRef("pk")).order_by()
    counted = jobs.values("batch").annotate(count=Count("*")).values("count")
    return Coalesce(Subquery(counted), 0)


def _one(batch: JobBatch) -> dict[str, Any]:
    counts = Batch.get(batch.pk).progress()
    ended = counts["total"] - sum(counts[status] for status in LIVE)
    dead = batch.jobs.filter(status=State.FAILED).order_by("-pk")
    live = batch.jobs.filter(status__in=LIVE).order_by("pk")
    known = show.handler(batch.on_complete_type or "")
    return {
        "batch": batch,
        "badge": state(batch),
        "is_running": batch.completed_at is None,
        "counts": [(State(name).label, counts[name], name) for name in State.values],
        "total": counts["total"],
        "through": ended,
        "dead": dead.only("id", "type", "error")[:SHOWN_JOBS],
        "live": live.only("id", "type", "status", "run_at")[:SHOWN_JOBS],
        "then_data": show.pretty(batch.on_complete_data)
        if batch.on_complete_type
        else "",
        "then_is_known": known is not None,
    }
