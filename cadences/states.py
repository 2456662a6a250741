"""The words that rows store: the seed's in Portuguese, all others in English."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Medium(models.TextChoices):
    """The ways to reach a person."""

    WHATSAPP = "whatsapp", _("WhatsApp")
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")


class RunStatus(models.TextChoices):
    """Where a lead stands in a cadence."""

    ACTIVE = "ATIVA", _("active")
    PAUSED = "PAUSADA", pgettext_lazy("run", "paused")
    DONE = "CONCLUIDA", _("concluded")
    CANCELLED = "CANCELADA", _("cancelled")


LIVE = (RunStatus.ACTIVE, RunStatus.PAUSED)
FINAL = (RunStatus.DONE, RunStatus.CANCELLED)


class PauseReason(models.TextChoices):
    """Why a run waits for somebody or something."""

    MANUAL = "manual", _("by hand")
    TAKEN_OVER = "taken_over", _("a person talks to the lead")
    ERRORS = "errors", _("three errors in a row")
    MISSING_DATA = "missing_data", _("data is missing")
    ABSENCE = "absence", _("the lead is out of office")
    REPLY = "reply", _("the lead replied")
    CADENCE = "cadence", _("the cadence is paused")
    UNKNOWN_SEND = "unknown_send", _("nobody knows whether it was sent")
    TASK = "task", _("waits for a task")
    LATE = "late", _("far too late")
    MAYBE_OPT_OUT = "maybe_opt_out", _("may be an opt-out")
    AMBIGUOUS = "ambiguous", _("a reply that may be from another lead")
    NO_OPENING = "no_opening", _("no open hours within 60 days")


class ExitReason(models.TextChoices):
    """Why a run has ended."""

    NO_MORE_STEPS = "no_more_steps", _("all steps are done")
    REPLIED = "replied", _("the lead replied")
    OPT_OUT = "opt_out", _("the lead opted out")
    BOUNCE = "bounce", _("the address bounced")
    INVALID_NUMBER = "invalid_number", _("no valid address is left")
    COMPLAINT = "complaint", _("the lead complained")
    MEETING = "meeting", _("a meeting is booked")
    STAGE = "stage", _("the stage of the lead says so")
    LEAD_REMOVED = "lead_removed", _("the lead was removed")
    CADENCE = "cadence", _("the cadence was archived")
    REPLACED = "replaced", _("started anew")
    EXPIRED = "expired", _("too old")
    MANUAL = "manual", _("by hand")


class ExecutionState(models.TextChoices):
    """Where one step of one run stands; `sending` is committed before the call."""

    PENDING = "pending", _("pending")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    REFUSED = "refused", _("not sent")
    UNKNOWN = "unknown", _("unknown")
    ASSUMED = "assumed", _("assumed sent")
    SKIPPED = "skipped", _("skipped")
    CANCELLED = "cancelled", _("cancelled")


OVER = (
    ExecutionState.SENT,
    ExecutionState.ASSUMED,
    ExecutionState.SKIPPED,
    ExecutionState.CANCELLED,
)
"""A step that has been dealt with: the run only moves on from it."""
MAYBE_SENT = (
    ExecutionState.SENDING,
    ExecutionState.SENT,
    ExecutionState.UNKNOWN,
    ExecutionState.ASSUMED,
)


class Delivery(models.TextChoices):
    """How far a message is known to have come; see `RANKS`."""

    NONE = "none", _("nothing heard")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    READ = "read", _("read")
    FAILED = "failed", _("failed")


RANKS = {
    Delivery.NONE: 0,
    Delivery.FAILED: 1,
    Delivery.SENT: 1,
    Delivery.DELIVERED: 2,
    Delivery.READ: 3,
}


class ReadAs(models.TextChoices):
    """What a message that came in was read as."""

    HUMAN = "human", _("a person")
    PROBABLY_MACHINE = "probably_machine", _("probably a machine")
    ABSENCE = "absence", _("an absence")
    OPT_OUT = "opt_out", _("an opt-out")
    MAYBE_OPT_OUT = "maybe_opt_out", _("perhaps an opt-out")


class Match(models.TextChoices):
    """How we know whose message it is."""

    QUOTED = "quoted", _("answers a message of ours")
    ALIAS = "alias", _("by the name at the provider")
    ADDRESS = "address", _("by the address")
    PERSON = "person", _("a person said so")
    AMBIGUOUS = "ambiguous", _("several leads share the address")
    NONE = "none", _("nobody known")


class EventType(models.TextChoices):
    """What happened to a run. The first four are the seed's."""

    SCHEDULED = "AGENDADO", _("scheduled")
    SENT = "DISPARADO", _("sent")
    ERROR = "ERRO", _("error")
    REPLIED = "RESPOSTA_DETECTADA", _("reply")
    ENROLLED = "INSCRITO", _("enrolled")
    PAUSED = "PAUSADA", pgettext_lazy("run", "paused")
    RESUMED = "RETOMADA", _("resumed")
    CANCELLED = "CANCELADA", _("cancelled")
    DONE = "CONCLUIDA", _("concluded")
    SKIPPED = "PASSO_PULADO", _("step skipped")
    UNKNOWN = "INCERTO", _("unknown outcome")
    RECONCILED = "RECONCILIADO", _("outcome found out")
    ASSUMED = "ASSUMIDO", _("assumed sent")
    DELIVERED = "ENTREGUE", _("delivered")
    READ = "LIDO", _("read")
    UNDELIVERED = "FALHA_ENTREGA", _("not delivered")
    BOUNCED = "BOUNCE", _("bounced")
    OPTED_OUT = "OPT_OUT", _("opted out")
    AUTO_REPLY = "RESPOSTA_AUTOMATICA", _("automatic reply")
    TASK_CREATED = "TAREFA_CRIADA", _("task created")
    TASK_DONE = "TAREFA_CONCLUIDA", _("task done")
    MIGRATED = "VERSAO_MIGRADA", _("moved to another version")
    RESTARTED = "REINICIADA", _("started anew")


class Result(models.TextChoices):
    """What a pass of the runner did with one run. The first four are the seed's."""

    SENT = "DISPARADO", _("sent")
    ERROR = "ERRO", _("error")
    DONE = "CONCLUIDA", _("concluded")
    SKIPPED = "SKIPPED", _("taken by another")
    DEFERRED = "ADIADO", _("deferred")
    UNKNOWN = "INCERTO", _("unknown outcome")
    PASSED = "PULADO", _("step skipped")
    PAUSED = "PAUSADA", pgettext_lazy("run", "paused")
    CANCELLED = "CANCELADA", _("cancelled")
    PLANNED = "PLANEJADO", _("planned")


class Trigger(models.TextChoices):
    """Who started a pass of the runner."""

    CRON = "CRON", _("schedule")
    MANUAL = "MANUAL", _("by hand")
    TEST = "TEST", _("test")
