"""The audit log: who changed what, when, through which door, and why."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from queues.access import may_everywhere
from queues.admin import show
from queues.admin.changes import brief
from queues.admin.keyset import Keyset
from queues.admin.told import kind_word, target, told
from queues.admin.verbs import Window
from queues.models import AuditEntry
from queues.models.audit import Door

MOST_CHOICES = 50
LONGEST_TERM = 200

# From value to value through the index of the column, however many rows hold each.
CHOICES = """
WITH RECURSIVE choice AS (
    (SELECT {column} AS value FROM audit_log ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM audit_log WHERE {column} > choice.value
            ORDER BY {column} LIMIT 1)
    FROM choice WHERE choice.value IS NOT NULL
)
SELECT value FROM choice WHERE value IS NOT NULL LIMIT %s
"""
SPANS = {
    "hour": (timedelta(hours=1), _("the last hour")),
    "day": (timedelta(days=1), _("the last 24 hours")),
    "week": (timedelta(days=7), _("the last 7 days")),
    "month": (timedelta(days=30), _("the last 30 days")),
}


class ByColumn(admin.SimpleListFilter):
    """One of the values that the log holds in a column."""

    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the values that are there."""
        with connection.cursor() as cursor:
            cursor.execute(CHOICES.format(column=self.column), [MOST_CHOICES])
            return [(value, self.word(value)) for (value,) in cursor.fetchall()]

    def word(self, value: str) -> str:
        """Return how a value is shown."""
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the value."""
        if self.value() is None:
            return queryset
        return queryset.filter(**{self.column: self.value()})


class ByActor(ByColumn):
    """One person, secret or process."""

    title, parameter_name, column = _("who"), "actor", "actor"


class ByAction(ByColumn):
    """One action."""

    title, parameter_name, column = _("action"), "action", "action"


class ByKind(ByColumn):
    """One kind of row."""

    title, parameter_name, column = _("kind"), "kind", "target_kind"

    def word(self, value: str) -> str:
        """Return the name of the model."""
        return kind_word(value) or str(_("nothing in particular"))


class BySpan(admin.SimpleListFilter):
    """The newest part of the log."""

    title, parameter_name = _("when"), "span"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer four spans."""
        return [(key, words) for key, (_span, words) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to what happened within the span."""
        if (known := SPANS.get(self.value() or "")) is None:
            return queryset
        return queryset.filter(at__gte=timezone.now() - known[0])


@admin.register(AuditEntry)
class AuditAdmin(Window):
    """Every change, the newest first; there is nothing to do here but look."""

    ordering = ("-at", "-id")
    sortable_by = ()
    list_display = ("when", "who", "done", "what", "change", "why")
    list_display_links = ("when",)
    list_filter = (ByActor, ByAction, ByKind, BySpan)
    search_fields = ("target_id",)
    search_help_text = _("Id of a job, schedule, limit…")
    fields = readonly_fields = ("id",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show it to those whose permission no scope narrows: it tells of everything."""
        return may_everywhere(request.user, "queues.view_auditentry")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Page by place, not by number."""
        return Keyset

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find what was done to the rows of that id."""
        term = search_term.strip().removeprefix("#")[:LONGEST_TERM]
        found = queryset.filter(target_id=term.replace("\x00", "")) if term else None
        return (queryset if found is None else found), False

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show one change in full."""
        return told(row)

    @admin.display(description=_("when"))
    def when(self, entry: AuditEntry) -> str:
        """Show the moment."""
        return show.moment(entry.at)

    @admin.display(description=_("who"))
    def who(self, entry: AuditEntry) -> str:
        """Show the actor and the door."""
        return format_html(
            '{} <span class="quiet">{}</span>', entry.actor, Door(entry.door).label
        )

    @admin.display(description=_("action"))
    def done(self, entry: AuditEntry) -> str:
        """Show the word of the action."""
        return format_html("<code>{}</code>", entry.action)

    @admin.display(description=_("what"))
    def what(self, entry: AuditEntry) -> str:
        """Lead to the row, and say of how many it was."""
        return target(entry)

    @admin.display(description=_("change"))
    def change(self, entry: AuditEntry) -> str:
        """Show the first differences in a line."""
        return brief(entry.before, entry.after) or show.NOTHING

    @admin.display(description=_("reason"))
    def why(self, entry: AuditEntry) -> str:
        """Show the reason that was given."""
        return show.short(entry.reason) or show.NOTHING
