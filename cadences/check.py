"""Check whether an account works, without sending anything."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cadences.errors import CadenceError
from cadences.models import Account
from cadences.ports import Checkable, channel
from queues.errors import QueueError


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether an account can send now, and what its provider says of it."""

    works: bool
    detail: str


def check(account: Account) -> Checked:
    """Ask the provider of an account, within seconds; never inside a transaction."""
    try:
        adapter = channel(account.adapter)
        if not isinstance(adapter, Checkable):
            return Checked(True, _("This adapter has nothing to check."))  # noqa: FBT003
        return Checked(True, adapter.check(account.sender()))  # noqa: FBT003
    except (CadenceError, QueueError) as error:
        return Checked(False, str(error))  # noqa: FBT003
