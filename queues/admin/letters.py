"""Dead letters: why jobs died, and what to do about it."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from queues.access import may_on
from queues.admin import groups, orders, show
from queues.admin.choice import query
from queues.admin.filters import (
    ByBulk,
    ByDeath,
    ByFault,
    ByLetter,
    ByType,
    Since,
    Until,
)
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import MOST, Operated, Verb, Window
from queues.faults import fault
from queues.letters import LONGEST_SEARCH, Selection
from queues.models import DeadLetter
from queues.replay import dismiss, replay, restore

REPLAY = Verb(
    name="replay",
    label=gettext_lazy("Replay the job"),
    act=lambda letter: replay(letter.job_id),
    permission="queues.replay_letter",
    logged=gettext_lazy("Replayed"),
    offered=lambda letter: letter.replayed_at is None,
)
DISMISS = Verb(
    name="dismiss",
    label=gettext_lazy("Discard"),
    act=lambda letter: dismiss(letter.pk),
    permission="queues.dismiss_letter",
    logged=gettext_lazy("Dismissed"),
    offered=lambda letter: letter.replayed_at is None and letter.dismissed_at is None,
    question=gettext_lazy(
        "A discarded letter is no longer shown as open. Its job stays failed, and you "
        "can take this back as long as the letter is kept."
    ),
)
RESTORE = Verb(
    name="restore",
    label=gettext_lazy("Take the discard back"),
    act=lambda letter: restore(letter.pk),
    permission="queues.dismiss_letter",
    logged=gettext_lazy("Opened again"),
    offered=lambda letter: letter.replayed_at is None and letter.dismissed_at,
)
WITH_CHANGES = "replay_with_changes"


def state(letter: DeadLetter) -> SafeString:
    """Return what became of the letter."""
    if letter.replayed_at:
        return show.badge(_("replayed"), "good")
    if letter.dismissed_at:
        return show.badge(_("dismissed"), "mute")
    return show.badge(pgettext("letter", "open"), "bad")


@admin.register(DeadLetter)
class DeadLetterAdmin(Operated, Window):
    """Every letter, the newest first; the same by fault on a page of its own."""

    verbs = (REPLAY, DISMISS, RESTORE)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_display = ("type", "why", "state", "died", "of_job")
    list_filter = (ByLetter, ByDeath, ByType, ByFault, ByBulk, Since, Until)
    search_fields = ("id",)
    search_help_text = gettext_lazy("Words of the reason, a type, or a job number")
    fields = readonly_fields = ("id",)

    def get_urls(self) -> list[Any]:
        """Add the page of faults, that of orders, and the exports."""
        wrap, name = self.admin_site.admin_view, "queues_deadletter_{}".format
        own = [
            path("faults/", wrap(partial(groups.page, self)), name=name("faults")),
            path(
                "bulk/<slug:verb>/",
                wrap(partial(orders.page, self)),
                name=name("bulk"),
            ),
            path("export/<slug:kind>/", wrap(orders.export), name=name("export")),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave what may be large to the page of one letter."""
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            return rows.defer("traceback")
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find what a bulk over the same words would take on."""
        found = Selection.read({"search": search_term[:LONGEST_SEARCH]})
        if not found.search:
            return queryset, False
        return queryset & found.letters(), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer a replay of the chosen ones with changes, to those who may replay."""
        actions = super().get_actions(request)
        if groups.allowed(request)["may_replay"]:
            label = _("Replay with changes…")
            actions[WITH_CHANGES] = (_to_order, WITH_CHANGES, label)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the letters, and what can be done to all that match."""
        context = {**groups.allowed(request), "query": query(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the reason and the traceback."""
        return self._one(request, row)

    def _one(self, request: HttpRequest, letter: DeadLetter) -> dict[str, Any]:
        may_replay = letter.replayed_at is None and may_on(
            request.user, groups.REPLAY, letter
        )
        words = f"?ids={letter.pk}" + (
            "&state=dismissed" if letter.dismissed_at else ""
        )
        return {
            "letter": letter,
            "badge": state(letter),
            "with_changes": words if may_replay else "",
            "pattern": fault(letter.fingerprint)[1] if letter.fingerprint else "",
        }

    @admin.display(description=gettext_lazy("reason"))
    def why(self, letter: DeadLetter) -> str:
        """Show the first line of the reason."""
        return show.short(letter.reason)

    @admin.display(description=gettext_lazy("state"))
    def state(self, letter: DeadLetter) -> SafeString:
        """Show what became of it."""
        return state(letter)

    @admin.display(description=gettext_lazy("died"))
    def died(self, letter: DeadLetter) -> str:
        """Show when the job died."""
        return show.moment(letter.created_at)

    @admin.display(description=gettext_lazy("job"))
    def of_job(self, letter: DeadLetter) -> str:
        """Lead to the job."""
        return link_to_job(letter.job_id)


LIST = "queues_deadletter_changelist"


def _to_order(
    _admin: object, request: HttpRequest, rows: QuerySet
) -> HttpResponseBase | None:
    """Lead to the page of orders with the chosen letters."""
    ids = list(rows.values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        text = _("Choose at most %(most)d rows at once.") % {"most": MOST}
        messages.error(request, text)
        return None
    address = reverse("admin:queues_deadletter_bulk", args=["replay"])
    return redirect(f"{address}?ids={','.join(map(str, ids))}")


def link_to_job(job_id: int | None) -> str:
    """Return a link to the page of a job, or a dash."""
    if job_id is None:
        return show.NOTHING
    address = reverse("admin:queues_job_change", args=[job_id])
    return format_html('<a href="{}">#{}</a>', address, job_id)
