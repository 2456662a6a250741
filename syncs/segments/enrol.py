"""From an event of a lead to a cadence: each rule once for each event, whoever saw it."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from cadences.enroll import enroll
from cadences.errors import NotEnrolled
from cadences.models import Run
from cadences.runner import wake_next
from syncs.models import Enrolment, EnrolmentRule, LeadEvent, SegmentMember

SOURCE = "segment"
On = EnrolmentRule.On


def enrol(events: Iterable[int]) -> dict[str, int]:
    """Let every rule that is on look at these events; count who was put where.

    The row of a rule and an event is written before the run, in its transaction: who
    comes second, a webhook, a sync or another try of this, finds it and does nothing.
    """
    counts = {"enrolled": 0, "refused": 0, "known": 0}
    rules = list(EnrolmentRule.objects.filter(is_active=True).select_related("cadence"))
    rows = LeadEvent.objects.filter(pk__in=list(events)).select_related("lead")
    for event in rows.order_by("pk"):
        for rule in rules:
            if _applies(rule, event):
                counts[_enrol(rule, event)] += 1
    if counts["enrolled"]:
        wake_next()
    return counts


@transaction.atomic
def _enrol(rule: EnrolmentRule, event: LeadEvent) -> str:
    row = Enrolment(rule=rule, event=event, lead_id=event.lead_id)
    Enrolment.objects.bulk_create([row], ignore_conflicts=True)
    mine = Enrolment.objects.select_for_update().get(rule=rule, event=event)
    if mine.run_id is not None or mine.motive:
        return "known"
    try:
        mine.run = _run(rule, event)
        end = "enrolled"
    except NotEnrolled as error:
        mine.motive = error.motive[:30]
        mine.detail = str(error)[:200]
        end = "refused"
    mine.save(update_fields=["run", "motive", "detail"])
    return end


def _run(rule: EnrolmentRule, event: LeadEvent) -> Run:
    told = {"rule": rule.name, "event": str(event.kind), **_told(event)}
    return enroll(
        event.lead, rule.cadence, context=told, source=SOURCE, actor=f"rule {rule.pk}"
    )


def _told(event: LeadEvent) -> dict[str, str]:
    return {} if event.control is None else {"segment": str(event.control)}


def _applies(rule: EnrolmentRule, event: LeadEvent) -> bool:
    """Tell whether a rule is about this event; the cadence is of the lead's company."""
    if rule.on != event.kind or rule.cadence.company_id != event.lead.company_id:
        return False
    if event.is_baseline and not rule.with_baseline:
        return False
    match rule.on:
        case On.JOINED:
            return rule.control_id in {None, event.control_id}
        case On.CHANGED:
            return _names(rule, event) and _is_member(rule, event)
        case _:
            said = event.details.get("event")
            return bool(rule.event == said) and _is_member(rule, event)


def _names(rule: EnrolmentRule, event: LeadEvent) -> bool:
    changed: Sequence[str] = event.details.get("facts", [])
    return not rule.facts or bool(set(rule.facts) & set(changed))


def _is_member(rule: EnrolmentRule, event: LeadEvent) -> bool:
    if rule.control_id is None:
        return True
    return SegmentMember.objects.filter(
        control=rule.control_id, lead=event.lead_id, removed_at=None
    ).exists()
