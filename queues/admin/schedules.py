"""Schedules: one form instead of five tables, and what they did and will do."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django_celery_beat import admin as _stock  # noqa: F401
from django_celery_beat import models as beat

from queues import schedule_rows
from queues.access import may
from queues.admin import show
from queues.admin.phrase import phrase
from queues.admin.schedule_changes import told_of
from queues.admin.schedule_filters import ByStanding, ByTask
from queues.admin.schedule_form import ScheduleForm
from queues.admin.schedule_page import badge, page_of, pause_of, preview_of
from queues.admin.schedule_pattern import preset_list
from queues.admin.schedule_rows import as_copy
from queues.admin.schedule_standing import Standing, standing
from queues.admin.schedule_strip import picture, strips
from queues.admin.schedule_verbs import Steered, payload_of
from queues.handlers import registry
from queues.schedule import amend, unschedule

NAMES = (
    gettext_noop("periodic task"),
    gettext_noop("periodic tasks"),
    gettext_noop("Periodic Tasks"),
)
"""The library's words for its rows: our catalogues, English too, call them schedules."""
READ = ("name",)
"""Of the stock form for readers nothing is shown; it wants one field."""

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
class ScheduleAdmin(Steered):
    """Every schedule by name."""

    form = ScheduleForm
    actions_on_top = True
    ordering = ("name",)
    sortable_by = ("title",)
    list_display = ("title", "standing", "words", "next", "last")
    list_filter = (ByStanding, ByTask)
    list_select_related = (
        "crontab", "interval", "clocked", "solar", "state", "state__paused_by",
    )  # fmt: skip
    list_per_page = 50
    search_fields = ("name", "task", "description", "kwargs")
    search_help_text = gettext_lazy("Name, job type, note or payload")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    save_on_top = False
    fieldsets = (
        (None, {"fields": ("name", "description", "enabled")}),
        (
            gettext_lazy("When"),
            {
                "fields": (
                    "kind",
                    ("every", "unit"),
                    "days",
                    "day",
                    "at",
                    "moment",
                    "cron",
                    "zone",
                )
            },
        ),
        (gettext_lazy("What"), {"fields": ("type", "payload")}),
        (
            gettext_lazy("How"),
            {"fields": (("urgency", "line", "max_attempts"),)},
        ),
        (
            gettext_lazy("From when to when"),
            {
                "classes": ("collapse",),
                "fields": (("start_time", "expires"), "one_off"),
            },
        ),
        (
            gettext_lazy("If something gets in the way"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("misfire", "misfire_cap"),
                    ("overlap", "grace_seconds"),
                    "jitter_seconds",
                ),
            },
        ),
    )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Compute states and next runs from one read of all rows, strips from another."""
        changes = super().get_changelist_instance(request)
        now, rows = timezone.now(), {row.id: row for row in schedule_rows.rows()}
        drawn = strips([task.pk for task in changes.result_list])
        for task in changes.result_list:
            row = rows.get(task.pk)
            task.stands = standing(row, now) if row else Standing("ended")
            task.blocks = drawn[task.pk]
        return changes

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show those who may not edit the facts instead of the form."""
        if obj is None:
            return self.fieldsets
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": READ}),)
        # Pausing has a button of its own, that asks why.
        return ((None, {"fields": ("name", "description")}), *self.fieldsets[1:])

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

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill a new form with what another schedule says, for a copy of it."""
        number = request.GET.get("copy", "")
        other = self.get_object(request, number) if number.isdigit() else None
        if other is None or not self.has_view_permission(request, other):
            return dict(super().get_changeform_initial_data(request))
        return as_copy(other)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the form with what the schedule will do, did, and who changed it."""
        task, form = kwargs.get("obj"), context["adminform"].form
        row = schedule_rows.row_of(task.pk) if task else None
        is_editable = isinstance(form, ScheduleForm)
        found: dict[str, Any] = {
            "is_editable": is_editable,
            "preview": preview_of(form if is_editable else None, task, row),
            "presets": [
                {**each, "sets": json.dumps(each["sets"])} for each in preset_list()
            ],
        }
        if task is not None:
            found |= {**page_of(task, row), "buttons": self.buttons(request, task)}
            if not is_editable:
                found |= {"told": told_of(task), "payload": payload_of(task)}
            found["show_delete"] = False  # it stands among the buttons
        hidden = ("show_save_and_add_another", "show_save_and_continue")
        context |= {**found, **dict.fromkeys(hidden, False)}
        answer: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return answer

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what the form owns and nothing that Beat writes."""
        job, queue = form.facts["job"]["type"], form.facts["queue"]
        permission = self._permission("change" if change else "add")
        place = {"type": job, "queue": queue or registry.get(job).queue}
        if not may(request.user, permission, **place):
            raise PermissionDenied
        amend(obj, form.facts)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it as code would, with its entry in the audit."""
        unschedule(obj.name)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Delete each with its entry in the audit."""
        for task in queryset:
            unschedule(task.name)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to the page of the new schedule."""
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page, which shows what the edit means."""
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, task: Any) -> HttpResponse:
        text = _("“%(name)s” is saved.") % {"name": task.name}
        self.message_user(request, text, messages.SUCCESS)
        if not self.has_view_permission(request, task):
            return redirect("admin:index")
        return redirect(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", task.pk
        )

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def title(self, task: Any) -> SafeString:
        """Show the name, and beneath it what kind of job it starts."""
        return format_html('{}<span class="type">{}</span>', task.name, task.task)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, task: Any) -> SafeString:
        """Show the state, and why if someone or something stopped it."""
        stands, pause = task.stands, pause_of(task)
        why = stands.why or (pause["note"] if pause else "")
        if not why:
            return badge(stands)
        return format_html(
            '{} <span class="quiet why">{}</span>', badge(stands), show.short(why)
        )

    @admin.display(description=gettext_lazy("runs"))
    def words(self, task: Any) -> str:
        """Show the pattern in plain words, with its zone."""
        zone = task.crontab.timezone if task.crontab else ""
        return format_html('{} <span class="quiet">{}</span>', phrase(task), zone)

    @admin.display(description=gettext_lazy("next run"))
    def next(self, task: Any) -> str:
        """Show when it fires next, or since when it should have."""
        stands = task.stands
        if stands.due is not None:
            return format_html(
                '<span class="overdue">{}</span>', show.moment(stands.due)
            )
        return show.moment(stands.next_run)

    @admin.display(description=gettext_lazy("last runs"))
    def last(self, task: Any) -> Any:
        """Show the last firings, and when the very last was."""
        if not task.blocks:
            return show.NOTHING
        at = task.blocks[-1].fired_at
        told = show.relative(at) if at else ""
        return format_html(
            '{} <span class="quiet">{} · {}</span>',
            picture(task.blocks), task.blocks[-1].outcome, told,
        )  # fmt: skip
