"""Read an address as people write it; give it to a lead, change, prefer, remove it."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from cadences import clock
from cadences.errors import IllegalMove
from cadences.models import Contact, ContactIssue, Execution, Lead
from cadences.numbers import is_placeholder, normal
from cadences.states import Medium

TAKEN = "The lead has this address already"


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its one normal form, as a lead can have it."""

    medium: str
    address: str
    identity: str

    @property
    def standing(self) -> str:
        """What is known of it from its spelling alone."""
        is_made_up = self.medium == Medium.EMAIL and is_placeholder(self.address)
        standings = Contact.Standing
        return standings.PLACEHOLDER if is_made_up else standings.UNKNOWN


def read(medium: str, text: str) -> Address:
    """Return the address that a text tells; raises BadAddress."""
    return Address(medium, *normal(medium, text))


def give(lead: Lead, told: Address) -> tuple[Contact, bool]:
    """Return a lead's contact of that address, and whether it is new."""
    contact, is_new = Contact.objects.get_or_create(
        lead=lead, medium=told.medium, address=told.address,
        defaults={"identity": told.identity, "standing": told.standing},
    )  # fmt: skip
    if is_new:
        _doubt(contact)
    return contact, is_new


@transaction.atomic
def add_contact(
    lead_id: UUID, medium: str, text: str, *, preferred: bool = False
) -> Contact:
    """Give a lead an address in its one normal form; raises BadAddress, IllegalMove."""
    lead = _held(lead_id)
    contact, is_new = give(lead, read(medium, text))
    if not is_new:
        raise IllegalMove(TAKEN)
    if preferred:
        _prefer(contact)
    return contact


@transaction.atomic
def change_contact(contact_id: int, text: str) -> Contact:
    """Write another address in place of one; what was known of the old one is void."""
    contact = _contact(contact_id)
    told = read(contact.medium, text)
    if told.address == contact.address:
        return contact
    others = contact.lead.contacts.filter(medium=told.medium, address=told.address)
    if others.exists():
        raise IllegalMove(TAKEN)
    contact.address, contact.identity = told.address, told.identity
    contact.standing = told.standing
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


def write_off(lead_id: UUID, execution: Execution, *, detail: str) -> None:
    """Mark the address that a message went to as one that nobody can be reached at."""
    contacts = Contact.objects.filter(
        lead=lead_id, medium=execution.medium, address=execution.address
    )
    kinds = ContactIssue.Kind
    is_chat = execution.medium == Medium.WHATSAPP
    for contact in contacts.exclude(standing=Contact.Standing.INVALID):
        ContactIssue.objects.create(
            lead_id=lead_id, contact=contact, detail=detail,
            kind=kinds.NOT_ON_WHATSAPP if is_chat else kinds.EMAIL_INVALID,
        )  # fmt: skip
    contacts.update(standing=Contact.Standing.INVALID, checked_at=Now())


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


def _prefer(contact: Contact) -> None:
    others = Contact.objects.filter(lead=contact.lead_id, medium=contact.medium)
    others.exclude(pk=contact.pk).update(is_preferred=False)
    contact.is_preferred = True
    contact.save(update_fields=["is_preferred"])


def _doubt(contact: Contact) -> None:
    if contact.standing == Contact.Standing.PLACEHOLDER:
        ContactIssue.objects.create(
            lead_id=contact.lead_id, contact=contact,
            kind=ContactIssue.Kind.EMAIL_PLACEHOLDER,
        )  # fmt: skip
