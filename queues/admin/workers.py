"""Workers: which processes run jobs, and when they were last heard of."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.verbs import Window
from queues.models import Worker
from queues.rescue import PATIENCE

SILENCE = timedelta(seconds=PATIENCE)


class ByLife(admin.SimpleListFilter):
    """Processes that run, or those that ended."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer both."""
        return [("alive", gettext_lazy("alive")), ("gone", gettext_lazy("gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the state."""
        match self.value():
            case "alive":
                seen = timezone.now() - SILENCE
                return queryset.filter(gone_at=None, seen_at__gte=seen)
            case "gone":
                return queryset.filter(gone_at__isnull=False)
            case _:
                return queryset


@admin.register(Worker)
class WorkerAdmin(Window):
    """Every process, the youngest first."""

    ordering = ("-id",)
    sortable_by = ()
    list_display = ("name", "state", "kind", "lines", "started", "seen", "gone")
    list_display_links = None
    list_filter = (ByLife, ("kind", admin.ChoicesFieldListFilter))

    @admin.display(description=gettext_lazy("state"))
    def state(self, worker: Worker) -> SafeString:
        """Show whether its heartbeat can be heard."""
        if worker.gone_at:
            return show.badge(_("gone"), "mute")
        if timezone.now() - worker.seen_at > SILENCE:
            return show.badge(_("silent"), "warn")
        return show.badge(_("alive"), "good")

    @admin.display(description=gettext_lazy("queues"))
    def lines(self, worker: Worker) -> str:
        """Show the queues that it serves."""
        return worker.queues or show.NOTHING

    @admin.display(description=gettext_lazy("started"))
    def started(self, worker: Worker) -> str:
        """Show when it started."""
        return show.moment(worker.started_at)

    @admin.display(description=gettext_lazy("last seen"))
    def seen(self, worker: Worker) -> str:
        """Show its last heartbeat."""
        return show.moment(worker.seen_at)

    @admin.display(description=gettext_lazy("gone"))
    def gone(self, worker: Worker) -> str:
        """Show when it ended."""
        return show.moment(worker.gone_at)
