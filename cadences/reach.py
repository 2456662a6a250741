"""Give a lead an address, change it, prefer it, take it away."""

from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.errors import IllegalMove
from cadences.models import Contact, ContactIssue, Lead
from cadences.numbers import is_placeholder, normal
from cadences.states import Medium


@transaction.atomic
def add_contact(
    lead_id: UUID, medium: str, text: str, *, preferred: bool = False
) -> Contact:
    """Give a lead an address in its one normal form; raises BadAddress, IllegalMove."""
    lead = _held(lead_id)
    address, identity = normal(medium, text)
    _once(lead, medium, address)
    contact = Contact.objects.create(
        lead=lead, medium=medium, address=address, identity=identity,
        standing=_standing(medium, address),
    )  # fmt: skip
    _doubt(contact)
    if preferred:
        _prefer(contact)
    return contact


@transaction.atomic
def change_contact(contact_id: int, text: str) -> Contact:
    """Write another address in place of one; what was known of the old one is void."""
    contact = _contact(contact_id)
    address, identity = normal(contact.medium, text)
    if address == contact.address:
        return contact
    _once(contact.lead, contact.medium, address)
    contact.address, contact.identity = address, identity
    contact.standing = _standing(contact.medium, address)
    contact.checked_at, contact.aliases = None, []
    contact.save(
        update_fields=["address", "identity", "standing", "checked_at", "aliases"]
    )
    contact.contactissue_set.filter(resolved_at=None).update(resolved_at=clock.now())
    _doubt(contact)
    return contact


@transaction.atomic
def prefer_contact(contact_id: int) -> Contact:
    """Let this address come first in its channel."""
    contact = _contact(contact_id)
    _prefer(contact)
    return contact


@transaction.atomic
def remove_contact(contact_id: int) -> Contact:
    """Take an address away; a suppression of it stays."""
    contact = _contact(contact_id)
    Contact.objects.filter(pk=contact.pk).delete()
    return contact


def _held(lead_id: UUID) -> Lead:
    """Lock the lead, whose addresses whoever sends reads under the same lock."""
    lead = Lead.objects.select_for_update(no_key=True).filter(pk=lead_id).first()
    if lead is None or lead.erased_at is not None:
        raise IllegalMove("This lead was erased")
    return lead


def _contact(contact_id: int) -> Contact:
    key = Contact.objects.filter(pk=contact_id).values_list("lead", flat=True).first()
    if key is None:
        raise IllegalMove("This address was removed meanwhile")
    lead = _held(key)
    contact = Contact.objects.filter(pk=contact_id).first()
    if contact is None:
        raise IllegalMove("This address was removed meanwhile")
    contact.lead = lead
    return contact


def _once(lead: Lead, medium: str, address: str) -> None:
    if lead.contacts.filter(medium=medium, address=address).exists():
        raise IllegalMove("The lead has this address already")


def _prefer(contact: Contact) -> None:
    others = Contact.objects.filter(lead=contact.lead_id, medium=contact.medium)
    others.exclude(pk=contact.pk).update(is_preferred=False)
    contact.is_preferred = True
    contact.save(update_fields=["is_preferred"])


def _standing(medium: str, address: str) -> str:
    is_made_up = medium == Medium.EMAIL and is_placeholder(address)
    return Contact.Standing.PLACEHOLDER if is_made_up else Contact.Standing.UNKNOWN


def _doubt(contact: Contact) -> None:
    if contact.standing == Contact.Standing.PLACEHOLDER:
        ContactIssue.objects.create(
            lead_id=contact.lead_id, contact=contact,
            kind=ContactIssue.Kind.EMAIL_PLACEHOLDER,
        )  # fmt: skip
