"""What gates answer, in the words of people."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.states import ExitReason, PauseReason

REASONS = {
    "switched_off": gettext_lazy("all sending is switched off"),
    "holiday": gettext_lazy("a holiday"),
    "closed": gettext_lazy("outside the open hours"),
    "gap": gettext_lazy("too soon after the message before"),
    "gap_of_sender": gettext_lazy("the sender keeps a distance between messages"),
    "sender": gettext_lazy("the sender rests"),
    "no_account": gettext_lazy("no account can send"),
    "quota_day": gettext_lazy("the sender has used up its day"),
    "quota_hour": gettext_lazy("the sender has used up its hour"),
    "quota_new": gettext_lazy("the sender has written to enough new people today"),
    "no_contact": gettext_lazy("there is no address for the channel"),
    "no_template": gettext_lazy("the template cannot be used"),
    "VARIAVEL_AUSENTE": gettext_lazy("a variable has no value"),
    "condition": gettext_lazy("a condition is not met"),
    "late": gettext_lazy("it comes too late"),
}


def told(reason: str, detail: str = "") -> str:
    """Return why, and what exactly if that is known."""
    text = str(REASONS.get(reason, ""))
    if not text and reason in PauseReason:
        text = _("pauses: %(why)s") % {"why": PauseReason(reason).label}
    if not text and reason in ExitReason:
        text = _("ends: %(why)s") % {"why": ExitReason(reason).label}
    said = text or reason
    return f"{said} ({detail})" if detail else said
