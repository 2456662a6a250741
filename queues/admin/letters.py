"""Dead letters: why jobs died, and what to do about it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from queues.admin import show
from queues.admin.filters import ByLetter, ByType
from queues.admin.paging import EstimatingPaginator
from queues.admin.search import number_in, types_like
from queues.admin.verbs import Operated, Verb, Window
from queues.models import DeadLetter
from queues.replay import dismiss, replay

REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Replay the job"),
    act=lambda letter: replay(letter.job_id),
    permission="queues.replay_letter",
    logged=gettext_lazy("Replayed"),
    offered=lambda letter: letter.replayed_at is None,
)
DISMISS = Verb(
    name="dismiss",
    label=gettext_lazy("Dismiss"),
    act=lambda letter: dismiss(letter.pk),
    permission="queues.dismiss_letter",
    logged=gettext_lazy("Dismissed"),
    offered=lambda letter: letter.replayed_at is None and letter.dismissed_at is None,
    question=gettext_lazy(
        "A dismissed letter is no longer shown as open. Its job stays failed."
    ),
)


def state(letter: DeadLetter) -> SafeString:
    """Return what became of the letter."""
    if letter.replayed_at:
        return show.badge(_("replayed"), "good")
    if letter.dismissed_at:
        return show.badge(_("dismissed"), "mute")
    return show.badge(pgettext("letter", "open"), "bad")


@admin.register(DeadLetter)
class DeadLetterAdmin(Operated, Window):
    """Every letter, the newest first."""

    verbs = (REPLAY, DISMISS)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_display = ("type", "why", "state", "died", "of_job")
    list_filter = (ByLetter, ByType)
    search_fields = ("id",)
    search_help_text = gettext_lazy("Job number or type")
    fields = readonly_fields = ("id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find by the number of the job, else by type."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if (number := number_in(term)) is not None:
            return queryset.filter(job=number), False
        return queryset.filter(type__in=types_like(term)), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the reason and the traceback."""
        letter = self.get_object(request, object_id)
        context = {} if letter is None else {"letter": letter, "badge": state(letter)}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    @admin.display(description=gettext_lazy("reason"))
    def why(self, letter: DeadLetter) -> str:
        """Show the first line of the reason."""
        return show.short(letter.reason)

    @admin.display(description=gettext_lazy("state"))
    def state(self, letter: DeadLetter) -> SafeString:
        """Show what became of it."""
        return state(letter)

    @admin.display(description=gettext_lazy("died"))
    def died(self, letter: DeadLetter) -> str:
        """Show when the job died."""
        return show.moment(letter.created_at)

    @admin.display(description=gettext_lazy("job"))
    def of_job(self, letter: DeadLetter) -> str:
        """Lead to the job."""
        return link_to_job(letter.job_id)


def link_to_job(job_id: int | None) -> str:
    """Return a link to the page of a job, or a dash."""
    if job_id is None:
        return show.NOTHING
    address = reverse("admin:queues_job_change", args=[job_id])
    return format_html('<a href="{}">#{}</a>', address, job_id)
