"""Cached numbers: what people see, how old it is, and what it was before."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Window
from syncs.admin import look
from syncs.models import CacheEntry
from syncs.phrase import phrase
from syncs.reasons import reason
from syncs.states import CacheStatus

TONES = {
    CacheStatus.SUCCESS: "good", CacheStatus.ERROR: "bad", CacheStatus.PARTIAL: "warn",
}  # fmt: skip


@admin.register(CacheEntry)
class CacheAdmin(Window):
    """Every entry, the newest first."""

    ordering = ("-synced_at", "-id")
    sortable_by = ()
    actions = None
    paginator = EstimatingPaginator
    list_display = (
        "of_store", "data_type", "source", "days", "state", "version", "synced",
    )  # fmt: skip
    list_display_links = ("of_store",)
    list_filter = ("data_type", "source", "sync_status")
    list_select_related = ("store",)
    search_fields = ("store__name",)
    fields = readonly_fields = (
        "store", "data_type", "source", "period_start", "period_end", "timezone",
        "sync_status", "error", "version", "record_count", "as_of",
        "synced_at", "fresh_until", "hard_until", "is_settled", "is_negative",
        "notes", "numbers",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the numbers to the page of one entry."""
        rows = super().get_queryset(request)
        is_list = request.resolver_match and request.resolver_match.kwargs == {}
        return rows.defer("data", "data_summary") if is_list else rows

    @admin.display(description=gettext_lazy("store"))
    def of_store(self, entry: CacheEntry) -> str:
        """Show whose numbers they are."""
        return str(entry.store)

    @admin.display(description=gettext_lazy("days"))
    def days(self, entry: CacheEntry) -> SafeString:
        """Show the days that they are of."""
        return look.span(entry.period_start, entry.period_end)

    @admin.display(description=gettext_lazy("last error"))
    def error(self, entry: CacheEntry) -> str:
        """Show why the last sync of it failed."""
        return reason(entry.error_code, entry.error_message) or str(show.NOTHING)

    @admin.display(description=gettext_lazy("warnings"))
    def notes(self, entry: CacheEntry) -> str:
        """Show what people should know of them."""
        return "; ".join(map(phrase, entry.warnings)) or show.NOTHING

    @admin.display(description=gettext_lazy("numbers"))
    def numbers(self, entry: CacheEntry) -> SafeString:
        """Show all of them."""
        return look.document(entry.data)

    @admin.display(description=gettext_lazy("last sync"))
    def state(self, entry: CacheEntry) -> SafeString:
        """Show how the last sync of it went."""
        word = CacheStatus(entry.sync_status)
        return show.badge(str(word.label), TONES[word])

    @admin.display(description=gettext_lazy("synced"))
    def synced(self, entry: CacheEntry) -> str:
        """Show when it was written."""
        return show.moment(entry.synced_at)
