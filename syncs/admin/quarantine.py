"""Rows that could not be used: look at them, read them anew, or dismiss them."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.job_forms import ReasonForm
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.errors import QueueError
from syncs.admin import look
from syncs.errors import SyncError
from syncs.models import Quarantined
from syncs.phrase import phrase
from syncs.replay import replay, resolve

REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Read anew"),
    act=replay,
    permission="syncs.replay_quarantined",
    logged=gettext_lazy("Read anew"),
    offered=lambda row: row.resolved_at is None,
)
DISMISS = Verb(
    name="dismiss",
    label=gettext_lazy("Dismiss"),
    act=resolve,
    permission="syncs.replay_quarantined",
    logged=gettext_lazy("Dismissed"),
    offered=lambda row: row.resolved_at is None,
    form=ReasonForm,
)


@admin.register(Quarantined)
class QuarantineAdmin(Operated, Window):
    """Every row kept aside; those that nobody has dealt with come first."""

    verbs = (REPLAY, DISMISS)
    refusals = (QueueError, SyncError)
    change_form_template = "admin/queues/operated.html"
    ordering = ("resolved_at", "-id")
    sortable_by = ()
    paginator = EstimatingPaginator
    list_display = (
        "external_id",
        "connection",
        "stream",
        "short",
        "since",
        "resolution",
    )
    list_filter = ("stream", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("connection",)
    search_fields = ("external_id",)
    fields = readonly_fields = (
        "connection", "stream", "external_id", "why", "its_form", "run",
        "created_at", "seen_at", "resolved_at", "resolution",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("sample"))
    def its_form(self, row: Quarantined) -> SafeString:
        """Show what it looked like."""
        return look.document(row.sample)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, row: Quarantined) -> str:
        """Show why it could not be used."""
        return phrase(row.reason)

    @admin.display(description=gettext_lazy("reason"))
    def short(self, row: Quarantined) -> str:
        """Show the first words of the reason."""
        return show.short(phrase(row.reason), 80)

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: Quarantined) -> str:
        """Show since when it is there."""
        return show.moment(row.created_at)
