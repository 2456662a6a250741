"""Say whose message it is that nobody could tell, or that it is nobody's."""

from uuid import UUID

from django.db import transaction

from cadences.answer import hear, is_timely
from cadences.errors import IllegalMove
from cadences.intend import lock
from cadences.models import Lead, Message, Run
from cadences.pause import resume
from cadences.replies import Kind, Reading
from cadences.states import Match, PauseReason, RunStatus

UNOWNED = (Match.AMBIGUOUS, Match.NONE)


@transaction.atomic
def assign(message_id: int, lead_id: UUID, *, actor: str) -> Message:
    """Let a message be that lead's reply; runs that waited for the answer go on.

    It counts for the lead's runs as if it had been known at once. Raises IllegalMove.
    """
    message = _held(message_id)
    candidates = _hold_leads(message, lead_id)
    lead = Lead.objects.filter(pk=lead_id).first()
    if lead is None or lead.erased_at is not None:
        raise IllegalMove("This lead was erased")
    reading = Reading(Kind(message.reading or Kind.HUMAN))
    if reading.kind == Kind.OPT_OUT or is_timely(lead_id, message.created_at):
        hear(lead_id, reading, medium=message.channel, text=message.body)
    message.lead = lead
    _close(message, Match.PERSON, assigned_by=actor)
    _release(candidates, actor=actor)
    return message


@transaction.atomic
def dismiss(message_id: int, *, actor: str) -> Message:
    """Say that a message is no lead's; runs that waited for the answer go on."""
    message = _held(message_id)
    candidates = _hold_leads(message)
    _close(message, "", dismissed_by=actor)
    _release(candidates, actor=actor)
    return message


def candidates_of(message: Message) -> list[UUID]:
    """Return the leads that a message may be from."""
    return sorted(UUID(each) for each in message.details.get("leads", []))


def _held(message_id: int) -> Message:
    message = Message.objects.select_for_update().filter(pk=message_id).first()
    if message is None or message.lead_id or message.match not in UNOWNED:
        raise IllegalMove("Somebody dealt with this message meanwhile")
    return message


def _hold_leads(message: Message, *others: UUID) -> list[UUID]:
    """Lock all leads that may be touched, in the one order; return the candidates."""
    found = candidates_of(message)
    rows = Lead.objects.select_for_update(no_key=True)
    list(rows.filter(pk__in={*found, *others}).order_by("pk").values_list("pk"))
    return found


def _close(message: Message, match: str, **told: str) -> None:
    message.match = match
    message.details = {**message.details, **told}
    message.save(update_fields=["lead", "match", "details"])


def _release(leads: list[UUID], *, actor: str) -> None:
    """Resume the runs that waited for this, unless they wait for another message."""
    for lead in leads:
        others = Message.objects.filter(
            match=Match.AMBIGUOUS, lead=None, details__leads__contains=[str(lead)]
        )
        if others.exists():
            continue
        waiting = Run.objects.filter(
            lead=lead, status=RunStatus.PAUSED, pause_reason=PauseReason.AMBIGUOUS
        )
        for key in waiting.order_by("pk").values_list("pk", flat=True):
            run = lock(key)
            if run is not None and run.pause_reason == PauseReason.AMBIGUOUS:
                resume(run, actor=actor)
