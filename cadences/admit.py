"""Admit people from elsewhere: one lead for each id there, whoever comes first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from cadences import reach
from cadences.errors import BadAddress
from cadences.models import Contact, ContactIssue, Lead, Suppression
from cadences.states import Medium
from cadences.suppress import hashed

WORDS = ("name", "first_name", "time_zone", "stage")
MAX_LENGTHS = {"name": 200, "first_name": 100, "time_zone": 64, "stage": 100}
Kind = ContactIssue.Kind


@dataclass(frozen=True, slots=True)
class Stranger:
    """What somebody else knows of a person; what is empty here they did not say.

    `clear` names the facts of `data` that they said are nothing any more.
    """

    external_id: str
    name: str = ""
    first_name: str = ""
    time_zone: str = ""
    stage: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    clear: frozenset[str] = frozenset()
    addresses: tuple[tuple[str, str], ...] = ()
    """Channel and address as they write it, the best one of a channel first."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who the stranger is here, and what of them is new."""

    lead_id: UUID
    is_new: bool
    changed: tuple[str, ...]


@dataclass(slots=True)
class _Read:
    """The addresses of a stranger in their normal form, and what is wrong with others."""

    good: list[reach.Address] = field(default_factory=list)
    issues: list[tuple[str, str]] = field(default_factory=list)


@transaction.atomic
def admit(company: str, strangers: Iterable[Stranger]) -> dict[str, Admitted]:
    """Write each stranger as a lead of the company; return them by their id elsewhere.

    A lead that is there gets what is new and keeps what the stranger does not say.
    Whoever was erased by request stays so: they are missing from the answer.
    """
    wanted = {each.external_id: each for each in strangers}
    read = {key: _read(each) for key, each in wanted.items()}
    for key in _erased(company, read):
        del wanted[key], read[key]
    leads, made = _leads(company, sorted(wanted))
    changed = {key: _amend(lead, wanted[key]) for key, lead in leads.items()}
    if amended := [leads[key] for key, names in changed.items() if names]:
        Lead.objects.bulk_update(amended, [*WORDS, "data"])
    reached = _reach({leads[key].pk: read[key] for key in leads})
    return {
        key: Admitted(
            lead.pk, lead.pk in made, (*changed[key], *reached.get(lead.pk, ()))
        )
        for key, lead in leads.items()
    }


def _leads(company: str, keys: Sequence[str]) -> tuple[dict[str, Lead], set[UUID]]:
    """Return the leads of these ids, locked, and which of them were made just now."""
    known = Lead.objects.filter(company=company, external_id__in=keys)
    there = set(known.values_list("external_id", flat=True))
    # In the order of the ids: two that bring the same people wait, and never deadlock.
    new = [
        Lead(id=uuid4(), company_id=company, external_id=key)
        for key in keys
        if key not in there
    ]
    Lead.objects.bulk_create(new, ignore_conflicts=True)
    locked = known.order_by("external_id").select_for_update(no_key=True)
    leads = {str(each.external_id): each for each in locked}
    return leads, {each.pk for each in new} & {each.pk for each in leads.values()}


def _amend(lead: Lead, stranger: Stranger) -> tuple[str, ...]:
    """Write what is new into the lead in memory; return the names of it."""
    changed = []
    for name in WORDS:
        said = str(getattr(stranger, name))[: MAX_LENGTHS[name]]
        if said and said != getattr(lead, name):
            setattr(lead, name, said)
            changed.append(name)
    if not lead.name and lead.first_name:
        lead.name = lead.first_name
    data = {k: v for k, v in lead.data.items() if k not in stranger.clear}
    data |= stranger.data
    names = sorted({*data, *lead.data})
    changed += [key for key in names if data.get(key) != lead.data.get(key)]
    lead.data = data
    return tuple(changed)


def _read(stranger: Stranger) -> _Read:
    found = _Read()
    for medium, text in stranger.addresses:
        try:
            told = reach.read(medium, text)
        except BadAddress:
            junk = Kind.EMAIL_INVALID if medium == Medium.EMAIL else Kind.PHONE_JUNK
            found.issues.append((junk, text[:100]))
            continue
        if told.standing == Contact.Standing.PLACEHOLDER:
            found.issues.append((Kind.EMAIL_PLACEHOLDER, told.address))
        found.good.append(told)
    found.good = list(dict.fromkeys(found.good))
    if stranger.addresses and not found.good:
        found.issues.append((Kind.NO_CONTACT, ""))
    return found


def _erased(company: str, readings: Mapping[str, _Read]) -> list[str]:
    """Return those whose address was suppressed because they asked to be forgotten."""
    hashes = {
        hashed(told.medium, told.address): key
        for key, each in readings.items()
        for told in each.good
    }
    forgotten = Suppression.objects.filter(
        company=company,
        reason=Suppression.Reason.ERASURE,
        address_hash__in=hashes,
    ).values_list("address_hash", flat=True)
    return sorted({hashes[each] for each in forgotten})


def _reach(wanted: Mapping[UUID, _Read]) -> dict[UUID, list[str]]:
    """Write the addresses and issues that are new; return the channels that changed."""
    there = list(Contact.objects.filter(lead__in=wanted).order_by("pk"))
    changed: dict[UUID, list[str]] = {}
    new: list[Contact] = []
    for lead_id, read in wanted.items():
        mine = [each for each in there if each.lead_id == lead_id]
        added = _new_contacts(lead_id, read, mine)
        new += added
        if added:
            changed[lead_id] = sorted({each.medium for each in added})
    Contact.objects.bulk_create(new, ignore_conflicts=True)
    _complain(wanted)
    return changed


def _new_contacts(
    lead_id: UUID, reading: _Read, mine: Sequence[Contact]
) -> list[Contact]:
    """Return the contacts to add: the first of a channel is its preferred one."""
    known = {(each.medium, each.address) for each in mine}
    preferred = {each.medium for each in mine if each.is_preferred}
    added = []
    for told in reading.good:
        if (told.medium, told.address) in known:
            continue
        added.append(
            Contact(
                lead_id=lead_id, medium=told.medium, address=told.address,
                identity=told.identity, standing=told.standing,
                is_preferred=told.medium not in preferred,
            )
        )  # fmt: skip
        preferred.add(told.medium)
    return added


def _complain(wanted: Mapping[UUID, _Read]) -> None:
    """Write the issues that nobody has been told of yet; those resolved stay so."""
    said = set(
        ContactIssue.objects.filter(lead__in=wanted).values_list(
            "lead_id", "kind", "detail"
        )
    )
    ContactIssue.objects.bulk_create(
        ContactIssue(lead_id=lead_id, kind=kind, detail=detail)
        for lead_id, read in wanted.items()
        for kind, detail in dict.fromkeys(read.issues)
        if (lead_id, kind, detail) not in said
    )
