"""Schedules: one form instead of five tables, and what they did and will do."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django_celery_beat import admin as _stock  # noqa: F401
from django_celery_beat import models as beat

from queues import plans
from queues.admin import firings, show
from queues.admin.phrase import phrase
from queues.admin.schedule_form import ScheduleForm
from queues.admin.status import next_run
from queues.admin.verbs import Operated, Verb
from queues.due import upcoming
from queues.errors import InvalidSchedule
from queues.facts import write
from queues.models import CronLog

CHANGE = "django_celery_beat.change_periodictask"
SHOWN_FIRINGS, SHOWN_RUNS = 20, 5
NAMES = (
    gettext_noop("periodic task"),
    gettext_noop("periodic tasks"),
    gettext_noop("Periodic Tasks"),
)
"""The library's words for its rows: our catalogues, English too, call them schedules."""
READ = (
    "name", "switch", "words", "job_type", "payload", "priority", "queue", "start_time",
    "expires", "description",
)  # fmt: skip


def switch(task: Any, *, on: bool) -> None:
    """Switch a schedule on or off; Beat sees it at its next tick."""
    task.enabled = on
    task.save(update_fields=["enabled", "date_changed"])


ENABLE = Verb(
    name="enable",
    label=gettext_lazy("Switch on"),
    act=lambda task: switch(task, on=True),
    permission=CHANGE,
    logged=gettext_lazy("Switched on"),
    offered=lambda task: not task.enabled,
)
DISABLE = Verb(
    name="disable",
    label=gettext_lazy("Switch off"),
    act=lambda task: switch(task, on=False),
    permission=CHANGE,
    logged=gettext_lazy("Switched off"),
    offered=lambda task: task.enabled,
)

# The library's five pages give way to one; importing them first settles the order.
admin.site.unregister(
    [
        beat.ClockedSchedule,
        beat.CrontabSchedule,
        beat.IntervalSchedule,
        beat.PeriodicTask,
        beat.SolarSchedule,
    ]
)


@admin.register(beat.PeriodicTask)
class ScheduleAdmin(Operated):
    """Every schedule by name."""

    form = ScheduleForm
    verbs = (ENABLE, DISABLE)
    actions_on_top = True
    ordering = ("name",)
    sortable_by = ("name", "job_type")
    list_display = ("name", "words", "switch", "next", "last", "job_type")
    list_filter = ("enabled",)
    list_select_related = ("crontab", "interval", "clocked", "solar")
    search_fields = ("name", "task", "description")
    search_help_text = gettext_lazy("Name, job type or note")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    save_on_top = False
    fieldsets = (
        (None, {"fields": ("name", "enabled", "description")}),
        (
            gettext_lazy("When"),
            {
                "fields": (
                    "kind",
                    "cron",
                    "zone",
                    ("every", "unit"),
                    "start_time",
                    "expires",
                )
            },
        ),
        (gettext_lazy("What"), {"fields": ("type", "payload", "urgency", "line")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring the last firing of each along."""
        newest = CronLog.objects.filter(schedule=OuterRef("pk")).order_by("-due_at")
        facts = JSONObject(id="id", status="status", at="created_at")
        rows: QuerySet = super().get_queryset(request)
        last = Subquery(newest.values(facts=facts)[:1])
        annotated: QuerySet = rows.annotate(last_firing=last)
        return annotated

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Compute the next runs from one read of all rows."""
        changes = super().get_changelist_instance(request)
        now, rows = timezone.now(), {row.id: row for row in plans.rows()}
        for task in changes.result_list:
            row = rows.get(task.pk)
            task.next_run = next_run(row, now) if row else None
        return changes

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show those who may not edit the facts instead of the form."""
        if self.has_change_permission(request, obj) or obj is None:
            return self.fieldsets
        return ((None, {"fields": READ}),)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - Django's signature
        **kwargs: Any,
    ) -> Any:
        """Give those who may not edit nothing to fill in."""
        if change and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show the form with what the schedule did and will do."""
        context = history(object_id) if object_id.isdigit() else {}
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what the form owns and nothing that Beat writes."""
        write(obj, form.facts)

    @admin.display(description=gettext_lazy("runs"))
    def words(self, task: Any) -> str:
        """Show the pattern in plain words, with its zone."""
        zone = task.crontab.timezone if task.crontab else ""
        return format_html('{} <span class="quiet">{}</span>', phrase(task), zone)

    @admin.display(description=gettext_lazy("switch"))
    def switch(self, task: Any) -> SafeString:
        """Show whether it fires."""
        if not task.enabled:
            return show.badge(_("off"), "mute")
        return show.badge(_("on"), "good")

    @admin.display(description=gettext_lazy("next run"))
    def next(self, task: Any) -> str:
        """Show when it fires next."""
        return show.moment(task.next_run)

    @admin.display(description=gettext_lazy("last run"))
    def last(self, task: Any) -> Any:
        """Show when it fired last, and how that ended."""
        firing = task.last_firing
        if firing is None or firing["at"] is None:
            return show.NOTHING
        ended = firings.outcome(CronLog(status=firing["status"]))
        at = datetime.fromisoformat(firing["at"])
        return format_html("{} {}", ended, show.moment(at))

    @admin.display(description=gettext_lazy("payload"))
    def payload(self, task: Any) -> str:
        """Show what the job is given."""
        return format_html("<pre>{}</pre>", task.kwargs)

    @admin.display(description=gettext_lazy("job type"), ordering="task")
    def job_type(self, task: Any) -> str:
        """Show the type of the job that it writes."""
        return str(task.task)


def history(schedule_id: str) -> dict[str, Any]:
    """Return the last firings and the next runs of a schedule."""
    row = plans.row_of(int(schedule_id))
    fired = CronLog.objects.filter(schedule=int(schedule_id)).order_by("-due_at")
    runs: list[datetime] = []
    fault = ""
    try:
        if row is not None and row.enabled:
            runs = upcoming(row.plan(), timezone.now(), SHOWN_RUNS)
    except InvalidSchedule as error:
        fault = str(error)
    return {
        "runs": runs,
        "fault": fault,
        "firings": [
            {
                "row": each,
                "badge": firings.outcome(each),
                "took": firings.took(each),
                "problem": firings.problem(each),
            }
            for each in fired[:SHOWN_FIRINGS]
        ],
    }
