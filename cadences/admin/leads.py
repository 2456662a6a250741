"""Leads: find a person, see all that was said, steer what happens to them."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cadences import clock
from cadences.admin import deeds, desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.find import lead_ids
from cadences.admin.lead_page import page_of, standing
from cadences.admin.lead_verbs import ON_LISTS, VERBS
from cadences.admin.zones import zone_field
from cadences.masks import name as masked
from cadences.models import Company, ContactIssue, Lead, Run
from cadences.states import LIVE
from cadences.survey import midnight
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Window

LIST = "cadences_lead_changelist"
NAMES = {"name", "first_name"}
"""What the audit must not tell."""


class ByCompany(admin.SimpleListFilter):
    """One company."""

    title, parameter_name = gettext_lazy("company"), "company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer all of them."""
        return [(each.pk, str(each)) for each in Company.objects.order_by("name")[:50]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to one."""
        return queryset.filter(company=self.value()) if self.value() else queryset


class ByReply(admin.SimpleListFilter):
    """Who answered."""

    title, parameter_name = gettext_lazy("replied"), "replied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer today, and ever."""
        return [("today", gettext_lazy("today")), ("ever", gettext_lazy("ever"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to those."""
        match self.value():
            case "today":
                return queryset.filter(replied_at__gte=midnight(clock.now()))
            case "ever":
                return queryset.filter(replied_at__isnull=False)
            case _:
                return queryset


class ByStanding(admin.SimpleListFilter):
    """Whether they may be written to, and what a person should look at."""

    title, parameter_name = gettext_lazy("standing"), "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer what differs from the usual."""
        return [
            ("live", gettext_lazy("in a cadence")),
            ("manual", gettext_lazy("in person")),
            ("issues", gettext_lazy("with a doubtful address")),
            ("never", gettext_lazy("do not contact")),
            ("erased", gettext_lazy("erased")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to those."""
        of_lead = {"lead": OuterRef("pk")}
        found: dict[str | None, Any] = {
            "live": Exists(Run.objects.filter(status__in=LIVE, **of_lead)),
            "manual": Q(mode=Lead.Mode.MANUAL),
            "issues": Exists(ContactIssue.objects.filter(resolved_at=None, **of_lead)),
            "never": Q(do_not_contact=True, erased_at=None),
            "erased": Q(erased_at__isnull=False),
        }
        return queryset.filter(found.get(self.value(), Q()))


class Newest(Keyset):
    """The leads, the newest first."""

    moment = "created_at"


class LeadForm(forms.ModelForm):
    """Who somebody is; addresses are given on the page of the lead."""

    time_zone = zone_field(label=gettext_lazy("Time zone"), required=False)

    class Meta:
        model = Lead
        fields = (
            "company", "name", "first_name", "external_id", "time_zone", "stage",
            "do_not_contact",
        )  # fmt: skip

    def clean_external_id(self) -> str | None:
        """Let an id that is not there be none."""
        return self.cleaned_data["external_id"] or None


@admin.register(Lead)
class LeadAdmin(Kept, Desk):
    """Every lead, the newest first."""

    verbs = VERBS
    form = LeadForm
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = ("where", "state", "replied", "met")
    list_filter = (ByStanding, ByReply, ByCompany)
    list_select_related = ("company",)
    search_fields = ("id",)
    search_help_text = gettext_lazy(
        "A whole number or e-mail address, an id, or how words of a name begin"
    )
    change_list_template = "admin/cadences/keyset.html"
    change_form_template = "admin/cadences/lead/change_form.html"
    action_checkbox = Window.action_checkbox

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave the facts of a person to those who may see them."""
        if obj is not None and obj.erased_at is not None:
            return False
        return super().has_change_permission(request, obj) and desk.reveals(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a person is erased, the rows of what was done stay."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Bring the addresses along, and leave what may be large to the page."""
        rows: QuerySet = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            return rows.defer("data").prefetch_related("contacts")
        return rows.select_related("company", "owner")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Find whoever the term names."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=lead_ids(request, search_term)), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer for several what can be said of several."""
        found = super().get_actions(request)
        return {name: found[name] for name in found if name in ON_LISTS}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show leads as this person may know them."""

        @admin.display(description=gettext_lazy("name"))
        def who(lead: Lead) -> str:
            return look.lead(request, lead)

        @admin.display(description=gettext_lazy("addresses"))
        def reach(lead: Lead) -> str:
            found = [desk.address(request, each.address) for each in _first(lead)]
            return look.two_lines(*found[:2]) if found[1:] else "".join(found)

        return (who, reach, *self.list_display)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead to the page from the name."""
        return (list_display[0],)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Write what was edited; the audit tells no names."""
        names = list(form.changed_data)
        before = Lead.objects.get(pk=obj.pk) if change else None
        if change:
            obj.save(update_fields=names)
        else:
            obj.save(force_insert=True)
        deeds.note(
            f"lead.{'change' if change else 'add'}", obj, after=_told(obj, names),
            before=_told(before, names) if before else None,
        )  # fmt: skip

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show all that is known of a person, and what was said."""
        return page_of(request, row)

    @admin.display(description=gettext_lazy("company"))
    def where(self, lead: Lead) -> str:
        """Show who writes to them, and where they stand."""
        return look.two_lines(lead.company, lead.stage)

    @admin.display(description=gettext_lazy("standing"))
    def state(self, lead: Lead) -> SafeString:
        """Show whether cadences may write to them."""
        found: SafeString = standing(lead)
        return found

    @admin.display(description=gettext_lazy("replied"))
    def replied(self, lead: Lead) -> SafeString:
        """Show when they last said something."""
        return show.moment(lead.replied_at)

    @admin.display(description=gettext_lazy("created"))
    def met(self, lead: Lead) -> SafeString:
        """Show since when they are known."""
        return show.moment(lead.created_at)


def _first(lead: Lead) -> list[Any]:
    return sorted(
        lead.contacts.all(), key=lambda each: (not each.is_preferred, each.pk)
    )


def _told(lead: Lead, names: list[str]) -> dict[str, Any]:
    return {
        name: masked(str(getattr(lead, name))) if name in NAMES else getattr(lead, name)
        for name in names
    }
