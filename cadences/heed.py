"""Heed what providers say of messages of ours: how far they came, that they bounced."""

from uuid import UUID

from django.db.models import Q

from cadences import answer, clock
from cadences.mend import hold, settle
from cadences.models import Account, Attempt, Contact, Execution
from cadences.outcomes import Found, Why
from cadences.reach import write_off
from cadences.reports import Bounced, Echoed, Moved
from cadences.states import Delivery, ExecutionState, Medium
from cadences.track import park, track

IN_DOUBT = (ExecutionState.SENDING, ExecutionState.UNKNOWN, ExecutionState.ASSUMED)


def moved(report: Moved, account: Account) -> None:
    """Write how far a message came; that it moved at all proves that it was sent."""
    execution_id = _by_id(account, report.message_id) or _by_correlation(
        account, report.correlation
    )
    now = clock.now()
    if execution_id is None:
        park(account.pk, report, now=now)
        return
    settle_if_open(execution_id, report.message_id, via="status")
    held = hold(execution_id)
    if held is None:
        return
    run, execution = held
    if track(run, execution, report, now=now) and report.delivery == Delivery.FAILED:
        _failed(execution, run.lead_id, report)


def settle_if_open(execution_id: UUID, message_id: str, *, via: str) -> None:
    """Settle an outcome that is in doubt; one that is known stays as it is."""
    doubted = Execution.objects.filter(pk=execution_id, state__in=IN_DOUBT)
    if doubted.exists():
        settle(execution_id, Found(message_id), via=via)


def _failed(execution: Execution, lead_id: UUID, report: Moved) -> None:
    """Let a late refusal mean for the next messages what an early one would."""
    if report.why == Why.OPTED_OUT:
        answer.opt_out(lead_id, medium=execution.medium, source="provider")
    if report.why == Why.RECIPIENT:
        write_off(lead_id, execution, detail=report.detail)


def echoed(report: Echoed, account: Account) -> None:
    """Know of a message of ours that it was sent: the provider shows it."""
    execution_id = _by_correlation(account, report.correlation)
    if execution_id is not None:
        settle_if_open(execution_id, report.message_id, via="echo")


def bounced(report: Bounced, account: Account) -> None:
    """Write an address off; the message of ours that came back says whose it was."""
    addressed = Q(lead__company=account.company_id, address=report.address)
    rows = Attempt.objects.filter(correlation=report.correlation, account=account)
    sent = rows.values_list("execution__run__lead", "execution__address").first()
    if sent is not None:
        addressed = Q(lead=sent[0], address=sent[1])
    contacts = Contact.objects.select_related("lead").filter(
        addressed, medium=Medium.EMAIL
    )
    for contact in contacts.order_by("lead"):
        answer.bounce(contact, detail=report.detail, complaint=report.is_complaint)


def _by_id(account: Account, message_id: str) -> UUID | None:
    rows = Execution.objects.filter(account=account, provider_message_id=message_id)
    return rows.values_list("pk", flat=True).first()


def _by_correlation(account: Account, correlation: str) -> UUID | None:
    if not correlation:
        return None
    rows = Attempt.objects.filter(account=account, correlation=correlation)
    return rows.values_list("execution_id", flat=True).first()
