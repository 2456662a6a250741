"""Jobs: find one, see its whole life, steer it, or write another like it."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, pgettext_lazy

from queues.admin import show
from queues.admin.by_hand import ByHand
from queues.admin.feed import Feed
from queues.admin.filters import ByPriority, ByQueue, BySource, ByState, ByType
from queues.admin.job_filters import ByBatch, ByError, ByOwner, BySchedule, ByTime
from queues.admin.job_forms import PriorityForm, ReasonForm, SnoozeForm
from queues.admin.life import life, took
from queues.admin.search import EXAMPLES, wanted
from queues.admin.verbs import Verb, Window
from queues.cancel import cancel
from queues.hurry import hurry
from queues.models import Job
from queues.replay import replay
from queues.reprioritise import reprioritise
from queues.snooze import snooze
from queues.states import LIVE, State

SHOWN_OF_ERROR = 160
LIST = "queues_job_changelist"


def _again(job: Job) -> Job:
    """Give a dead job another life; make one that waits for its time due now."""
    verb = hurry if job.status == State.PENDING else replay
    return verb(job.pk)


REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Retry now"),
    act=_again,
    permission="queues.retry_job",
    logged=gettext_lazy("Due now"),
    offered=lambda job: (
        job.status == State.FAILED
        or (
            job.status == State.PENDING
            and job.held_run_at is None
            and job.run_at > timezone.now()
        )
    ),
)
REPRIORITISE = Verb(
    name="priority",
    label=gettext_lazy("Change priority"),
    act=lambda job, priority: reprioritise(job.pk, priority),
    permission="queues.reprioritise_job",
    logged=gettext_lazy("Priority changed"),
    offered=lambda job: job.status == State.PENDING,
    form=PriorityForm,
)
SNOOZE = Verb(
    name="snooze",
    label=gettext_lazy("Snooze"),
    act=lambda job, until: snooze(job.pk, until),
    permission="queues.snooze_job",
    logged=gettext_lazy("Snoozed"),
    offered=lambda job: job.status == State.PENDING,
    form=SnoozeForm,
)
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
    form=ReasonForm,
)


@admin.register(Job)
class JobAdmin(ByHand, Window):
    """Every job, newest first."""

    verbs = (REPLAY, REPRIORITISE, SNOOZE, CANCEL)
    ordering = ("-id",)
    sortable_by = ()
    list_display = (
        "number", "kind", "state", "priority", "due", "tries", "why",
    )  # fmt: skip
    list_display_links = ("number",)
    list_filter = (
        ByState, ByTime, ByType, ByQueue, ByPriority, BySource, ByError, ByOwner,
        ByBatch, BySchedule,
    )  # fmt: skip
    search_fields = ("id",)
    search_help_text = gettext_lazy("Number, type, key, or words of payload or error")
    fields = readonly_fields = ("id",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Feed]:
        """Return a list without an end."""
        return Feed

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave what may be large to the page of one job."""
        rows: QuerySet = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            rows = rows.annotate(told=Left(F("error"), SHOWN_OF_ERROR))
            return rows.defer(
                "payload", "result", "error", "progress", "checkpoint", "rerun"
            )
        return rows.select_related("owner", "batch")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find by numbers, words and `field:value`; none is looked up in vain."""
        return queryset.filter(wanted(search_term).found), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the list, with what may be typed above it."""
        context = {"examples": EXAMPLES, "may_enqueue": self.may_enqueue(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the facts and the timeline of one job."""
        return {**life(row), "copy": self._copy(request, row)}

    def _copy(self, request: HttpRequest, job: Job) -> str:
        """Return where another job like this one is written, if that can be done."""
        if show.handler(job.type) is None or not self.may_enqueue(request, job.type):
            return ""
        return f"{reverse('admin:queues_job_enqueue')}?copy={job.pk}"

    @admin.display(description=gettext_lazy("job"))
    def number(self, job: Job) -> str:
        """Show the id as people say it."""
        return f"#{job.pk}"

    @admin.display(description=gettext_lazy("type"))
    def kind(self, job: Job) -> SafeString:
        """Show what it does, and the queue below."""
        return _two_lines(job.type, job.queue)

    @admin.display(description=gettext_lazy("status"))
    def state(self, job: Job) -> SafeString:
        """Show the state, the derived words included."""
        return show.state(job, timezone.now())

    @admin.display(description=gettext_lazy("due"))
    def due(self, job: Job) -> str:
        """Show when it should start, or should have."""
        return show.moment(job.held_run_at or job.run_at)

    @admin.display(description=gettext_lazy("tries"))
    def tries(self, job: Job) -> SafeString:
        """Show the current try and the most, and how long it ran, runs, or is there."""
        return _two_lines(show.tries(job), took(job))

    @admin.display(description=gettext_lazy("error"))
    def why(self, job: Any) -> str:
        """Show the first line of the last error, unless it was overcome."""
        is_over = job.status == State.COMPLETED
        return show.NOTHING if is_over else show.short(job.told, 60) or show.NOTHING


def _two_lines(first: str, second: str) -> SafeString:
    return format_html('{}<span class="sub">{}</span>', first, second)
