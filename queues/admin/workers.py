"""Workers: which processes run jobs, what they hold, and how to end one in order."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from queues.access import scoped
from queues.admin import show
from queues.admin.verbs import Operated, Verb, Window
from queues.drain import drain, stop, undrain
from queues.models import Attempt, Worker
from queues.rescue import PATIENCE

SILENCE = timedelta(seconds=PATIENCE)
SHOWN_JOBS = 100
REFUSALS = (gettext_noop("This is no Celery worker that runs"),)
"""What the verbs answer, so that it can be translated here, at the edge."""


def _can_be_asked(worker: Worker) -> bool:
    return worker.kind == Worker.Kind.NODE and worker.gone_at is None


DRAIN = Verb(
    name="drain",
    label=gettext_lazy("Drain"),
    act=lambda worker: drain(worker.pk),
    permission="queues.manage_worker",
    logged=gettext_lazy("Asked to drain"),
    offered=lambda worker: _can_be_asked(worker) and not worker.drain_requested_at,
)
UNDRAIN = Verb(
    name="undrain",
    label=gettext_lazy("Take jobs again"),
    act=lambda worker: undrain(worker.pk),
    permission="queues.manage_worker",
    logged=gettext_lazy("Takes jobs again"),
    offered=lambda worker: (
        _can_be_asked(worker)
        and worker.drain_requested_at is not None
        and worker.stop_requested_at is None
    ),
)
STOP = Verb(
    name="stop",
    label=gettext_lazy("Stop"),
    act=lambda worker: stop(worker.pk),
    permission="queues.manage_worker",
    logged=gettext_lazy("Asked to stop"),
    offered=lambda worker: _can_be_asked(worker) and not worker.stop_requested_at,
    question=gettext_lazy(
        "It takes no more jobs; what it runs has ten seconds to end and then goes back "
        "to its queue. Whatever supervises it will start another in its place."
    ),
)


class ByLife(admin.SimpleListFilter):
    """Processes that run, or those that ended."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the ways of being there or not."""
        return [
            ("alive", gettext_lazy("alive")),
            ("vanished", gettext_lazy("vanished")),
            ("gone", gettext_lazy("gone")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the state."""
        match self.value():
            case "alive":
                seen = timezone.now() - SILENCE
                return queryset.filter(gone_at=None, seen_at__gte=seen)
            case "vanished":
                return queryset.filter(vanished=True)
            case "gone":
                return queryset.filter(gone_at__isnull=False)
            case _:
                return queryset


def state(worker: Worker) -> SafeString:
    """Return whether its heartbeat can be heard, and what it was asked."""
    if worker.gone_at:
        return (
            show.badge(_("vanished"), "bad")
            if worker.vanished
            else show.badge(_("gone"), "mute")
        )
    if timezone.now() - worker.seen_at > SILENCE:
        return show.badge(_("silent"), "bad")
    if worker.stop_requested_at:
        return show.badge(_("stopping"), "warn")
    if worker.drain_requested_at:
        return show.badge(_("draining"), "warn")
    return show.badge(_("alive"), "good")


@admin.register(Worker)
class WorkerAdmin(Operated, Window):
    """Every process: those that live first, then the youngest."""

    verbs = (DRAIN, UNDRAIN, STOP)
    ordering = (F("gone_at").desc(nulls_first=True), "-id")
    sortable_by = ()
    list_display = (
        "process", "state", "jobs", "lines", "memory", "code", "seen",
    )  # fmt: skip
    list_filter = (ByLife, ("kind", admin.ChoicesFieldListFilter))
    fields = readonly_fields = ("id",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count what they hold once for all rows of the page."""
        changes = super().get_changelist_instance(request)
        counts = _holds(changes.result_list)
        for row in changes.result_list:
            row.holds = counts.get(row.pk, 0)
        return changes

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show one process: what it runs now, and what it started."""
        return _life(request, row)

    @admin.display(description=gettext_lazy("process"))
    def process(self, worker: Worker) -> SafeString:
        """Show its name, and what kind it is."""
        kind = Worker.Kind(worker.kind).label
        return format_html('{}<br><span class="quiet">{}</span>', worker.name, kind)

    @admin.display(description=gettext_lazy("version"))
    def code(self, worker: Worker) -> SafeString:
        """Show which code it runs; the rest is on its page."""
        code = worker.version.partition(" ")[0] or show.NOTHING
        return format_html('<code title="{}">{}</code>', worker.version, code)

    @admin.display(description=gettext_lazy("state"))
    def state(self, worker: Worker) -> SafeString:
        """Show whether it is there."""
        return state(worker)

    @admin.display(description=gettext_lazy("jobs"))
    def jobs(self, worker: Any) -> str:
        """Show how many it runs now, its pool processes included."""
        return str(worker.holds or show.NOTHING)

    @admin.display(description=gettext_lazy("queues"))
    def lines(self, worker: Worker) -> str:
        """Show the queues that it serves."""
        return worker.queues.replace(",", ", ") or show.NOTHING

    @admin.display(description=gettext_lazy("memory"))
    def memory(self, worker: Worker) -> str:
        """Show the memory that it held at its last heartbeat."""
        return show.size(worker.memory_bytes)

    @admin.display(description=gettext_lazy("last seen"))
    def seen(self, worker: Worker) -> str:
        """Show its last heartbeat."""
        return show.moment(worker.gone_at or worker.seen_at)


def _life(request: HttpRequest, worker: Worker) -> dict[str, Any]:
    children = list(_children(worker))
    ids = [worker.pk, *(each.pk for each in children)]
    held = Attempt.objects.filter(worker__in=ids, finished_at=None)
    attempts = scoped(request.user, held, "queues.view_job").select_related("job")
    return {
        "worker": worker,
        "badge": state(worker),
        "memory": show.size(worker.memory_bytes),
        "queues": worker.queues.split(",") if worker.queues else [],
        "attempts": attempts.order_by("claimed_at", "id")[:SHOWN_JOBS],
        "children": [
            {"row": each, "badge": state(each), "memory": show.size(each.memory_bytes)}
            for each in children
        ],
        "parent": _parent(worker),
    }


def _children(worker: Worker) -> QuerySet[Worker]:
    """Return the pool processes that it started; an earlier process had its id before."""
    if worker.kind != Worker.Kind.NODE:
        return Worker.objects.none()
    found = Worker.objects.filter(
        machine=worker.machine,
        parent_pid=worker.pid,
        kind=Worker.Kind.CHILD,
        started_at__gte=worker.started_at - timedelta(minutes=1),
    )
    return found.order_by("gone_at", "-id")[:SHOWN_JOBS]


def _parent(worker: Worker) -> Worker | None:
    if worker.kind != Worker.Kind.CHILD or worker.parent_pid is None:
        return None
    same = Worker.objects.filter(machine=worker.machine, pid=worker.parent_pid)
    return same.filter(kind=Worker.Kind.NODE).order_by("-id").first()


def _holds(workers: Iterable[Worker]) -> dict[int, int]:
    """Count the open attempts of each process; a Celery worker has its children's too."""
    held: dict[int, int] = {}
    by_parent: dict[tuple[str, int | None], int] = {}
    opened = Attempt.objects.filter(finished_at=None, worker__isnull=False)
    for pk, kind, machine, parent in opened.values_list(
        "worker", "worker__kind", "worker__machine", "worker__parent_pid"
    ):
        held[pk] = held.get(pk, 0) + 1
        if kind == Worker.Kind.CHILD:
            by_parent[machine, parent] = by_parent.get((machine, parent), 0) + 1
    for worker in workers:
        if worker.kind == Worker.Kind.NODE and worker.gone_at is None:
            own = by_parent.get((worker.machine, worker.pid), 0)
            held[worker.pk] = held.get(worker.pk, 0) + own
    return held
