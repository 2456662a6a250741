"""What a lead does to their runs: replies, opts out, is away, bounces, meets us."""

from datetime import datetime, time, timedelta
from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.advance import finish, pause, write
from cadences.hours import add_business_days, at
from cadences.intend import lock
from cadences.models import Cadence, Consent, Contact, Lead, Run, Step, Suppression
from cadences.replies import Kind, Reading
from cadences.states import (
    LIVE,
    EventType,
    ExitReason,
    PauseReason,
    RunStatus,
)
from cadences.steps import calendar_of, hours_of, steps_of, zone_of
from cadences.suppress import suppress
from cadences.tell import tell

SKEW = timedelta(minutes=1)
"""How far a provider's clock may be from ours."""
ABSENT_DAYS = 3
"""Business days to wait for someone away who did not say until when."""


@transaction.atomic
def hear(lead_id: UUID, reading: Reading, *, medium: str, text: str = "") -> list[Run]:
    """Apply what a lead wrote to all their live runs; return those.

    Whoever sends holds the same locks: a reply that commits first stops the message.
    """
    now = _now(lead_id)
    runs = _live(lead_id)
    if reading.kind == Kind.OPT_OUT:
        _opt_out(lead_id, runs, medium=medium, text=text, now=now)
        return runs
    if reading.kind in {Kind.HUMAN, Kind.MAYBE_OPT_OUT}:
        Lead.objects.filter(pk=lead_id).update(replied_at=now)
    for run in runs:
        _listen(run, reading, medium=medium, now=now)
    return runs


def _listen(run: Run, reading: Reading, *, medium: str, now: datetime) -> None:
    match reading.kind:
        case Kind.ABSENCE:
            _away(run, reading, now=now)
        case Kind.MAYBE_OPT_OUT:
            tell(run, EventType.REPLIED, medium=medium, maybe_opt_out=True)
            _hold(run, PauseReason.MAYBE_OPT_OUT, now=now)
        case Kind.HUMAN:
            _replied(run, medium=medium, now=now)
        case _:
            tell(run, EventType.AUTO_REPLY, medium=medium)


def is_timely(lead_id: UUID, at: datetime | None) -> bool:
    """Tell whether a message can be meant for a run: one from before it is not."""
    runs = Run.objects.filter(lead=lead_id, status__in=LIVE)
    if at is None or not runs.exists():
        return True
    return runs.filter(started_at__lte=at + SKEW).exists()


@transaction.atomic
def hold(lead_ids: list[UUID]) -> list[Run]:
    """Pause the active runs of leads, one of whom may have replied: a person decides."""
    held = []
    for lead_id in sorted(set(lead_ids)):
        now = _now(lead_id)
        for run in _live(lead_id):
            _hold(run, PauseReason.AMBIGUOUS, now=now)
            held.append(run)
    return held


@transaction.atomic
def opt_out(lead_id: UUID, *, medium: str, source: str) -> list[Run]:
    """End all runs of a lead who wants no more messages, and remember it for good."""
    now = _now(lead_id)
    runs = _live(lead_id)
    _opt_out(lead_id, runs, medium=medium, text=source, now=now)
    return runs


@transaction.atomic
def leave(lead_id: UUID, reason: ExitReason, *, actor: str = "") -> list[Run]:
    """End all live runs of a lead: a meeting, a stage, a complaint, a bounce."""
    _now(lead_id)
    runs = _live(lead_id)
    for run in runs:
        finish(run, reason, actor=actor)
    return runs


@transaction.atomic
def bounce(contact: Contact, *, detail: str, complaint: bool = False) -> list[Run]:
    """Write an address off after a hard bounce or a complaint, and end the runs."""
    _now(contact.lead_id)
    runs = _live(contact.lead_id)
    word = Suppression.Reason.COMPLAINT if complaint else Suppression.Reason.BOUNCE
    company = contact.lead.company_id
    suppress(contact.medium, contact.address, reason=word, company=company)
    Contact.objects.filter(pk=contact.pk).update(standing=Contact.Standing.INVALID)
    reason = ExitReason.COMPLAINT if complaint else ExitReason.BOUNCE
    for run in runs:
        tell(run, EventType.BOUNCED, detail=detail)
        finish(run, reason, detail=detail)
    return runs


