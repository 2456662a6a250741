"""Limits: how many may run, who holds a place, who waits; the numbers are staff's."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.access import may_everywhere
from queues.admin import show
from queues.admin.guard import Everywhere
from queues.audit import record
from queues.holdings import Holding, holders, holdings, queues_of, waiting
from queues.models import LimitRow
from queues.wake import wake_on_commit


def room(row: LimitRow, holding: Holding) -> int | None:
    """Return how many more may start now, whatever their keys; None is any number."""
    left = [
        most - taken
        for most, taken in ((row.running, holding.held), (row.rate, holding.used))
        if most is not None
    ]
    return max(0, min(left)) if left else None


def state(row: LimitRow, holding: Holding) -> SafeString:
    """Return whether jobs under the limit may start."""
    if 0 in (row.running, row.running_per_key, row.rate, row.rate_per_key):
        return show.badge(_("paused"), "warn")
    if room(row, holding) == 0:
        return show.badge(_("full"), "busy")
    return show.badge(_("has room"), "good")


@admin.register(LimitRow)
class LimitAdmin(Everywhere):
    """Every limit that a handler declared; an edit takes effect with the next claim."""

    ordering = ("name",)
    sortable_by = ()
    actions = None
    search_fields = ("name",)
    list_display = ("name", "state", "held", "rates", "left", "queued", "oldest")
    readonly_fields = ("name",)
    fields = (
        "name", "running", "running_per_key", "rate", "rate_per_key",
        "period_seconds", "note",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: a limit comes from the code that declares it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: it would come back as declared. Empty numbers lift a limit."""
        return False

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what was edited and nothing else, and ring for those who wait."""
        if not form.changed_data:
            return
        names = form.changed_data
        before = LimitRow.objects.filter(pk=obj.pk).values(*names).get()
        obj.save(update_fields=names)
        after = {name: getattr(obj, name) for name in names}
        record("limit.change", obj, before=before, after=after)
        for queue in queues_of(obj.pk):
            wake_on_commit(queue)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count once for all rows of the page."""
        changes = super().get_changelist_instance(request)
        found = holdings()
        for row in changes.result_list:
            row.holding = found.get(row.pk, Holding())
        return changes

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show who holds it and who waits below the numbers."""
        holding = holdings().get(row.pk, Holding())
        context = {"badge": state(row, holding), "holding": holding}
        # Jobs and keys of all types: not for those whose view a scope narrows.
        if may_everywhere(request.user, "queues.view_job"):
            context |= {"holders": holders(row.pk), "waiting": waiting(row.pk)}
        return context

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Any) -> SafeString:
        """Show whether it lets jobs start."""
        return state(row, row.holding)

    @admin.display(description=gettext_lazy("running"))
    def held(self, row: Any) -> str:
        """Show how many run, of how many, and how many of one key may."""
        text = f"{row.holding.held}/{_number(row.running)}"
        if row.running_per_key is None:
            return text
        return _("%(held)s, %(n)s per key") % {"held": text, "n": row.running_per_key}

    @admin.display(description=gettext_lazy("starts in a period"))
    def rates(self, row: Any) -> str:
        """Show how many started in the last period, of how many."""
        if row.rate is None and row.rate_per_key is None:
            return show.NOTHING
        period = show.span(timedelta(seconds=row.period_seconds))
        text = f"{row.holding.used}/{_number(row.rate)}"
        if row.rate_per_key is not None:
            text = _("%(held)s, %(n)s per key") % {"held": text, "n": row.rate_per_key}
        return _("%(starts)s in %(period)s") % {"starts": text, "period": period}

    @admin.display(description=gettext_lazy("room"))
    def left(self, row: Any) -> str:
        """Show how many more may start now."""
        return _number(room(row, row.holding))

    @admin.display(description=gettext_lazy("waiting"))
    def queued(self, row: Any) -> str:
        """Show how many due jobs wait."""
        return number_format(row.holding.waiting, force_grouping=True)

    @admin.display(description=gettext_lazy("waiting since"))
    def oldest(self, row: Any) -> str:
        """Show since when the oldest of them waits."""
        return show.moment(row.holding.oldest)


def _number(number: int | None) -> str:
    return "∞" if number is None else number_format(number, force_grouping=True)
