"""Everything that decides whether a run's next step may be sent now."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from cadences.hours import Hours
from cadences.models import (
    Account,
    Consent,
    Contact,
    Control,
    Execution,
    Run,
    Step,
    Template,
)
from cadences.states import Medium
from cadences.steps import Zone, calendar_of, hours_of, step_by_key, zone_of
from cadences.suppress import hashed, hold
from cadences.whole import (
    accounts_of,
    execution_of,
    history,
    template_of,
    with_contacts,
)

__all__ = [
    "Facts",
    "Reach",
    "choice",
    "execution_of",
    "find_ways",
    "gather",
    "hash_of",
]


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to the lead: a channel, the contact there, and what is wrong with it."""

    medium: str
    contact: Contact | None
    fault: str = ""
    """Nothing, or `missing`, `invalid` or `suppressed`."""


@dataclass(slots=True)
class Facts:
    """What the gates look at, read under the locks of lead and run."""

    now: datetime
    control: Control
    run: Run
    step: Step | None
    execution: Execution | None
    zone: Zone
    hours: Hours | None
    reaches: list[Reach] = field(default_factory=list)
    template: Template | None = None
    template_code: str = ""
    variant: str = ""
    accounts: list[Account] = field(default_factory=list)
    last_to_lead: datetime | None = None
    previous: Execution | None = None

    @property
    def reach(self) -> Reach | None:
        """The first way to the lead that works."""
        return next((each for each in self.reaches if not each.fault), None)

    @property
    def is_late_by(self) -> timedelta:
        """How long after its plan the step comes."""
        planned = self.run.planned_run_at or self.now
        return self.now - planned


def gather(run: Run, *, now: datetime, execution: Execution | None = None) -> Facts:
    """Read the facts of a run whose lead and row the caller has locked, or not."""
    step = step_by_key(run.version, run.next_step_key)
    with_contacts(run.lead)
    facts = Facts(
        now=now, control=Control(is_on=True, redirects={}, reason=""), run=run,
        step=step, execution=execution, zone=zone_of(run),
        hours=hours_of(calendar_of(run, step)),
    )  # fmt: skip
    find_ways(facts, step)
    if step is not None:
        _text(facts, step)
        _previous(facts, step)
    return facts


def find_ways(facts: Facts, step: Step | None) -> None:
    """Hold the lead's addresses, then read who may be written to, and what went."""
    run = facts.run
    contacts = with_contacts(run.lead)
    hashes = {
        (each.medium, hashed(each.medium, each.address)): each for each in contacts
    }
    held = sorted({digest for _, digest in hashes})
    hold(held)
    # After the step before, its own delay says how long to wait.
    own = None if step is not None and step.base == Step.Base.START else run.pk
    is_on, reason, redirects, stopped, said, last = history(
        run, held, now=facts.now, but=own
    )
    if is_on is not None:
        switched = json.loads(redirects) if isinstance(redirects, str) else redirects
        facts.control = Control(is_on=is_on, reason=reason, redirects=switched)
    if step is None:
        return
    facts.last_to_lead = last
    closed = {
        contact.pk
        for (medium, digest), contact in hashes.items()
        for covered, found in stopped or ()
        if found == digest and covered in {None, medium}
    }
    _reaches(facts, step, closed, _revoked(said or ()))


def _reaches(facts: Facts, step: Step, closed: set[int], revoked: set[str]) -> None:
    media = [str(step.medium), *(each for each in step.fallbacks if each in Medium)]
    contacts = with_contacts(facts.run.lead)
    for medium in dict.fromkeys(media):
        found = [each for each in contacts if each.medium == medium]
        facts.reaches.append(_best(medium, found, closed, is_revoked=medium in revoked))


def _best(
    medium: str, contacts: list[Contact], closed: set[int], *, is_revoked: bool
) -> Reach:
    """Return the way over one channel: the preferred good contact, or why none."""
    bad = (Contact.Standing.INVALID, Contact.Standing.PLACEHOLDER)
    ranked = sorted(contacts, key=lambda each: (not each.is_preferred, each.pk))
    good = [each for each in ranked if each.standing not in bad]
    if not ranked:
        return Reach(medium, None, "missing")
    # Whoever opted out of one of several numbers meant all of them.
    if is_revoked or any(each.pk in closed for each in ranked):
        return Reach(medium, ranked[0], "suppressed")
    if not good:
        return Reach(medium, ranked[0], "invalid")
    return Reach(medium, good[0])


def _revoked(said: Iterable[tuple[str | None, str]]) -> set[str]:
    """Return the channels in which the lead's last word was no."""
    last: dict[str, str] = {}
    for medium, standing in said:
        for each in [medium] if medium else Medium.values:
            last[each] = standing
    return {each for each, word in last.items() if word != Consent.Standing.GRANTED}


def _text(facts: Facts, step: Step) -> None:
    reach = facts.reach
    facts.template_code, facts.variant = choice(step, facts.run)
    if reach is None or step.kind != Step.Kind.MESSAGE:
        return
    company = facts.run.company_id
    facts.template = template_of(company, reach.medium, facts.template_code)
    facts.accounts = accounts_of(company, reach.medium)


def choice(step: Step, run: Run) -> tuple[str, str]:
    """Return the template of the step for this lead, and which variant it is."""
    variants = [each for each in step.variants.all() if each.weight]
    if not variants:
        return step.template_code, ""
    variants.sort(key=lambda each: each.code)
    place = hash_of(f"{step.key}:{run.lead_id}") % sum(v.weight for v in variants)
    for each in variants:
        if place < each.weight:
            return each.template_code, each.code
        place -= each.weight
    raise AssertionError("the weights add up")


def hash_of(text: str) -> int:
    """Return a number that is the same for a text in every process."""
    return int(sha256(text.encode()).hexdigest()[:8], 16)


def _previous(facts: Facts, step: Step) -> None:
    run = facts.run
    if not step.conditions:
        return
    facts.previous = (
        Execution.objects.filter(run=run, round=run.round, position=run.last_step)
        .order_by("created_at")
        .last()
    )
