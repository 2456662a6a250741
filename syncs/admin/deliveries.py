"""Deliveries of webhooks: what came, and what became of it. Bodies stay sealed."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Window
from syncs.models import Delivery

TONES = {"applied": "good", "refused": "bad", "received": "warn", "ignored": ""}


@admin.register(Delivery)
class DeliveryAdmin(Window):
    """Every delivery, the newest first."""

    ordering = ("-id",)
    sortable_by = ()
    actions = None
    paginator = EstimatingPaginator
    list_display = ("topic", "connection", "external_id", "state", "came")
    list_filter = ("status",)
    list_select_related = ("connection",)
    search_fields = ("external_id",)
    fields = readonly_fields = (
        "topic", "connection", "delivery_id", "external_id", "state", "note",
        "triggered_at", "received_at", "applied_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("status"))
    def state(self, row: Delivery) -> SafeString:
        """Show what became of it."""
        word = Delivery.Status(row.status)
        return show.badge(str(word.label), TONES[word])

    @admin.display(description=gettext_lazy("received"))
    def came(self, row: Delivery) -> SafeString:
        """Show when it came."""
        return show.moment(row.received_at)
