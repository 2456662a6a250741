"""Let an account rest, and wake it: by people, whatever its breaker says."""

from django.db import transaction
from django.utils.translation import gettext as _

from cadences.errors import IllegalMove
from cadences.models import Account
from queues.audit import record

State = Account.State


def rests(account: Account) -> bool:
    """Tell whether people have taken the account out, or its breaker has."""
    return account.state != State.ACTIVE or account.broken_until is not None


@transaction.atomic
def rest(account: Account) -> None:
    """Let an account send nothing until it is woken; its runs wait or go elsewhere."""
    held = Account.objects.select_for_update().get(pk=account.pk)
    if held.state == State.PAUSED:
        raise IllegalMove(_("The account rests already"))
    Account.objects.filter(pk=held.pk).update(state=State.PAUSED)
    record(
        "account.rest", held,
        before={"state": held.state}, after={"state": State.PAUSED.value},
    )  # fmt: skip


@transaction.atomic
def wake(account: Account) -> None:
    """Let an account send again, and forget its failures."""
    held = Account.objects.select_for_update().get(pk=account.pk)
    if not rests(held) and not held.failures:
        raise IllegalMove(_("The account is awake"))
    Account.objects.filter(pk=held.pk).update(
        state=State.ACTIVE, broken_until=None, failures=0
    )
    before = {
        "state": held.state, "failures": held.failures,
        "rests until": held.broken_until,
    }  # fmt: skip
    record("account.wake", held, before=before, after={"state": State.ACTIVE.value})
