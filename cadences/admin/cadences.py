"""Cadences: their rules, how far their runs come, and what may be done to them."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from cadences.admin import words
from cadences.admin.cadence_figures import capped, figures_of, versions_of
from cadences.admin.cadence_pages import Pages
from cadences.admin.desk import Desk, reason_form
from cadences.admin.zones import zone_field
from cadences.funnel import LISTED, standing
from cadences.models import Cadence, Version
from cadences.states import RunStatus
from cadences.steer_cadence import may_go, steer
from queues.admin.verbs import Verb

State = Cadence.State
PAUSE = "cadences.pause_cadence"


def _verb(name: str, to: str, label: Any, logged: Any, **asks: Any) -> Verb:
    return Verb(
        name=name,
        label=label,
        act=lambda row: steer(row, to),
        permission=PAUSE,
        logged=logged,
        offered=lambda row: may_go(row, to),
        **asks,
    )


VERBS = (
    _verb("open", State.ACTIVE, _("Open"), _("Opened")),
    _verb(
        "close", State.CLOSED, _("Close to new leads"), _("Closed to new leads"),
        form=reason_form(
            _("Nobody enters any more; who is on the way goes on to the end.")
        ),
    ),
    _verb(
        "pause", State.PAUSED, _("Pause"), _("Paused"),
        form=reason_form(
            _("Every run waits from its next step on. Once the cadence is opened again,"
              " each goes on with the wait that was left.")
        ),
    ),
    _verb(
        "archive", State.ARCHIVED, _("Archive"), _("Archived"),
        question=_("Every run ends at its next step. Its history stays."),
        form=reason_form(""),
    ),
)  # fmt: skip


@admin.register(Cadence)
class CadenceAdmin(Pages, Desk):
    """Every cadence with its state, its versions and who is on the way."""

    verbs = VERBS
    ordering = ("company", "code")
    sortable_by = ("title",)
    list_display = ("title", "company", "state_word", "version", "on_the_way", "ended")
    list_filter = ("state", "company")
    list_select_related = ("company", "published")
    search_fields = ("code", "name", "description")
    search_help_text = _("Code, name or description")
    fieldsets = (
        (None, {"fields": ("company", "code", "name", "description")}),
        (
            _("Who enters"),
            {"fields": ("is_exclusive", "reentry", "reentry_days")},
        ),
        (
            _("On the way"),
            {
                "fields": (
                    "on_reply", "late_hours", "on_late", "max_days", "calendar",
                    "time_zone",
                )
            },
        ),
    )  # fmt: skip

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count the runs of the page in one statement."""
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        drafts = Version.objects.filter(state=Version.State.DRAFT)
        prefetch_related_objects(rows, Prefetch("versions", drafts, to_attr="drafts"))
        found = standing([row.pk for row in rows])
        for row in rows:
            row.runs_by_status = found.get(row.pk, {})
        changes.result_list = rows
        return changes

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a cadence that is done with is archived, and its history stays."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let company and code be once they are chosen: runs and callers name them."""
        return ("company", "code") if obj else ()

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Offer the zones that exist."""
        if db_field.name == "time_zone":
            told = _("For leads whose own zone nobody knows.")
            return zone_field(label=_("Time zone"), required=False, help_text=told)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show how far runs come, and the versions, beside the rules."""
        return {
            "badge": words.state_of(row),
            "figures": figures_of(row),
            "versions": versions_of(row),
            "may_publish": self.may_publish(request),
        }

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead to the steps: without them a cadence says nothing."""
        self.message_user(request, _("The cadence is there. Now give it steps."))
        return redirect(reverse("admin:cadences_cadence_steps", args=[obj.pk]))

    @admin.display(description=_("cadence"), ordering="code")
    def title(self, row: Any) -> SafeString:
        """Show the name, and beneath it the code."""
        return format_html('{}<span class="type">{}</span>', row, row.code)

    @admin.display(description=_("state"))
    def state_word(self, row: Any) -> SafeString:
        """Show the state."""
        return words.state_of(row)

    @admin.display(description=_("version"))
    def version(self, row: Any) -> str:
        """Show which version new leads enter, and whether a draft is in the making."""
        number = f"v{row.published.number}" if row.published else "–"
        if not row.drafts:
            return number
        draft = words.state_of_version(row.drafts[0])
        return format_html("{} {}", number, draft)

    @admin.display(description=_("on the way"))
    def on_the_way(self, row: Any) -> str:
        """Show how many runs are active, and how many wait."""
        return _counts(row, RunStatus.ACTIVE, RunStatus.PAUSED)

    @admin.display(description=_("ended"))
    def ended(self, row: Any) -> str:
        """Show how many runs are over, and how."""
        return _counts(row, RunStatus.DONE, RunStatus.CANCELLED)


COUNTED = {
    RunStatus.ACTIVE: ngettext_lazy("%(n)s active", "%(n)s active", "count"),
    RunStatus.PAUSED: ngettext_lazy("%(n)s paused", "%(n)s paused", "count"),
    RunStatus.DONE: ngettext_lazy("%(n)s concluded", "%(n)s concluded", "count"),
    RunStatus.CANCELLED: ngettext_lazy("%(n)s cancelled", "%(n)s cancelled", "count"),
}


def _counts(row: Any, *statuses: RunStatus) -> str:
    found = {each: row.runs_by_status.get(each, 0) for each in statuses}
    told = (
        COUNTED[each] % {"n": capped(count, LISTED), "count": count}
        for each, count in found.items()
    )
    return " · ".join(each.replace(" ", "\xa0") for each in told)
