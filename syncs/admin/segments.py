"""Segments: how each stands, when it comes next, who is in it, and its switch."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.audited import Audited
from queues.admin.verbs import Operated, Verb
from queues.audit import whoever
from queues.errors import InvalidSchedule, QueueError
from queues.models import Job
from syncs.admin.segment_figures import DAYS, figures, series, zone_of
from syncs.errors import SyncError
from syncs.models import LeadEvent, SegmentControl, SegmentLog, SegmentPass, Trigger
from syncs.segments import measure
from syncs.segments.start import start
from syncs.segments.steer import accept_removals, pause, reactivate
from syncs.segments.times import plan_of

Status = SegmentControl.Status
TONES = {Status.ACTIVE: "good", Status.PAUSED: "warn", Status.ERROR: "bad"}
ENDS = {
    SegmentLog.Status.SUCCESS: "good",
    SegmentLog.Status.PARTIAL: "warn",
    SegmentLog.Status.ERROR: "bad",
    SegmentLog.Status.SKIPPED: "mute",
    SegmentLog.Status.CANCELLED: "mute",
}
SHOWN = 10
PERMISSION = "syncs.run_segment"


class PauseForm(forms.Form):
    """Why it is paused: for the colleague who finds it."""

    note = forms.CharField(
        label=gettext_lazy("Because"), max_length=500, required=False
    )


def _run(control: SegmentControl) -> None:
    start(control, trigger=Trigger.MANUAL, actor=whoever().name[:150], priority=2)


def _pause(control: SegmentControl, note: str) -> None:
    pause(control.pk, note)


RUN = Verb(
    name="run",
    label=gettext_lazy("Run now"),
    act=_run,
    permission=PERMISSION,
    logged=gettext_lazy("Started"),
    offered=lambda control: True,
)
PAUSE = Verb(
    name="pause",
    label=gettext_lazy("Pause"),
    act=_pause,
    permission=PERMISSION,
    logged=gettext_lazy("Paused"),
    offered=lambda control: control.status != Status.PAUSED,
    form=PauseForm,
)
REACTIVATE = Verb(
    name="reactivate",
    label=gettext_lazy("Reactivate"),
    act=lambda control: reactivate(control.pk),
    permission=PERMISSION,
    logged=gettext_lazy("Reactivated"),
    offered=lambda control: control.status != Status.ACTIVE,
)
ACCEPT = Verb(
    name="accept",
    label=gettext_lazy("Let them leave"),
    act=lambda control: accept_removals(control.pk),
    permission=PERMISSION,
    logged=gettext_lazy("Removals accepted once"),
    offered=lambda control: bool(control.held_removals) and not control.accept_removals,
    question=gettext_lazy("The next sync removes as many members as have left."),
)


class SegmentForm(forms.ModelForm):
    """A segment as staff write it; its line is read before it is saved."""

    class Meta:
        model = SegmentControl
        fields = (
            "segment_id", "name", "company", "connection", "cron", "time_zone",
            "jitter_seconds", "misfire", "enrich", "enrich_most", "guard_percent",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Refuse a line or a zone that cannot be read."""
        data: dict[str, Any] = super().clean() or {}
        try:
            plan_of(
                SegmentControl(
                    cron=data.get("cron") or "", time_zone=data.get("time_zone") or ""
                )
            )
        except InvalidSchedule as error:
            raise ValidationError({"cron": str(error)}) from None
        return data


