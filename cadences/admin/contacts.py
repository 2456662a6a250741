"""One address of a lead: change it, prefer it, take it away."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy

from cadences.admin import deeds, desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.lead_verbs import CHANGE
from cadences.admin.run_forms import ReasonForm
from cadences.masks import address as masked
from cadences.models import Contact
from cadences.reach import change_contact, prefer_contact, remove_contact
from queues.admin.verbs import Verb, Window


class TextForm(ReasonForm):
    """The address that takes its place."""

    text = forms.CharField(label=gettext_lazy("Number or address"), max_length=254)
    field_order = ("text", "reason")


def _changed(contact: Contact, text: str) -> Contact:
    before = masked(contact.address)
    after: Contact = deeds.tried(lambda: change_contact(contact.pk, text))
    deeds.note(
        "lead.change_contact", contact.lead, before={"address": before},
        after={"address": masked(after.address)},
    )  # fmt: skip
    return after


def _preferred(contact: Contact) -> Contact:
    after: Contact = deeds.tried(lambda: prefer_contact(contact.pk))
    told = {"preferred": masked(contact.address)}
    deeds.note("lead.prefer_contact", contact.lead, after=told)
    return after


def _removed(contact: Contact) -> None:
    deeds.tried(lambda: remove_contact(contact.pk))
    told = {"medium": contact.medium, "address": masked(contact.address)}
    deeds.note("lead.remove_contact", contact.lead, before=told)


VERBS = (
    Verb(
        name="edit",
        label=gettext_lazy("Change the address"),
        act=_changed,
        permission=CHANGE,
        logged=gettext_lazy("Address changed"),
        offered=lambda contact: True,
        form=TextForm,
    ),
    Verb(
        name="prefer",
        label=gettext_lazy("Prefer it"),
        act=_preferred,
        permission=CHANGE,
        logged=gettext_lazy("Preferred"),
        offered=lambda contact: not contact.is_preferred,
    ),
    Verb(
        name="remove",
        label=gettext_lazy("Remove the address"),
        act=_removed,
        permission=CHANGE,
        logged=gettext_lazy("Address removed"),
        offered=lambda contact: True,
        question=gettext_lazy(
            "Nobody is written to there any more. A suppression of it stays."
        ),
        form=ReasonForm,
    ),
)


@admin.register(Contact)
class ContactAdmin(Kept, Window, Desk):
    """The addresses; each is reached from its lead."""

    verbs = VERBS
    list_select_related = ("lead",)
    fields = readonly_fields = ("id",)
    change_form_template = "admin/cadences/lead/contact.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the navigation."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show it to whoever sees leads."""
        return bool(request.user.has_perm("cadences.view_lead"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the leads."""
        return redirect("admin:cadences_lead_changelist")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bring the lead along; who sees the lead sees that there is an address."""
        return Contact.objects.select_related("lead__company")

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the address and whose it is."""
        return {
            "contact": row,
            "address": desk.address(request, row.address),
            "lead": look.lead(request, row.lead),
        }

    def _on_row(self, verb: Verb, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        answer = super()._on_row(verb, request, object_id)
        if row is not None and isinstance(answer, HttpResponseRedirect):
            return redirect(look.address("lead", row.lead_id))
        return answer