def _now(lead_id: UUID) -> datetime:
    """Lock a lead; return the moment after that."""
    Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    return clock.now()


def _live(lead_id: UUID) -> list[Run]:
    """Lock the live runs of a locked lead, in the one order."""
    ids = Run.objects.filter(lead=lead_id, status__in=LIVE).order_by("pk")
    found = [lock(each) for each in ids.values_list("pk", flat=True)]
    return [run for run in found if run is not None and run.status in LIVE]


def _opt_out(
    lead_id: UUID, runs: list[Run], *, medium: str, text: str, now: datetime
) -> None:
    lead = Lead.objects.get(pk=lead_id)
    Lead.objects.filter(pk=lead_id).update(replied_at=now)
    Consent.objects.create(
        lead=lead, standing=Consent.Standing.REVOKED, source=medium, at=now,
        evidence={"said": text[:500]},
    )  # fmt: skip
    for contact in lead.contacts.order_by("address"):
        suppress(
            contact.medium, contact.address, reason=Suppression.Reason.OPT_OUT,
            company=lead.company_id, everywhere=True, source=medium,
        )  # fmt: skip
    for run in runs:
        tell(run, EventType.OPTED_OUT, medium=medium)
        finish(run, ExitReason.OPT_OUT)


def _replied(run: Run, *, medium: str, now: datetime) -> None:
    """Let a reply of a human being do what the last step and the cadence say."""
    tell(run, EventType.REPLIED, medium=medium)
    last = [s for s in steps_of(run.version) if s.position == run.last_step]
    rule = run.cadence.on_reply
    if rule == Cadence.OnReply.GO_ON or (last and not last[0].stop_on_reply):
        write(run, heard_at=now)
    elif rule == Cadence.OnReply.PAUSE:
        _hold(run, PauseReason.REPLY, now=now)
    else:
        finish(run, ExitReason.REPLIED)


def _hold(run: Run, reason: PauseReason, *, now: datetime) -> None:
    if run.status == RunStatus.ACTIVE:
        pause(run, reason, now=now)


def _away(run: Run, reading: Reading, *, now: datetime) -> None:
    """Wait for someone's return, and then for what was left of the step's wait."""
    tell(run, EventType.AUTO_REPLY, until=reading.until and reading.until.isoformat())
    if run.status != RunStatus.ACTIVE:
        return
    zone, step = zone_of(run).info, _next(run)
    hours = hours_of(calendar_of(run, step))
    back = now + timedelta(days=ABSENT_DAYS)
    if reading.until is not None:
        back = at(reading.until, time(), zone)
    elif hours is not None:
        back = add_business_days(now, ABSENT_DAYS, zone, hours)
    if hours is not None:
        back = hours.opening(back, zone) or back
    pause(run, PauseReason.ABSENCE, now=now, until=back)


def _next(run: Run) -> Step | None:
    steps = (s for s in steps_of(run.version) if s.key == run.next_step_key)
    return next(steps, None)


def takes_over(lead_id: UUID, *, manual: bool, actor: str) -> list[Run]:
    """Let a person talk to a lead, or the cadences again; nothing resumes by itself."""
    with transaction.atomic():
        now = _now(lead_id)
        mode = Lead.Mode.MANUAL if manual else Lead.Mode.AUTO
        Lead.objects.filter(pk=lead_id).update(mode=mode)
        runs = _live(lead_id) if manual else []
        for run in runs:
            if run.status == RunStatus.ACTIVE:
                pause(run, PauseReason.TAKEN_OVER, now=now, actor=actor)
    return runs