@admin.register(SegmentControl)
class SegmentAdmin(Operated, Audited):
    """Every segment, with its state, its next time and how it went lately."""

    noun = "segment"
    born = "create"
    form = SegmentForm
    verbs = (RUN, PAUSE, REACTIVATE, ACCEPT)
    refusals = (QueueError, SyncError)
    ordering = ("segment_id", "id")
    show_full_result_count = False
    list_display = (
        "title", "state", "next_time", "last", "in_it", "errors",
    )  # fmt: skip
    list_filter = ("status", "company")
    search_fields = ("name", "segment_id")
    list_select_related = ("live_pass",)
    change_form_template = "admin/syncs/segment.html"
    change_list_template = "admin/syncs/segment_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how all of them go together, and when most come at once."""
        told = figures() if request.method == "GET" else {}
        return super().changelist_view(request, {**told, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Add how the last syncs of each ended, in the one statement of the list."""
        mine = SegmentLog.objects.filter(control=OuterRef("pk"))
        ended = ~Q(status__in=["skipped", "cancelled"])
        counted = mine.filter(ended).order_by().values("control")
        good = Count("pk", filter=Q(status="success"))
        rows: QuerySet = (
            super()
            .get_queryset(request)
            .annotate(
                last_end=Subquery(
                    mine.order_by("-execution_time").values("status")[:1]
                ),
                ends=Subquery(
                    counted.annotate(n=Count("pk")).values("n"),
                    output_field=IntegerField(),
                ),
                good=Subquery(
                    counted.annotate(n=good).values("n"), output_field=IntegerField()
                ),
            )
        )
        return rows

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a segment is paused; its history stays."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a segment with its number, and its members with their company."""
        if obj is None:
            return ()
        return ("segment_id", "connection", *(("company",) if obj.members else ()))

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show how it goes: the sync that runs, figures, logs, who came and went."""
        sync = SegmentPass.objects.filter(control=row).first()
        zone = zone_of(row)
        days = measure.by_day(row.pk, days=DAYS, zone=zone)
        logs = SegmentLog.objects.filter(control=row).order_by("-execution_time")
        events = LeadEvent.objects.filter(control=row).select_related("lead")
        return {
            "badge": state_of(row),
            "control": row,
            "sync": sync,
            "job": sync and Job.objects.filter(pk=sync.job_id).first(),
            "month": measure.lately(row.pk, days=DAYS),
            "series": series(days, zone),
            "logs": [(each, end_of(each.status)) for each in logs[:SHOWN]],
            "events": events.order_by("-at", "-pk")[:SHOWN],
            "waiting_rows": row.refusals.filter(resolved_at=None).count(),
            "rules": row.rules.select_related("cadence").order_by("pk")[:SHOWN],
        }

    @admin.display(description=gettext_lazy("segment"), ordering="segment_id")
    def title(self, control: SegmentControl) -> str:
        """Show its name and number."""
        return str(control)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, control: SegmentControl) -> SafeString:
        """Show whether it is synced, or is just now."""
        if getattr(control, "live_pass", None) is not None:
            return show.badge(_("syncing"), "busy")
        return state_of(control)

    @admin.display(description=gettext_lazy("next sync"), ordering="next_execution")
    def next_time(self, control: SegmentControl) -> str:
        """Show when it comes next."""
        is_on = control.status == Status.ACTIVE
        return show.moment(control.next_execution if is_on else None)

    @admin.display(description=gettext_lazy("last sync"), ordering="last_execution")
    def last(self, control: Any) -> SafeString:
        """Show how the last one ended, and the share of all that went well."""
        if not control.last_end:
            return show.NOTHING
        share = f"{100 * control.good // control.ends} %" if control.ends else ""
        end = end_of(control.last_end)
        return format_html('{} <span class="quiet">{}</span>', end, share)

    @admin.display(description=gettext_lazy("members"), ordering="members")
    def in_it(self, control: SegmentControl) -> int:
        """Show how many are in it."""
        return control.members

    @admin.display(
        description=gettext_lazy("errors in a row"), ordering="consecutive_errors"
    )
    def errors(self, control: SegmentControl) -> int:
        """Show how often it failed since it went well."""
        return control.consecutive_errors


def state_of(control: SegmentControl) -> SafeString:
    """Show how a segment stands."""
    status = Status(control.status)
    return show.badge(str(status.label), TONES[status])


def end_of(status: str) -> SafeString:
    """Show how a sync ended."""
    end = SegmentLog.Status(status)
    return show.badge(str(end.label), ENDS[end])
