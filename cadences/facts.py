"""Everything that decides whether a run's next step may be sent now."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db.models import Max, prefetch_related_objects

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
from cadences.states import MAYBE_SENT, Medium
from cadences.steps import Zone, calendar_of, hours_of, step_by_key, zone_of
from cadences.suppress import hashed, hold, suppressed


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
    prefetch_related_objects([run.lead], "contacts")
    facts = Facts(
        now=now,
        control=Control.objects.filter(pk=1).first()
        or Control(is_on=True, redirects={}, reason=""),
        run=run,
        step=step,
        execution=execution,
        zone=zone_of(run),
        hours=hours_of(calendar_of(run, step)),
    )
    if step is not None:
        _reaches(facts, step)
        _text(facts, step)
        _history(facts, step)
    return facts


def execution_of(run: Run) -> Execution | None:
    """Return the row of the run's next step in this round."""
    if (key := run.next_step_key) is None:
        return None
    rows = Execution.objects.filter(run=run, round=run.round, step_key=key)
    return rows.select_related("account").first()


def _reaches(facts: Facts, step: Step) -> None:
    run = facts.run
    media = [str(step.medium), *(each for each in step.fallbacks if each in Medium)]
    contacts = list(run.lead.contacts.all())
    hashes = {
        (each.medium, hashed(each.medium, each.address)): each for each in contacts
    }
    hold(digest for _, digest in hashes)
    stopped = suppressed(hashes, company=run.company_id, now=facts.now)
    closed = {hashes[pair].pk for pair in stopped}
    revoked = _revoked(run)
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


def _revoked(run: Run) -> set[str]:
    """Return the channels in which the lead's last word was no."""
    last: dict[str, str] = {}
    rows = Consent.objects.filter(lead=run.lead_id).order_by("at", "pk")
    for medium, standing in rows.values_list("medium", "standing"):
        for each in [medium] if medium else Medium.values:
            last[each] = standing
    return {each for each, word in last.items() if word != Consent.Standing.GRANTED}


def _text(facts: Facts, step: Step) -> None:
    reach = facts.reach
    facts.template_code, facts.variant = _choice(step, facts.run)
    if reach is None or step.kind != Step.Kind.MESSAGE:
        return
    facts.template = (
        Template.objects.select_related("revision")
        .filter(
            company=facts.run.company_id,
            medium=reach.medium,
            code=facts.template_code,
        )
        .first()
    )
    facts.accounts = list(
        Account.objects.filter(company=facts.run.company_id, medium=reach.medium)
        .order_by("name")
    )  # fmt: skip


def _choice(step: Step, run: Run) -> tuple[str, str]:
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


def _history(facts: Facts, step: Step) -> None:
    run = facts.run
    sent = Execution.objects.filter(run__lead=run.lead_id, state__in=MAYBE_SENT)
    if step.base != Step.Base.START:
        sent = sent.exclude(run=run)  # its own delay says how long to wait
    facts.last_to_lead = sent.aggregate(last=Max("intended_at"))["last"]
    if not step.conditions:
        return
    facts.previous = (
        Execution.objects.filter(run=run, round=run.round, position=run.last_step)
        .order_by("created_at")
        .last()
    )
