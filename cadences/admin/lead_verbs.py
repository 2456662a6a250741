"""What staff do to a lead: enrol, give an address, talk in person, stop, forget."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy

from cadences.admin import deeds
from cadences.admin.run_forms import ReasonForm, SaidForm
from cadences.admin.run_verbs import OPERATE
from cadences.answer import opt_out, takes_over
from cadences.enroll import enroll
from cadences.erase import erase
from cadences.errors import BadAddress
from cadences.masks import address as masked
from cadences.models import Cadence, Contact, Lead, Run
from cadences.numbers import normal
from cadences.reach import add_contact
from cadences.states import Medium
from queues.admin.verbs import Verb
from queues.audit import whoever

CHANGE, ERASE = "cadences.change_lead", "cadences.delete_lead"


class CadenceField(forms.ModelChoiceField):
    """A choice of cadences, told with their companies."""

    def label_from_instance(self, obj: Any) -> str:
        """Name a cadence."""
        return f"{obj} · {obj.company}"


def cadence_field() -> CadenceField:
    """Return a choice of the cadences that take new leads."""
    rows = Cadence.objects.filter(state=Cadence.State.ACTIVE).select_related("company")
    return CadenceField(
        label=gettext_lazy("Cadence"),
        queryset=rows.order_by("company", "name", "code"),
        empty_label=None,
    )


class EnrollForm(ReasonForm):
    """Into which cadence."""

    cadence = cadence_field()
    field_order = ("cadence", "reason")


class AddressForm(forms.Form):
    """An address, checked as it is typed into the rows."""

    medium = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Medium.choices)
    text = forms.CharField(
        label=gettext_lazy("Number or address"),
        max_length=254,
        help_text=gettext_lazy(
            "A number with its area code; one without a country is Brazilian."
        ),
    )

    def clean(self) -> dict[str, Any]:
        """Say what is no address."""
        found = super().clean() or {}
        check_address(self, found.get("medium"), found.get("text"))
        return found


class ContactForm(AddressForm, ReasonForm):
    """A further address of a lead."""

    preferred = forms.BooleanField(
        label=gettext_lazy("The first choice of its channel"), required=False
    )
    field_order = ("medium", "text", "preferred", "reason")


class OptOutForm(SaidForm):
    """On which channel they said so."""

    medium = forms.ChoiceField(
        label=gettext_lazy("They said so by"), choices=Medium.choices
    )
    field_order = ("medium", "reason")


def check_address(form: forms.Form, medium: str | None, text: str | None) -> None:
    """Tell at the field why a text is no address."""
    if not medium or not text:
        return
    try:
        normal(medium, text)
    except BadAddress as error:
        form.add_error("text", deeds.phrase(error))


def _enroll(lead: Lead, cadence: Cadence) -> Run:
    actor = whoever().name
    run: Run = deeds.tried(lambda: enroll(lead, cadence, source="console", actor=actor))
    deeds.note("lead.enroll", lead, after={"cadence": cadence.code, "run": str(run.pk)})
    return run


def _add_contact(lead: Lead, medium: str, text: str, *, preferred: bool) -> Contact:
    contact: Contact = deeds.tried(
        lambda: add_contact(lead.pk, medium, text, preferred=preferred)
    )
    told = {"medium": medium, "address": masked(contact.address)}
    deeds.note("lead.add_contact", lead, after=told)
    return contact


def _opt_out(lead: Lead, medium: str) -> None:
    opt_out(lead.pk, medium=medium, source="console")
    deeds.note("lead.opt_out", lead, after={"medium": medium})


def _mode(*, manual: bool) -> Any:
    def act(lead: Lead) -> None:
        takes_over(lead.pk, manual=manual, actor=whoever().name)
        mode = Lead.Mode.MANUAL if manual else Lead.Mode.AUTO
        deeds.note("lead.mode", lead, before={"mode": lead.mode}, after={"mode": mode})

    return act


@transaction.atomic
def _erase(lead: Lead) -> None:
    erase(lead.pk, actor=whoever().name)
    deeds.note("lead.erase", lead)


def _is_there(lead: Any) -> bool:
    return lead.erased_at is None


ENROLL = Verb(
    name="enroll",
    label=gettext_lazy("Enrol into a cadence"),
    act=_enroll,
    permission=OPERATE,
    logged=gettext_lazy("Enrolled"),
    offered=_is_there,
    form=EnrollForm,
)
ADD_CONTACT = Verb(
    name="contact",
    label=gettext_lazy("Add an address"),
    act=_add_contact,
    permission=CHANGE,
    logged=gettext_lazy("Address added"),
    offered=_is_there,
    form=ContactForm,
)
TAKE_OVER = Verb(
    name="manual",
    label=gettext_lazy("Talk in person"),
    act=_mode(manual=True),
    permission=OPERATE,
    logged=gettext_lazy("A person talks to them; their runs pause"),
    offered=lambda lead: _is_there(lead) and lead.mode == Lead.Mode.AUTO,
    form=ReasonForm,
)
HAND_BACK = Verb(
    name="auto",
    label=gettext_lazy("Leave it to the cadences"),
    act=_mode(manual=False),
    permission=OPERATE,
    logged=gettext_lazy("Left to the cadences; paused runs wait to be resumed"),
    offered=lambda lead: _is_there(lead) and lead.mode == Lead.Mode.MANUAL,
    form=ReasonForm,
)
OPT_OUT = Verb(
    name="optout",
    label=gettext_lazy("They want no more messages"),
    act=_opt_out,
    permission=OPERATE,
    logged=gettext_lazy("Opted out"),
    offered=_is_there,
    question=gettext_lazy(
        "All their runs end, and every address they have is suppressed for good, in "
        "all cadences of the company."
    ),
    form=OptOutForm,
)
FORGET = Verb(
    name="erase",
    label=gettext_lazy("Erase the person"),
    act=_erase,
    permission=ERASE,
    logged=gettext_lazy("Erased"),
    offered=_is_there,
    question=gettext_lazy(
        "Name, addresses, facts and texts are blanked, all runs end, and the addresses "
        "stay suppressed by a hash that tells nothing. What was done is still counted. "
        "This cannot be undone."
    ),
    form=SaidForm,
)
VERBS = (ENROLL, ADD_CONTACT, TAKE_OVER, HAND_BACK, OPT_OUT, FORGET)
ON_LISTS = {"enroll", "manual", "auto"}
"""Verbs that are offered for several leads at once."""
