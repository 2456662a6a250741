"""Addresses nobody may write to: looked up by their hash, added, taken away, imported."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from cadences import clock
from cadences.admin import deeds
from cadences.admin.desk import Desk, Kept
from cadences.admin.download import download
from cadences.admin.run_forms import SaidForm
from cadences.admin.suppression_forms import AddForm, ImportForm
from cadences.bar import lift, order_list
from cadences.errors import BadAddress
from cadences.export import suppressions_as_csv
from cadences.models import Suppression
from cadences.numbers import normal
from cadences.states import Medium
from cadences.suppress import hashed
from queues.access import may_everywhere
from queues.admin import show
from queues.admin.paging import EstimatingPaginator
from queues.admin.verbs import Verb, Window
from queues.audit import record, whoever

ADD, DELETE = "cadences.add_suppression", "cadences.delete_suppression"
VIEW = "cadences.view_suppression"
LIST = "admin:cadences_suppression_changelist"
SHOWN_FAULTS = 20


def _lifted(row: Suppression) -> None:
    facts = {"reason": row.reason, "source": row.source, "medium": row.medium}
    deeds.note("suppression.remove", row, before=facts)
    deeds.tried(lambda: lift(row.pk))


LIFT = Verb(
    name="lift",
    label=gettext_lazy("Allow the address again"),
    act=_lifted,
    permission=DELETE,
    logged=gettext_lazy("Allowed again"),
    offered=lambda row: True,
    question=gettext_lazy(
        "Cadences may write to this address again. If the person opted out, this needs "
        "their new consent, and their last word still counts."
    ),
    form=SaidForm,
)


class ByReason(admin.SimpleListFilter):
    """Why nobody may write there."""

    title, parameter_name = gettext_lazy("reason"), "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer all."""
        return Suppression.Reason.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to one."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(Suppression)
class SuppressionAdmin(Kept, Window, Desk):
    """Every suppression, the newest first."""

    verbs = (LIFT,)
    paginator = EstimatingPaginator
    ordering = ("-id",)
    sortable_by = ()
    list_display = ("digest", "why", "covers", "since", "ends")
    list_display_links = ("digest",)
    list_filter = (ByReason,)
    list_select_related = ("company",)
    search_fields = ("id",)
    search_help_text = gettext_lazy("A whole number or e-mail address, or its hash")
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/suppression/change_list.html"
    change_form_template = "admin/cadences/suppression/change_form.html"

    def get_urls(self) -> list[Any]:
        """Add the pages that add one or many."""
        wrap, name = self.admin_site.admin_view, "cadences_suppression_{}".format
        own = [
            path("suppress/", wrap(self.one), name=name("suppress")),
            path("import/", wrap(self.many), name=name("import")),
            path("export/", wrap(require_POST(self.export)), name=name("export")),
        ]
        return [*own, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer none: each is looked at before it is lifted."""
        return {}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find an address by the hashes that it has."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(address_hash__in=hashes_of(term)), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show them, and how to add some."""
        context = {"may_suppress": may_everywhere(request.user, ADD)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show what is known: never the address."""
        ended = row.expires_at is not None and row.expires_at <= clock.now()
        badge = (
            show.badge(_("over"), "mute") if ended else show.badge(_("holds"), "bad")
        )
        return {"row": row, "badge": badge, "covers": self.covers(row)}

    def one(self, request: HttpRequest) -> HttpResponse:
        """Suppress one address."""
        form = AddForm(request.POST or None)
        if self._is_whole(request, form):
            row = deeds.tried(lambda: form.act(actor=whoever().name))
            messages.success(request, _("Nobody writes to this address any more."))
            return redirect("admin:cadences_suppression_change", row.pk)
        return self._shown(request, form, _("Suppress an address"), "")

    def many(self, request: HttpRequest) -> HttpResponse:
        """Suppress the addresses of a list; a line that is none is told."""
        form = ImportForm(request.POST or None, request.FILES or None)
        if self._is_whole(request, form):
            told = order_list(form.read(), **form.options(), actor=whoever().name)
            self._tell(request, form, told.batch_id, told.count)
            return redirect(LIST)
        note = _(
            "One number or address a line; of a table, the first column counts. Only "
            "hashes are kept. Jobs write them, and go on after a restart."
        )
        return self._shown(request, form, _("Import a list"), note)

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Stream all of them, by their hashes."""
        if not may_everywhere(request.user, VIEW):
            raise PermissionDenied
        record("suppression.export", label="csv")
        return download("suppressions", suppressions_as_csv())

    def _is_whole(self, request: HttpRequest, form: Any) -> bool:
        if not may_everywhere(request.user, ADD):
            raise PermissionDenied
        return request.method == "POST" and form.is_valid()

    def _tell(
        self, request: HttpRequest, form: ImportForm, batch: int, count: int
    ) -> None:
        text = ngettext(
            "%(n)d address is ordered", "%(n)d addresses are ordered", count
        )
        link = format_html(
            '<a href="{}">#{}</a>',
            reverse("admin:queues_jobbatch_change", args=[batch]), batch,
        )  # fmt: skip
        messages.success(request, format_html("{}: {}", text % {"n": count}, link))
        if form.faults:
            lines = ", ".join(map(str, form.faults[:SHOWN_FAULTS]))
            more = "…" if len(form.faults) > SHOWN_FAULTS else ""
            words = {"lines": lines + more}
            fact = _("These lines are no addresses and were left out: %(lines)s")
            messages.warning(request, fact % words)

    def _shown(
        self, request: HttpRequest, form: Any, title: str, note: str
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "note": note,
        }
        return TemplateResponse(request, "admin/cadences/suppression/ask.html", context)

    @admin.display(description=gettext_lazy("hash"))
    def digest(self, row: Suppression) -> SafeString:
        """Show the beginning of the hash."""
        return format_html("<code>{}…</code>", row.address_hash[:12])

    @admin.display(description=gettext_lazy("reason"))
    def why(self, row: Suppression) -> SafeString:
        """Show why, and who said so."""
        return format_html(
            '{}<span class="sub">{}</span>', row.get_reason_display(), row.source
        )

    @admin.display(description=gettext_lazy("covers"))
    def covers(self, row: Suppression) -> str:
        """Show for which channel and company it holds."""
        medium = row.get_medium_display() if row.medium else _("all channels")
        company = str(row.company) if row.company_id else _("all companies")
        return f"{medium}, {company}"

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: Suppression) -> SafeString:
        """Show since when."""
        return show.moment(row.created_at)

    @admin.display(description=gettext_lazy("ends"))
    def ends(self, row: Suppression) -> str:
        """Show until when, if it ends at all."""
        return show.moment(row.expires_at) if row.expires_at else _("never")


def hashes_of(term: str) -> list[str]:
    """Return the hashes under which an address may be suppressed."""
    found = [term.lower()]
    for medium in (Medium.EMAIL, Medium.WHATSAPP):
        try:
            found.append(hashed(medium, normal(medium, term)[0]))
        except BadAddress:
            continue
    return found
