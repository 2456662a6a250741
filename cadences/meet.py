"""Meet a lead: find the one that data speaks of, or write a new one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

from cadences import reach
from cadences.errors import BadAddress, InvalidLead
from cadences.models import Company, Lead
from cadences.reach import Address, give
from cadences.states import Medium

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('meet:' || %s, 0))"
LENGTHS = {"external_id": 200, "name": 200, "first_name": 100, "stage": 100}
MOST_FACTS, LONGEST_FACT = 50, 2000


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody told of a lead, checked; what is empty was not told."""

    texts: dict[str, str]
    time_zone: str = ""
    addresses: tuple[Address, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """What tells a person from every other, in one order."""
        found = {f"{each.medium}:{each.identity}" for each in self.addresses}
        if external := self.texts.get("external_id"):
            found.add(f"id:{external}")
        return sorted(found)


def read(told: Mapping[str, Any]) -> Person:
    """Check what was told of a lead; raises InvalidLead with all that is wrong."""
    faults: list[str] = []
    texts = {name: _text(told, name, most, faults) for name, most in LENGTHS.items()}
    addresses = [
        each
        for name, medium in (("phone", Medium.WHATSAPP), ("email", Medium.EMAIL))
        if (each := _address(told, name, medium, faults)) is not None
    ]
    zone = _zone(_text(told, "time_zone", 64, faults), faults)
    data = _data(told.get("data") or {}, faults)
    if not faults and not addresses and not texts["external_id"]:
        faults.append(_("a phone number, an e-mail address or an id is needed"))
    if faults:
        raise InvalidLead(faults)
    return Person(texts, zone, tuple(addresses), data)


def meet(company: Company, person: Person, *, owner: User | None = None) -> Lead:
    """Return the lead of this company, written or brought up to date, in the caller's
    transaction.

    An id of theirs decides first, then an address that one lead alone has. What was
    not told stays as it is. Raises InvalidLead if several leads have the address.
    """
    with connection.cursor() as cursor:
        for key in person.keys:
            cursor.execute(LOCK, [f"{company.pk}:{key}"])
    lead = _known(company, person) or _added(company, person, owner)
    changes = {
        name: value
        for name, value in (*person.texts.items(), ("time_zone", person.time_zone))
        if value and getattr(lead, name) != value
    }
    for name, value in changes.items():
        setattr(lead, name, value)
    lead.data = {**lead.data, **person.data}
    if changes or person.data:
        lead.save(update_fields=[*changes, "data"])
    for each in person.addresses:
        give(lead, each)
    return lead


def _added(company: Company, person: Person, owner: User | None) -> Lead:
    """Write a new lead, or return the one that a sync has brought meanwhile."""
    external = person.texts["external_id"] or None
    fresh = Lead(id=uuid4(), company=company, owner=owner, external_id=external)
    Lead.objects.bulk_create([fresh], ignore_conflicts=True)
    held = Lead.objects.select_for_update(no_key=True)
    if external is None:
        return held.get(pk=fresh.pk)
    return held.get(company=company, external_id=external)


def _known(company: Company, person: Person) -> Lead | None:
    # Locked: whoever else writes facts of the lead adds theirs to ours.
    leads = Lead.objects.filter(company=company, erased_at=None)
    held = leads.select_for_update(no_key=True)
    external = person.texts["external_id"]
    if external and (found := held.filter(external_id=external).first()):
        return found
    same = leads.none()
    for each in person.addresses:
        same |= leads.filter(
            contacts__medium=each.medium, contacts__identity=each.identity
        )
    if external:
        same = same.filter(external_id=None)  # another id is another person
    several = list(same.distinct().values_list("pk", flat=True)[:2])
    if len(several) > 1:
        raise InvalidLead([_("several leads have this address: tell their id")])
    return held.filter(pk=several[0]).first() if several else None


def _text(told: Mapping[str, Any], name: str, most: int, faults: list[str]) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        faults.append(_("%(name)s must be a text") % {"name": name})
        return ""
    text = " ".join(str(value).replace("\x00", "").split())
    if len(text) > most:
        said = {"name": name, "most": most}
        faults.append(_("%(name)s is longer than %(most)s characters") % said)
    return text


def _address(
    told: Mapping[str, Any], name: str, medium: str, faults: list[str]
) -> Address | None:
    text = _text(told, name, 254, faults)
    if not text:
        return None
    try:
        return reach.read(medium, text)
    except BadAddress:
        said = {"name": name, "text": text[:50]}
        faults.append(_("%(name)s: “%(text)s” is none that can be written to") % said)
        return None


def _zone(name: str, faults: list[str]) -> str:
    try:
        return name and ZoneInfo(name).key
    except (KeyError, OSError, ValueError):
        faults.append(_("“%(name)s” is no time zone") % {"name": name[:50]})
        return ""


def _data(data: Any, faults: list[str]) -> dict[str, Any]:
    """Return facts that a template can say: plain values under short names."""
    if not isinstance(data, Mapping) or len(data) > MOST_FACTS:
        faults.append(_("data must be an object of at most %d members") % MOST_FACTS)
        return {}
    for name, value in data.items():
        plain = value is None or isinstance(value, str | int | float | bool)
        if not plain or len(str(value)) > LONGEST_FACT or len(str(name)) > 100:  # noqa: PLR2004
            faults.append(_("data.%(name)s must be a plain value") % {"name": name})
    return dict(data)
