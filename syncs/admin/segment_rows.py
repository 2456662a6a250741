"""What belongs to segments: their syncs, the rows kept aside, and the rules."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.audited import Audited
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.errors import QueueError
from syncs.admin import told
from syncs.admin.segments import end_of
from syncs.errors import SyncError
from syncs.models import Enrolment, EnrolmentRule, SegmentLog, SegmentRefusal
from syncs.phrase import phrase
from syncs.segments.replay import can_replay, dismiss, replay

REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Read anew"),
    act=replay,
    permission="syncs.replay_segmentrefusal",
    logged=gettext_lazy("Read anew"),
    offered=can_replay,
)
DISMISS = Verb(
    name="dismiss",
    label=gettext_lazy("Dismiss"),
    act=dismiss,
    permission="syncs.replay_segmentrefusal",
    logged=gettext_lazy("Dismissed"),
    offered=lambda row: row.resolved_at is None,
)


@admin.register(SegmentLog)
class SegmentLogAdmin(Window):
    """Every sync of a segment that ended."""

    ordering = ("-id",)
    sortable_by = ()
    paginator = EstimatingPaginator
    list_display = ("began", "segment_id", "end", "rate", "took", "trigger", "short")
    list_filter = ("status", "trigger")
    search_fields = ("=segment_id",)
    fields = readonly_fields = (
        "segment_id", "execution_time", "scheduled_for", "trigger", "actor", "status",
        "fault", "said", "success_rate", "duration_seconds", "active_seconds",
        "figures", "job_id",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("began"))
    def began(self, row: SegmentLog) -> str:
        """Show when it began."""
        return show.moment(row.execution_time)

    @admin.display(description=gettext_lazy("status"))
    def end(self, row: SegmentLog) -> SafeString:
        """Show how it ended."""
        return end_of(row.status)

    @admin.display(description=gettext_lazy("success rate"))
    def rate(self, row: SegmentLog) -> str:
        """Show the share of rows that could be read."""
        if row.success_rate is None:
            return show.NOTHING
        return f"{number_format(row.success_rate, 1)} %"

    @admin.display(description=gettext_lazy("took"))
    def took(self, row: SegmentLog) -> str:
        """Show how long it took."""
        seconds = row.duration_seconds
        return show.seconds(None if seconds is None else float(seconds))

    @admin.display(description=gettext_lazy("figures"))
    def figures(self, row: SegmentLog) -> SafeString:
        """Show what it counted."""
        return told.figures(row.stats)

    @admin.display(description=gettext_lazy("message"))
    def said(self, row: SegmentLog) -> str:
        """Show its message."""
        return phrase(row.message) or show.NOTHING

    @admin.display(description=gettext_lazy("message"))
    def short(self, row: SegmentLog) -> str:
        """Show the first words of its message."""
        return show.short(phrase(row.message), 80) or show.NOTHING


@admin.register(SegmentRefusal)
class SegmentRefusalAdmin(Operated, Window):
    """Every row of a segment kept aside; those nobody has settled come first."""

    verbs = (REPLAY, DISMISS)
    refusals = (QueueError, SyncError)
    change_form_template = "admin/queues/operated.html"
    ordering = ("-resolved_at", "-id")
    sortable_by = ()
    paginator = EstimatingPaginator
    list_display = ("external_id", "control", "short", "since", "settled")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    list_select_related = ("control",)
    search_fields = ("=external_id",)
    fields = readonly_fields = (
        "control", "external_id", "why", "its_form", "created_at", "seen_at",
        "resolved_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("reason"))
    def why(self, row: SegmentRefusal) -> str:
        """Show why it could not be read."""
        return phrase(row.reason)

    @admin.display(description=gettext_lazy("reason"))
    def short(self, row: SegmentRefusal) -> str:
        """Show the first words of the reason."""
        return show.short(phrase(row.reason), 80)

    @admin.display(description=gettext_lazy("its form"))
    def its_form(self, row: SegmentRefusal) -> SafeString:
        """Show which fields it had, and of what kind each was."""
        return told.form(row.sample)

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: SegmentRefusal) -> str:
        """Show since when it is there."""
        return show.moment(row.created_at)

    @admin.display(description=gettext_lazy("settled"))
    def settled(self, row: SegmentRefusal) -> str:
        """Show when it was settled."""
        return show.moment(row.resolved_at)


@admin.register(EnrolmentRule)
class EnrolmentRuleAdmin(Audited):
    """Every rule that puts leads into cadences."""

    noun = "rule"
    born = "create"
    ordering = ("name", "id")
    list_display = ("name", "on", "control", "cadence", "is_active")
    list_filter = ("on", "is_active")
    list_select_related = ("control", "cadence")
    search_fields = ("name",)
    fields = (
        "name", "is_active", "on", "control", "event", "facts", "cadence",
        "with_baseline",
    )  # fmt: skip
    change_form_template = "admin/syncs/rule.html"

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show whom it put where, and whom not."""
        rows = Enrolment.objects.filter(rule=row).select_related("lead", "run")
        return {"enrolments": rows.order_by("-at", "-pk")[:20]}
