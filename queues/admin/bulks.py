"""Bulk repairs: how far each is, what it refused, stop it or take it back."""

from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from queues.access import may
from queues.admin import show
from queues.admin.choice import told
from queues.admin.groups import VIEW
from queues.admin.letters import link_to_job
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Operated, Verb, Window
from queues.bulk import restore
from queues.cancel import cancel
from queues.models import DeadLetter, LetterBulk
from queues.states import FINAL, State

SHOWN_REFUSALS = 20
LISTED = 50
NAMES = {
    "replay": gettext_lazy("Replay"),
    "discard": gettext_lazy("Discard"),
    "restore": gettext_lazy("Take a discard back"),
}


def is_running(bulk: LetterBulk) -> bool:
    """Tell whether its job lives, from the row that came with it."""
    job = bulk.job
    return bulk.finished_at is None and job is not None and job.status not in FINAL


STOP = Verb(
    name="stop",
    label=gettext_lazy("Stop"),
    act=lambda bulk: cancel(bulk.job_id),
    permission="queues.cancel_job",
    logged=gettext_lazy("Stopped, or asked to stop"),
    offered=lambda bulk: is_running(bulk) and bulk.job.cancel_requested_at is None,
    question=gettext_lazy(
        "What it has done stays done; the other letters stay as they are."
    ),
)
UNDO = Verb(
    name="undo",
    label=gettext_lazy("Undo this discard"),
    act=lambda bulk: restore(bulk, source="admin"),
    permission="queues.dismiss_letter",
    logged=gettext_lazy("Taken back"),
    offered=lambda bulk: (
        bulk.verb == "discard"
        and not is_running(bulk)
        and DeadLetter.objects.filter(
            bulk=bulk, replayed_at=None, dismissed_at__isnull=False
        ).exists()
    ),
)


def state(bulk: LetterBulk) -> SafeString:
    """Return whether it runs, waits, or how it ended."""
    if bulk.finished_at:
        return show.badge(_("finished"), "good")
    if not is_running(bulk):
        is_dead = bulk.job is not None and bulk.job.status == State.FAILED
        return show.badge(
            _("died") if is_dead else _("stopped"), "bad" if is_dead else "mute"
        )
    if bulk.job and bulk.job.cancel_requested_at:
        return show.badge(_("stopping"), "warn")
    return show.badge(_("running") if bulk.cursor else _("about to start"), "busy")


@admin.register(LetterBulk)
class LetterBulkAdmin(Operated, Window):
    """Every bulk, the newest first."""

    verbs = (STOP, UNDO)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_per_page = LISTED
    list_display = ("what", "state", "progress", "actor", "ordered")
    list_filter = ("verb",)
    fields = readonly_fields = ("id",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it to whoever sees dead letters."""
        return may(request.user, VIEW)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring the job along: it says whether the bulk runs."""
        rows: QuerySet = LetterBulk.objects.select_related("job").order_by("-id")
        return rows

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: each bulk is dealt with on its own page."""
        return {}

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show how far it is, and what it refused."""
        return _one(row)

    @admin.display(description=gettext_lazy("bulk repair"))
    def what(self, bulk: LetterBulk) -> str:
        """Show the verb and the number of letters."""
        return title(bulk)

    @admin.display(description=gettext_lazy("state"))
    def state(self, bulk: LetterBulk) -> SafeString:
        """Show whether it runs."""
        return state(bulk)

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, bulk: LetterBulk) -> str:
        """Show how many letters are through."""
        facts = {"done": bulk.done, "refused": bulk.refused, "total": bulk.total}
        if bulk.refused:
            return _("%(done)d of %(total)d, %(refused)d refused") % facts
        return _("%(done)d of %(total)d") % facts

    @admin.display(description=gettext_lazy("ordered"))
    def ordered(self, bulk: LetterBulk) -> str:
        """Show when it was ordered."""
        return show.moment(bulk.created_at)


def title(bulk: LetterBulk) -> str:
    """Return what the bulk does, and to how many."""
    count = ngettext("%(n)s letter", "%(n)s letters", bulk.total) % {
        "n": intcomma(bulk.total)
    }
    return f"{NAMES[bulk.verb]} · {count}"


def _one(bulk: LetterBulk) -> dict[str, Any]:
    reasons = bulk.refusals.order_by().values_list("reason")
    counted = reasons.annotate(count=Count("*")).order_by("-count", "reason")
    left = bulk.total - bulk.done - bulk.refused
    list_ = reverse("admin:queues_deadletter_changelist")
    return {
        "bulk": bulk,
        "headline": title(bulk),
        "badge": state(bulk),
        "is_running": is_running(bulk),
        "total": bulk.total,
        "through": bulk.total if bulk.finished_at else bulk.done + bulk.refused,
        "left": max(left, 0),
        "is_over": not is_running(bulk),
        "words": told(bulk.selection),
        "edit": show.pretty(bulk.edit) if bulk.edit else "",
        "refusals": [(_(why), count) for why, count in counted[:SHOWN_REFUSALS]],
        "refused_letters": bulk.refusals.order_by("pk")[:SHOWN_REFUSALS],
        "job": link_to_job(bulk.job_id if bulk.job else None),
        "letters": f"{list_}?bulk={bulk.pk}",
        "undone_by": bulk.restored_by.order_by("-pk").first(),
    }
