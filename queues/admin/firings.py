"""Firings: every firing of every schedule, expected against actual."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from queues.admin import show
from queues.admin.letters import link_to_job
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Window
from queues.models import CronLog

TONES = {
    CronLog.Status.RUNNING: "busy",
    CronLog.Status.SUCCESS: "good",
    CronLog.Status.ERROR: "bad",
    CronLog.Status.SKIPPED: "mute",
}


class BySchedule(admin.SimpleListFilter):
    """The firings of one schedule that still exists."""

    title = _("schedule")
    parameter_name = "schedule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the schedules by name."""
        return list(
            PeriodicTask.objects.order_by("name").values_list("pk", "name")[:200]
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the schedule."""
        value = self.value()
        if value is None:
            return queryset
        return (
            queryset.filter(schedule=int(value)) if value.isdigit() else queryset.none()
        )


def outcome(firing: CronLog) -> SafeString:
    """Return the status in the language of the reader."""
    if firing.status not in CronLog.Status.values:
        return show.badge(firing.status, "mute")  # SQL callers write what they like
    status = CronLog.Status(firing.status)
    return show.badge(str(status.label), TONES[status])


def problem(firing: CronLog) -> str:
    """Return why it did not succeed: its error, or why its due times were skipped."""
    details = firing.details if isinstance(firing.details, dict) else {}
    if reason := details.get("reason"):
        told = dict(CronLog.Reason.choices).get(reason, reason)
        count = details.get("count") or 1
        return f"{told} ({count})" if count != 1 else str(told)
    found = details.get("error")
    return show.short(str(found)) if found else ""


@admin.register(CronLog)
class CronLogAdmin(Window):
    """Every firing, the newest first."""

    paginator = EstimatingPaginator
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = (
        "job_name", "job_type", "outcome", "due", "fired", "late", "took", "of_job",
        "problem",
    )  # fmt: skip
    list_filter = (BySchedule, ("status", admin.ChoicesFieldListFilter))
    fields = readonly_fields = ("id",)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the job that it started, or why there is none."""
        return _page(row)

    @admin.display(description=_("status"))
    def outcome(self, firing: CronLog) -> SafeString:
        """Show how the job that it started ended."""
        return outcome(firing)

    @admin.display(description=_("due"))
    def due(self, firing: CronLog) -> str:
        """Show when it should have fired."""
        return show.moment(firing.due_at)

    @admin.display(description=_("late by"))
    def late(self, firing: CronLog) -> str:
        """Show how long after its due time it fired; a run by hand has none."""
        if firing.due_at is None or firing.created_at is None:
            return show.NOTHING
        return show.span(firing.created_at - firing.due_at)

    @admin.display(description=_("fired"))
    def fired(self, firing: CronLog) -> str:
        """Show when it did."""
        return show.clock(firing.created_at) if firing.created_at else show.NOTHING

    @admin.display(description=_("duration"))
    def took(self, firing: CronLog) -> str:
        """Show the time from firing to the end of the job."""
        return took(firing)

    @admin.display(description=_("job"))
    def of_job(self, firing: CronLog) -> str:
        """Lead to the job that it started."""
        return link_to_job(firing.job_id)

    @admin.display(description=_("error"))
    def problem(self, firing: CronLog) -> str:
        """Show why the job did not succeed."""
        return problem(firing) or show.NOTHING


def took(firing: CronLog) -> str:
    """Return the time from firing to the end of its job."""
    if firing.finished_at is None or firing.created_at is None:
        return ""
    return show.span(firing.finished_at - firing.created_at)


def _page(firing: CronLog) -> dict[str, Any]:
    return {
        "firing": firing,
        "badge": outcome(firing),
        "took": took(firing),
        "problem": problem(firing),
        "document": show.pretty(firing.details),
    }
