"""What staff do to rows of this app: a verb of the domain, and its row in the audit."""

import re
from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cadences.admin import look
from cadences.errors import BadAddress, CadenceError, NotEnrolled
from cadences.models import Run
from cadences.states import RunStatus
from queues.audit import record, whoever

ILLEGAL = re.compile(r"Cannot [a-z ]+ a run that is (\w+)")
TOLD = (
    gettext_noop("The run was changed meanwhile"),
    gettext_noop("Say first whether the last message was sent"),
    gettext_noop("This step may have been sent: resolve it first"),
    gettext_noop("Only a send whose outcome is unknown can be resolved"),
    gettext_noop("Say how you know that it was not sent"),
    gettext_noop("Wait for two minutes: the answer may still come"),
    gettext_noop("No run matches any more"),
    gettext_noop("The task is done"),
    gettext_noop("The task is skipped"),
    gettext_noop("The task is cancelled"),
    gettext_noop("This lead was erased"),
    gettext_noop("This address was removed meanwhile"),
    gettext_noop("Somebody dealt with this message meanwhile"),
    gettext_noop("This suppression was removed meanwhile"),
    gettext_noop("The lead has this address already"),
    gettext_noop("The run is on the published version already"),
    gettext_noop("Another version was published meanwhile"),
)
"""What the verbs answer, so that it can be translated here, at the edge."""
MOTIVES = {
    "CADENCIA_INATIVA": gettext_noop("this cadence takes no new leads"),
    "SUPRIMIDO": gettext_noop("nobody may write to this lead"),
    "JA_ATIVA": gettext_noop("this lead is in the cadence already"),
    "EXCLUSIVA": gettext_noop("this lead is in another cadence, and only one may run"),
    "REENTRADA": gettext_noop(
        "this lead has been in the cadence and may not return yet"
    ),
    "SEM_CONTATO": gettext_noop("this lead has no address that a step could use"),
}
FACTS = ("status", "pause_reason", "exit_reason", "next_step", "next_run_at")
"""What the audit tells of a run."""


class Refused(CadenceError):
    """A verb said no; the text is for people."""


def phrase(error: Exception) -> str:
    """Return what a verb of this app refused, in words and in the reader's language."""
    text = str(error)
    if isinstance(error, NotEnrolled):
        return _("Not enrolled: %(why)s.") % {"why": _(MOTIVES[error.motive])}
    if isinstance(error, BadAddress):
        return _("“%(text)s” is no address that can be written to.") % {
            "text": text.partition(": ")[2]
        }
    if found := ILLEGAL.fullmatch(text):
        status = look.reason(RunStatus, found[1])
        return _("The run is “%(status)s”: this cannot be done.") % {"status": status}
    return _(text)


def tried(act: Callable[[], Any]) -> Any:
    """Do something; what refuses says so in the reader's language."""
    try:
        return act()
    except CadenceError as error:
        raise Refused(phrase(error)) from None


def on_run(action: str, act: Callable[..., Run]) -> Callable[..., Run]:
    """Return a verb of runs as the console presses it, with its row in the audit."""

    def do(run: Run, **answers: Any) -> Run:
        before = facts(run)
        after: Run = tried(lambda: act(run.pk, actor=whoever().name, **answers))
        record(action, run, before=before, after=facts(after))
        return after

    return do


def facts(run: Run) -> dict[str, Any]:
    """Return what the audit tells of a run."""
    told = {name: getattr(run, name) for name in FACTS}
    return {**told, "version": run.version.number}


def note(action: str, row: Model, **told: Any) -> None:
    """Write what was done to a row under a name that says nothing of a person."""
    label = f"{row._meta.verbose_name} {str(row.pk)[:8]}"  # noqa: SLF001 - Django's own name for it
    record(action, row, label=label, **told)
