"""Messages that nobody could be named for: whose they are, or that they are nobody's."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cadences.admin import deeds, desk, look
from cadences.admin.desk import Desk, Kept
from cadences.admin.find import exactly
from cadences.admin.run_forms import ReasonForm
from cadences.admin.run_verbs import OPERATE
from cadences.assign import UNOWNED, assign, candidates_of, dismiss
from cadences.models import Lead, Message
from cadences.states import Match
from queues.admin import show
from queues.admin.keyset import Keyset
from queues.admin.verbs import Verb, Window
from queues.audit import whoever
from queues.rooms import Page, add_page

LIST = "cadences_message_changelist"
SHOWN = 60

add_page(
    Page(
        "Message",
        gettext_lazy("Inbox without owner"),
        f"admin:{LIST}",
        permission="cadences.view_message",
    )
)


class LeadForm(ReasonForm):
    """Whose message it is."""

    lead = forms.CharField(
        label=gettext_lazy("Lead"),
        max_length=254,
        help_text=gettext_lazy("A whole number or e-mail address, or an id."),
    )
    field_order = ("lead", "reason")

    def clean_lead(self) -> UUID:
        """Name exactly one lead."""
        found = exactly(self.cleaned_data["lead"])
        if not found:
            raise forms.ValidationError(_("Nobody has this number, address or id."))
        if len(found) > 1:
            raise forms.ValidationError(
                _("%(n)d leads have this: give the id of one.") % {"n": len(found)}
            )
        return found[0]


def _assigned(message: Message, lead: UUID) -> Message:
    actor = whoever().name
    after: Message = deeds.tried(lambda: assign(message.pk, lead, actor=actor))
    deeds.note("message.assign", message, after={"lead": str(lead)})
    return after


def _dismissed(message: Message) -> Message:
    after: Message = deeds.tried(lambda: dismiss(message.pk, actor=whoever().name))
    deeds.note("message.dismiss", message)
    return after


def _is_open(message: Any) -> bool:
    return message.lead_id is None and message.match in UNOWNED


ASSIGN = Verb(
    name="assign",
    label=gettext_lazy("Say whose it is"),
    act=_assigned,
    permission=OPERATE,
    logged=gettext_lazy("Given to a lead, as their reply"),
    offered=_is_open,
    form=LeadForm,
)
DISMISS = Verb(
    name="dismiss",
    label=gettext_lazy("It is nobody’s"),
    act=_dismissed,
    permission=OPERATE,
    logged=gettext_lazy("Dismissed"),
    offered=_is_open,
    form=ReasonForm,
)


class Newest(Keyset):
    """The messages, the newest first."""

    moment = "created_at"


@admin.register(Message)
class MessageAdmin(Kept, Window, Desk):
    """The list shows what has no owner; a page shows any message."""

    verbs = (ASSIGN, DISMISS)
    ordering = ("-created_at", "-id")
    sortable_by = ()
    list_display = ("how", "at")
    list_select_related = ("account",)
    fields = readonly_fields = ("id",)
    change_list_template = "admin/cadences/message/change_list.html"
    change_form_template = "admin/cadences/message/change_form.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the navigation: there it is named by what it is for."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Keyset]:
        """Page by place."""
        return Newest

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """List what came in and has no owner."""
        rows: QuerySet = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name == LIST:
            # the words of the index `message_without_owner`
            return rows.filter(
                match__in=["ambiguous", "none"], lead=None,
                direction=Message.Direction.IN,
            )  # fmt: skip
        return rows.select_related("account", "lead")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer for several that they are nobody's."""
        found = super().get_actions(request)
        return {name: found[name] for name in found if name == DISMISS.name}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show addresses and words as this person may see them."""

        @admin.display(description=gettext_lazy("from"))
        def sender(message: Message) -> str:
            return look.two_lines(
                _sender(request, message), message.get_channel_display()
            )

        @admin.display(description=gettext_lazy("text"))
        def text(message: Message) -> str:
            return show.short(desk.words(request, message.body), SHOWN) or show.NOTHING

        return (sender, text, *self.list_display)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Lead to the message from its sender."""
        return (list_display[0],)

    def details(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Show the text, and who may have written it."""
        leads = Lead.objects.filter(pk__in=candidates_of(row)).select_related("company")
        return {
            "message": row,
            "badge": _badge(row),
            "sender": _sender(request, row),
            "text": desk.words(request, row.body),
            "lead": look.lead(request, row.lead) if row.lead else "",
            "is_open": _is_open(row) and request.user.has_perm(OPERATE),
            "candidates": [
                {"row": each, "name": look.lead(request, each)}
                for each in leads.order_by("pk")[:20]
            ],
        }

    @admin.display(description=gettext_lazy("whose it is"))
    def how(self, message: Message) -> SafeString:
        """Show how many it may be from, and what it was read as."""
        reading = message.get_reading_display() if message.reading else ""
        return look.two_lines(_badge(message), reading)

    @admin.display(description=gettext_lazy("received"))
    def at(self, message: Message) -> SafeString:
        """Show when it came."""
        return show.moment(message.created_at)


def _badge(message: Message) -> SafeString:
    if message.lead_id:
        return show.badge(_("has an owner"), "good")
    if message.match == Match.AMBIGUOUS:
        count = len(candidates_of(message))
        text = ngettext("%(n)d possible lead", "%(n)d possible leads", count)
        return show.badge(text % {"n": count}, "warn")
    if message.match == Match.NONE:
        return show.badge(_("nobody known"), "wait")
    return show.badge(_("dismissed"), "mute")


def _sender(request: HttpRequest, message: Message) -> str:
    said = str(message.details.get("from", "")) if message.details else ""
    return desk.address(request, said) or f"#{message.pk}"
