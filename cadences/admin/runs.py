"""Runs: find them among millions, see why one waits, steer one or many."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cadences.admin import look, run_orders
from cadences.admin.desk import Desk, Kept
from cadences.admin.find import lead_ids, uuid_in
from cadences.admin.moves import moves
from cadences.admin.run_filters import FILTERS, words
from cadences.admin.run_page import page_of
from cadences.admin.run_verbs import AT_HAND, MIGRATE, OPERATE, ORDERED, VERBS
from cadences.models import Run
from queues.access import may_everywhere
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Window
from queues.rooms import Page, add_page

LIST = "cadences_run_changelist"
VIEW = "cadences.view_run"

add_page(
    Page(
        "next-actions",
        gettext_lazy("Next actions"),
        "admin:cadences_run_next",
        permission=VIEW,
    )
)


class Newest(Keyset):
    """The runs, the newest first."""

    moment = "created_at"


class Next(Keyset):
    """The runs whose next step is planned, the first of them first."""

    moment, rises = "next_run_at", True


@admin.register(Run)
class RunAdmin(Kept, Window, Desk):
    """Every run, the newest first; by their next step, the nearest first."""

    verbs = VERBS
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = ("where", "state", "step", "next", "began")
    list_filter = FILTERS
    list_select_related = ("lead", "cadence")
    search_fields = ("id",)
    search_help_text = gettext_lazy("Number, e-mail, name or id of a lead, id of a run")
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/run/change_list.html"
    change_form_template = "admin/cadences/run/change_form.html"

    def get_urls(self) -> list[Any]:
        """Add the next actions and the page of orders."""
        wrap = self.admin_site.admin_view
        own = [
            path("next/", wrap(_next), name="cadences_run_next"),
            path(
                "order/<slug:verb>/",
                wrap(partial(run_orders.page, self)),
                name="cadences_run_order",
            ),
            path("export/", wrap(run_orders.export), name="cadences_run_export"),
        ]
        return [*own, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place, in the order of what is asked."""
        return Next if request.GET.get("next") else Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave what may be large to the page of one run."""
        rows: QuerySet = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            return rows.defer("context", "sticky")
        return rows.select_related(
            "lead__owner", "company__calendar", "cadence__calendar", "version"
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find the runs of whoever the term names."""
        if not search_term.strip():
            return queryset, False
        found = Q(lead__in=lead_ids(request, search_term))
        if key := uuid_in(search_term.strip()):
            found |= Q(pk=key)
        return queryset.filter(found), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the list, and what can be ordered for all that match."""
        context = {
            "orders": _orders(request), "export": _export(request),
            **(extra_context or {}),
        }  # fmt: skip
        return super().changelist_view(request, context)

    def _ask(
        self, request: HttpRequest, verb: Any, rows: list[Any], *more: Any, **asked: Any
    ) -> Any:
        """Ask with a table of what would become of them, before they are moved."""
        page: Any = super()._ask(request, verb, rows, *more, **asked)
        if verb is MIGRATE:
            chosen = Run.objects.filter(pk__in=[each.pk for each in rows])
            page.context_data |= moves(chosen, "next")
            page.template_name = "admin/cadences/run/migrate.html"
        return page

    def called(self, request: HttpRequest, row: Any) -> str:
        """Name a run by who is in what."""
        return f"{look.lead(request, row.lead)} · {row.cadence}"

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show what it waits for, what happened, and what was sent."""
        return page_of(request, row)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show leads as this person may know them."""

        @admin.display(description=gettext_lazy("lead"))
        def who(run: Run) -> str:
            return look.lead(request, run.lead)

        @admin.display(description=gettext_lazy("do"))
        def deeds(run: Run) -> SafeString:
            return buttons(run)

        steers = request.GET.get("next") and may_everywhere(request.user, OPERATE)
        if steers:
            return (who, "where", "state", "step", "next", deeds)
        return (who, *self.list_display)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead to the run from its lead."""
        return (list_display[0],)

    @admin.display(description=gettext_lazy("cadence"))
    def where(self, run: Run) -> str:
        """Show the cadence."""
        return str(run.cadence)

    @admin.display(description=gettext_lazy("status"))
    def state(self, run: Run) -> SafeString:
        """Show where it stands, and why."""
        return look.two_lines(look.status(run), look.why(run))

    @admin.display(description=gettext_lazy("step"))
    def step(self, run: Run) -> str:
        """Show the step that comes, or the last that was."""
        return str(run.next_step or run.last_step or show.NOTHING)

    @admin.display(description=gettext_lazy("next step"))
    def next(self, run: Run) -> str:
        """Show when it goes on."""
        return show.moment(run.planned_run_at or run.next_run_at or run.resume_at)

    @admin.display(description=gettext_lazy("began"))
    def began(self, run: Run) -> str:
        """Show when the lead entered."""
        return show.moment(run.started_at)


def buttons(run: Run) -> SafeString:
    """Show what is mostly done to a run whose step comes, a click away."""
    links = [
        (reverse(f"admin:cadences_run_{verb.name}", args=[run.pk]), verb.label)
        for verb in AT_HAND
    ]
    row = format_html_join("", '<a href="{}">{}</a>', links)
    return format_html('<span class="at-hand">{}</span>', row)


def _next(request: HttpRequest) -> HttpResponse:
    """Lead to the runs by their next step."""
    return redirect(f"{reverse('admin:cadences_run_changelist')}?next=week")


def _orders(request: HttpRequest) -> list[tuple[Any, str]]:
    """Return the orders over all runs that match, for those who may give them."""
    if request.GET.get("q") or not may_everywhere(request.user, OPERATE):
        return []
    query = urlencode(words(request))
    return [
        (verb, f"{reverse('admin:cadences_run_order', args=[name])}?{query}")
        for name, verb in ORDERED.items()
    ]


def _export(request: HttpRequest) -> str:
    """Return where all runs that match are downloaded from; a search is no filter."""
    if request.GET.get("q") or not may_everywhere(request.user, VIEW):
        return ""
    return f"{reverse('admin:cadences_run_export')}?{urlencode(words(request))}"
