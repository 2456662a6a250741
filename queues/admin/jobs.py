"""Jobs: find one, see its whole life, cancel it or give it another."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from queues.admin import show
from queues.admin.filters import ByPriority, ByQueue, BySource, ByState, ByType
from queues.admin.paging import EstimatingPaginator
from queues.admin.search import number_in, types_like
from queues.admin.verbs import Operated, Verb, Window
from queues.cancel import cancel
from queues.models import Attempt, Job
from queues.replay import replay
from queues.states import LIVE, State

SHOWN_ATTEMPTS = 100
SHOWN_NEEDS = 20

CANCEL = Verb(
    name="cancel",
    label=pgettext_lazy("verb", "Cancel"),
    act=lambda job: cancel(job.pk),
    permission="queues.cancel_job",
    logged=gettext_lazy("Cancelled, or asked to stop"),
    offered=lambda job: job.status in LIVE and job.cancel_requested_at is None,
    question=gettext_lazy(
        "A waiting job will never run; a running one is asked to stop. "
        "This cannot be undone."
    ),
)
REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Replay"),
    act=lambda job: replay(job.pk),
    permission="queues.retry_job",
    logged=gettext_lazy("Replayed"),
    offered=lambda job: job.status == State.FAILED,
)


@admin.register(Job)
class JobAdmin(Operated, Window):
    """Every job, newest first."""

    verbs = (REPLAY, CANCEL)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ("number",)
    list_display = (
        "number", "type", "state", "priority", "queue", "due", "tries", "took",
    )  # fmt: skip
    list_display_links = ("number", "type")
    list_filter = (ByState, ByType, ByQueue, ByPriority, BySource)
    search_fields = ("id",)
    search_help_text = gettext_lazy(
        "Job number, type, or the beginning of a unique key"
    )
    fields = readonly_fields = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave what may be large to the page of one job."""
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            return rows.defer("payload", "result", "error", "progress", "checkpoint")
        return rows.select_related("owner")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find by id at once, else by type or by the beginning of the unique key."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if (number := number_in(term)) is not None:
            return queryset.filter(pk=number), False
        found = Q(type__in=types_like(term)) | Q(unique_key__startswith=term)
        return queryset.filter(found), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the facts and the timeline of one job."""
        job = self.get_object(request, object_id)
        context = {} if job is None else _life(job)
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    @admin.display(description=gettext_lazy("job"), ordering="-id")
    def number(self, job: Job) -> str:
        """Show the id as people say it."""
        return f"#{job.pk}"

    @admin.display(description=gettext_lazy("status"))
    def state(self, job: Job) -> SafeString:
        """Show the state, the derived words included."""
        return show.state(job, timezone.now())

    @admin.display(description=gettext_lazy("due"))
    def due(self, job: Job) -> str:
        """Show when it should start, or should have."""
        return show.moment(job.held_run_at or job.run_at)

    @admin.display(description=gettext_lazy("tries"))
    def tries(self, job: Job) -> str:
        """Show the current try and the most tries."""
        return show.tries(job)

    @admin.display(description=gettext_lazy("time"))
    def took(self, job: Job) -> str:
        """Show how long it ran, runs, or has existed."""
        return took(job)


LIST = "queues_job_changelist"


def took(job: Job) -> str:
    """Return how long the last run took, or how old a waiting job is."""
    now = timezone.now()
    if job.status == State.PENDING or job.started_at is None:
        until = job.completed_at or now
        return _("%(span)s old") % {"span": show.span(until - job.created_at)}
    return show.span((job.completed_at or now) - job.started_at)


def _life(job: Job) -> dict[str, Any]:
    attempts = job.attempts.select_related("worker").order_by("-id")[
        : SHOWN_ATTEMPTS + 1
    ]
    shown = list(attempts)
    known = show.handler(job.type)
    return {
        "job": job,
        "badge": show.state(job, timezone.now()),
        "tries": show.tries(job),
        "took": took(job),
        "description": known.description if known else "",
        "is_known": known is not None,
        "attempts": [_try(attempt) for attempt in shown[:SHOWN_ATTEMPTS]],
        "has_more": len(shown) > SHOWN_ATTEMPTS,
        "letters": job.letters.order_by("-id")[:10],
        "firings": job.cron_logs.order_by("-id")[:10],
        "waits_for": _waits_for(job),
        "documents": _documents(job),
    }


def _waits_for(job: Job) -> list[int]:
    if job.held_run_at is None:
        return []
    open_needs = job.needs.filter(needs__status__in=LIVE).order_by("needs_id")
    return list(open_needs.values_list("needs_id", flat=True)[:SHOWN_NEEDS])


def _try(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt with what is computed of it."""
    started, ended = attempt.started_at, attempt.finished_at
    return {
        "row": attempt,
        "badge": show.end(attempt.outcome),
        "ran": show.span((ended or timezone.now()) - started) if started else "",
        "log": [_line(line) for line in attempt.log or []],
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """Return a log line with its moment as one, and its fields apart."""
    at = datetime.fromtimestamp(float(line.get("at", 0)), tz=UTC)
    fields = {key: line[key] for key in line if key not in {"at", "message"}}
    return {"at": at, "message": line.get("message", ""), "fields": fields}


def _documents(job: Job) -> list[tuple[str, str]]:
    found = [
        (_("payload"), job.payload),
        (_("result"), job.result),
        (_("progress"), job.progress),
        (_("checkpoint"), job.checkpoint),
    ]
    return [(name, show.pretty(value)) for name, value in found if value is not None]
