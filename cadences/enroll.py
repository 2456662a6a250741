"""Enrol a lead: one run, in the cadence's published version, or a reason why not."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from cadences import clock
from cadences.errors import NotEnrolled
from cadences.facts import gather
from cadences.models import Cadence, Lead, Run, Step
from cadences.states import FINAL, LIVE, EventType
from cadences.steps import due_at, steps_of
from cadences.tell import tell


def enroll(  # noqa: PLR0913 - one word for each thing that a caller may say
    lead: Lead,
    cadence: Cadence,
    *,
    context: dict[str, Any] | None = None,
    start_at: datetime | None = None,
    first_step: int = 1,
    source: str = "",
    actor: str = "",
    without_contact: bool = False,
    may_return: bool = False,
) -> Run:
    """Put a lead into a cadence; its first step is due by its own delay.

    Raises NotEnrolled with one of the motives CADENCIA_INATIVA, SUPRIMIDO,
    JA_ATIVA, EXCLUSIVA, REENTRADA, SEM_CONTATO; the database decides races.
    With `may_return` a person has decided that the lead may enter again.
    """
    try:
        with transaction.atomic():
            return _enroll(
                lead, cadence, context=context or {}, start_at=start_at,
                first_step=first_step, source=source, actor=actor,
                without_contact=without_contact, may_return=may_return,
            )  # fmt: skip
    except IntegrityError as error:
        names = str(error)
        if "run_one_exclusive_per_company" in names:
            raise NotEnrolled("EXCLUSIVA") from None
        if "run_one_live_per_cadence" in names or "run_round_once" in names:
            raise NotEnrolled("JA_ATIVA") from None
        raise


def _enroll(  # noqa: PLR0913
    lead: Lead, cadence: Cadence, *, context: dict[str, Any],
    start_at: datetime | None, first_step: int, source: str, actor: str,
    without_contact: bool, may_return: bool,
) -> Run:  # fmt: skip
    lead = Lead.objects.select_for_update(no_key=True).get(pk=lead.pk)
    cadence = Cadence.objects.select_related("published", "company").get(pk=cadence.pk)
    now = clock.now()
    round_ = _may_enter(lead, cadence, now=now, may_return=may_return)
    version = cadence.published
    if version is None:
        raise NotEnrolled("CADENCIA_INATIVA", "no version is published")
    step = next(
        (each for each in steps_of(version) if each.position >= first_step), None
    )
    if step is None:
        raise NotEnrolled("CADENCIA_INATIVA", "no such step")
    start = max(start_at or now, now)
    run = Run(
        lead=lead, company_id=cadence.company_id, cadence=cadence, version=version,
        round=round_, is_exclusive=cadence.is_exclusive, started_at=now,
        anchor_at=start, last_step=0, next_step=step.position,
        next_step_key=step.key, context=context, source=source, enrolled_by=actor,
        created_at=now, updated_at=now,
    )  # fmt: skip
    run.next_run_at = run.planned_run_at = due_at(step, run, previous=start)
    _check_ways(run, now=now, without_contact=without_contact)
    run.save(force_insert=True)
    tell(run, EventType.ENROLLED, actor=actor, at=run.next_run_at.isoformat())
    return run


def _may_enter(lead: Lead, cadence: Cadence, *, now: datetime, may_return: bool) -> int:
    """Return the number of the round, or raise NotEnrolled."""
    if cadence.state != Cadence.State.ACTIVE:
        raise NotEnrolled("CADENCIA_INATIVA", cadence.state)
    if lead.company_id != cadence.company_id:
        raise NotEnrolled("CADENCIA_INATIVA", "of another company")
    if lead.do_not_contact or lead.erased_at is not None:
        raise NotEnrolled("SUPRIMIDO", "do not contact")
    runs = Run.objects.filter(lead=lead, cadence=cadence)
    if runs.filter(status__in=LIVE).exists():
        raise NotEnrolled("JA_ATIVA")
    if not may_return and (
        past := runs.filter(status__in=FINAL).order_by("-round").first()
    ):
        _may_return(past, cadence, now=now)
    return 1 + (runs.aggregate(last=Max("round"))["last"] or 0)


def _may_return(past: Run, cadence: Cadence, *, now: datetime) -> None:
    match cadence.reentry:
        case Cadence.Reentry.NEVER:
            raise NotEnrolled("REENTRADA", "never")
        case Cadence.Reentry.AFTER_DAYS:
            free = past.updated_at + timedelta(days=cadence.reentry_days)
            if now < free:
                raise NotEnrolled("REENTRADA", f"from {free.isoformat()} on")
        case _:
            pass


def _check_ways(run: Run, *, now: datetime, without_contact: bool) -> None:
    """Refuse a lead that no step may reach."""
    faults = []
    messages = [s for s in steps_of(run.version) if s.kind == Step.Kind.MESSAGE]
    for step in messages:
        probe = Run(
            pk=run.pk, lead=run.lead, company=run.company, cadence=run.cadence,
            version=run.version, round=run.round, last_step=0, next_step_key=step.key,
        )  # fmt: skip
        reaches = gather(probe, now=now).reaches
        faults += [each.fault for each in reaches]
    if "" in faults or not messages:
        return
    if "suppressed" in faults:
        raise NotEnrolled("SUPRIMIDO")
    if not without_contact:
        raise NotEnrolled("SEM_CONTATO")
