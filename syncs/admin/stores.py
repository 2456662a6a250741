"""Stores: who sees them, and what they are connected to."""

from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.audited import Audited
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb
from queues.audit import record
from queues.errors import QueueError
from syncs.errors import SyncError
from syncs.models import Store, StoreMember
from syncs.periods import of_word
from syncs.request import Wish, request
from syncs.states import Trigger


def _sync(store: Store) -> None:
    wish = Wish(priority=1, trigger=Trigger.USER, forced=True)
    asked = request(store, of_word(store, "30d"), wish)
    record("store.sync", store, after={"run": str(asked.run.pk)})


SYNC = Verb(
    name="sync",
    label=gettext_lazy("Sync now"),
    act=_sync,
    permission="syncs.request_run",
    logged=gettext_lazy("Sync asked for"),
    offered=lambda store: True,
)


class MemberInline(admin.TabularInline):
    """Who sees the store."""

    model = StoreMember
    extra = 1
    autocomplete_fields = ("user",)
    verbose_name = gettext_lazy("member")
    verbose_name_plural = gettext_lazy("members")


@admin.register(Store)
class StoreAdmin(Operated, Audited):
    """Every store whose numbers are kept."""

    born = "create"
    verbs = (SYNC,)
    refusals = (QueueError, SyncError)
    ordering = ("name", "id")
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_display = ("name", "timezone", "currency", "synced", "page")
    search_fields = ("name",)
    fields = ("name", "timezone", "currency", "is_active")
    inlines = (MemberInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Tell when each was synced last."""
        rows: QuerySet = super().get_queryset(request)
        dated: QuerySet = rows.annotate(synced_at=Max("connections__last_success_at"))
        return dated

    @admin.display(description=gettext_lazy("last success"))
    def synced(self, store: Any) -> str:
        """Show when a connection of it worked last."""
        return show.moment(store.synced_at)

    @admin.display(description=gettext_lazy("page"))
    def page(self, store: Store) -> SafeString:
        """Lead to the page that its people see."""
        address = reverse("syncs:store", args=[store.pk])
        return format_html('<a href="{}">{}</a>', address, _("Numbers"))
