"""What went wrong, as people read it: rows keep the code, and a text in English."""

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from syncs.phrase import phrase
from syncs.states import ErrorKind

SEVERAL = "several"
REASONS: dict[str, str | Promise] = {
    # How a run ended.
    "cancelled": _("Cancelled"),
    "nothing_to_call": _("No connection of this store may be called"),
    "paused": _("The connection was paused"),
    "stalled": _("It made no progress"),
    "job_died": _("Its job died"),
    "job_cancelled": _("Its job was cancelled"),
    "deadline": _("It was not done within a day"),
    "kept_aside": _("Some rows could not be used and were kept aside"),
    SEVERAL: _("Several things went wrong: each stream says what"),
    # The classes of errors, where nothing more exact is known.
    ErrorKind.RATE_LIMIT: _("The provider's limit of calls is used up"),
    ErrorKind.QUOTA: _("The calls that the provider allows in a day are used up"),
    ErrorKind.TRANSIENT: _("The provider did not answer as it should"),
    ErrorKind.AUTH: _("The provider refuses access"),
    ErrorKind.CONFIG: _("Something about the connection must be set right"),
    ErrorKind.ACCOUNT_STATE: _("The provider has locked the account"),
    ErrorKind.CURSOR_INVALID: _("The provider no longer knows the page to go on from"),
    ErrorKind.PAGINATION_LOOP: _("The provider's pages go in circles"),
    ErrorKind.CONTRACT: _("The provider answered with something unexpected"),
    ErrorKind.DATA_QUALITY: _("The numbers cannot be right and were held back"),
    ErrorKind.LEASE_LOST: _("Another worker took over"),
    ErrorKind.INTERNAL: _("Something broke while it was read"),
    # What calls come to.
    "unreachable": _("The provider did not answer"),
    "unreadable": _("The provider's answer could not be read"),
    "security_rejection": _("The provider took our calls for an attack"),
    "token": _("The provider no longer accepts the token"),
    "missing": _("There is no token yet: enter one"),
    "sealed": _("The key that sealed the token is gone: enter the token again"),
    "refresh_refused": _("The provider no longer renews the token: connect it anew"),
    "scope": _("The token does not allow to read this"),
    "scope_read_all_orders": _(
        "Orders older than 60 days need a token with the scope read_all_orders"
    ),
    "bad_domain": _("The account must be a domain such as example.myshopify.com"),
    "currency_changed": _(
        "The shop's currency is another one than the connection's:"
        " test the connection to accept it"
    ),
    "uninstalled": _("The app was uninstalled in the shop"),
    "max_cost": _("The shop finds even the smallest page too dear"),
    "search_warning": _("The shop did not understand the search"),
    "outside_window": _("The shop sent orders of other days than were asked for"),
    "bulk_failed": _("The shop could not prepare its file of orders"),
    "bulk_count": _("The shop's file of orders is not whole"),
    "file_host": _("The shop's file lies at an address that we do not trust"),
    "no_metric": _("The account has no metric that counts as a sale: choose one"),
    "several_metrics": _("Several metrics could count as a sale: choose one"),
    "no_period": _("Reports need the days that they are of"),
    "too_long": _("Reports are of a year at most"),
    # What holds numbers back.
    "count": _("Not as many rows came as the provider counts"),
    "refused_rows": _("Too many rows could not be used"),
    "zero_drop": _("There is nothing, where there usually is a lot"),
    "currency": _("The numbers are in another currency than the store's"),
    "null_rate": _("A field is empty that usually is not"),
}


def reason(code: str, text: str | None) -> str:
    """Return what went wrong, in the reader's language."""
    if code in REASONS:
        return str(REASONS[code])
    return phrase(text)


def detail(code: str, text: str | None) -> str:
    """Return what the stored text says beyond the reason, or nothing."""
    with translation.override("en"):
        is_said = (text or "").rstrip(".").casefold() == reason(code, text).casefold()
    return "" if is_said or code not in REASONS else text or ""


def code_of(held: str) -> str:
    """Return the code that a reason to hold numbers back begins with."""
    word = held.partition(":")[0]
    return word if word in REASONS else "refused_rows"
