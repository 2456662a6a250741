"""Take a lead at the word of a link: no more messages, in any channel."""

from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.answer import opt_out
from cadences.models import Contact, Lead, Run
from cadences.states import LIVE, Medium
from cadences.suppress import hashed, suppressed


@transaction.atomic
def unsubscribe(lead_id: UUID) -> bool:
    """Opt a lead out and tell whether that is new; saying it again changes nothing.

    Raises Lead.DoesNotExist for a lead who is no longer there.
    """
    lead = Lead.objects.select_for_update(no_key=True).get(pk=lead_id)
    if _is_out(lead):
        return False
    opt_out(lead.pk, medium=Medium.EMAIL, source="one-click")
    return True


def _is_out(lead: Lead) -> bool:
    if Run.objects.filter(lead=lead, status__in=LIVE).exists():
        return False
    contacts = list(Contact.objects.filter(lead=lead))
    pairs = [(each.medium, hashed(each.medium, each.address)) for each in contacts]
    out = suppressed(pairs, company=lead.company_id, now=clock.now())
    return lead.erased_at is not None or (bool(contacts) and set(pairs) <= out)
