"""Forget a person by request: names, addresses and texts go, the suppression stays."""

from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.advance import finish
from cadences.intend import lock
from cadences.models import EnrollmentRow, Event, Execution, Lead, Run, Suppression
from cadences.states import LIVE, ExitReason
from cadences.suppress import suppress

WORDS = ("detail", "said", "evidence", "title")
"""Details of events that may quote a person."""


@transaction.atomic
def erase(lead_id: UUID, *, actor: str) -> None:
    """End the lead's runs, suppress their addresses by hash, and blank what is theirs.

    Counters and states stay: what was done is still counted, not for whom.
    """
    lead = Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    for run_id in (
        Run.objects.filter(lead=lead).order_by("pk").values_list("pk", flat=True)
    ):
        run = lock(run_id)
        if run is not None and run.status in LIVE:
            finish(run, ExitReason.LEAD_REMOVED, actor=actor)
    for contact in lead.contacts.order_by("address"):
        suppress(
            contact.medium, contact.address, reason=Suppression.Reason.ERASURE,
            company=lead.company_id, everywhere=True,
        )  # fmt: skip
    _blank(lead)


def _blank(lead: Lead) -> None:
    lead.contacts.all().delete()
    lead.issues.all().delete()
    lead.consents.update(evidence={})
    Execution.objects.filter(run__lead=lead).update(address="", subject="", body="")
    for event in Event.objects.filter(run__lead=lead, details__has_any_keys=WORDS):
        event.details = {k: v for k, v in event.details.items() if k not in WORDS}
        event.save(update_fields=["details"])
    Run.objects.filter(lead=lead).update(context={})
    EnrollmentRow.objects.filter(run__lead=lead).update(data={})
    Lead.objects.filter(pk=lead.pk).update(
        name="", first_name="", external_id=None, data={}, owner=None,
        do_not_contact=True, erased_at=clock.now(),
    )  # fmt: skip
