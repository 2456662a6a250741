"""Whose message is this? By what it answers, by name, by address; never by guessing."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from cadences.errors import BadAddress
from cadences.models import Account, Attempt, Contact, Execution
from cadences.numbers import normal
from cadences.reports import Heard, TakenOver
from cadences.states import Match, Medium

LID = "@lid"


@dataclass(frozen=True, slots=True)
class Owner:
    """The leads that a message may be from, and how we know."""

    how: Match
    leads: tuple[UUID, ...] = ()

    @property
    def lead(self) -> UUID | None:
        """The one lead it is from."""
        return self.leads[0] if len(self.leads) == 1 else None


def owner_of(
    account: Account | None, report: Heard | TakenOver, *, medium: str
) -> Owner:
    """Return whose a message is; several leads with one address are ambiguous.

    Without an account, the leads of all companies are asked.
    """
    answers = report.answers if isinstance(report, Heard) else ()
    if leads := _by_answer(account, answers):
        return _owner(Match.QUOTED, leads)
    contacts = Contact.objects.filter(_of(account, medium))
    if report.aliases and (leads := _leads(contacts.filter(_named(report.aliases)))):
        return _owner(Match.ALIAS, leads)
    identity = identity_of(medium, report.address)
    leads = _leads(contacts.filter(identity=identity)) if identity else set()
    return _owner(Match.ADDRESS, leads) if leads else Owner(Match.NONE)


def learn(lead_id: UUID, report: Heard | TakenOver, *, medium: str) -> None:
    """Remember the sender's names at the provider: next time it may tell only those."""
    identity = identity_of(medium, report.address)
    names = [each for each in report.aliases if each.endswith(LID)]
    contact = Contact.objects.filter(
        lead=lead_id, medium=medium, identity=identity
    ).first()
    if contact is None or not identity:
        return
    if fresh := [each for each in names if each not in contact.aliases]:
        contact.aliases = [*contact.aliases, *fresh]
        contact.save(update_fields=["aliases"])


def identity_of(medium: str, address: str) -> str:
    """Return what all spellings of an address share; empty if it is none."""
    found = normal_or_none(medium, address)
    return found[1] if found else ""


def normal_or_none(medium: str, address: str) -> tuple[str, str] | None:
    """Return an address in its normal form and its identity; None if it is none.

    A number comes with its country: that is how providers tell it.
    """
    digits = f"+{address.lstrip('+')}"
    try:
        return normal(medium, address if medium == Medium.EMAIL else digits)
    except BadAddress:
        return None


def _by_answer(account: Account | None, answers: tuple[str, ...]) -> set[UUID]:
    if not answers:
        return set()
    rows = Execution.objects.filter(provider_message_id__in=answers)
    rows = rows.filter(account=account) if account else rows
    found = set(rows.values_list("run__lead", flat=True))
    tries = Attempt.objects.filter(correlation__in=answers)
    tries = tries.filter(account=account) if account else tries
    return found | set(tries.values_list("execution__run__lead", flat=True))


def _of(account: Account | None, medium: str) -> Q:
    of = Q(medium=medium, lead__erased_at=None)
    return of & Q(lead__company=account.company_id) if account else of


def _named(names: tuple[str, ...]) -> Q:
    named = Q()
    for each in names:
        named |= Q(aliases__contains=[each])
    return named


def _leads(contacts: QuerySet[Contact]) -> set[UUID]:
    return set(contacts.values_list("lead_id", flat=True))


def _owner(how: Match, leads: set[UUID]) -> Owner:
    if len(leads) > 1:
        return Owner(Match.AMBIGUOUS, tuple(sorted(leads)))
    return Owner(how, tuple(leads))
