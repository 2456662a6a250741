"""How facts look: badges with words, moments, spans, JSON."""

import json
from datetime import datetime, timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, pgettext

from queues.handlers import Handler, registry
from queues.models import Job
from queues.states import End, State

NOTHING = mark_safe('<span class="nothing" aria-hidden="true">–</span>')

MINUTE, HOUR, DAY = 60, 3600, 86400

REFUSALS = (
    gettext_noop("Cannot cancel a completed job"),
    gettext_noop("Cannot cancel a failed job"),
    gettext_noop("Cannot cancel a cancelled job"),
    gettext_noop("Cannot retry a pending job"),
    gettext_noop("Cannot retry a processing job"),
    gettext_noop("Cannot retry a completed job"),
    gettext_noop("Cannot retry a cancelled job"),
    gettext_noop("Cannot retry a superseded job"),
    gettext_noop("Cannot hurry a due job"),
    gettext_noop("Cannot hurry a held job"),
    gettext_noop("Cannot hurry a processing job"),
    gettext_noop("Cannot hurry a completed job"),
    gettext_noop("Cannot hurry a cancelled job"),
    gettext_noop("Cannot reprioritise a processing job"),
    gettext_noop("Cannot reprioritise a completed job"),
    gettext_noop("Cannot reprioritise a failed job"),
    gettext_noop("Cannot reprioritise a cancelled job"),
    gettext_noop("Cannot snooze a processing job"),
    gettext_noop("Cannot snooze a completed job"),
    gettext_noop("Cannot snooze a failed job"),
    gettext_noop("Cannot snooze a cancelled job"),
    gettext_noop("The due time lies in the past"),
    gettext_noop("The due time lies more than ten years ahead"),
)
"""What the verbs answer, so that it can be translated here, at the edge."""
OF_LETTERS = (
    gettext_noop("Only a discard can be taken back"),
    gettext_noop("It still runs: stop it first"),
    gettext_noop("Its job was replayed"),
    gettext_noop("No dead letter matches"),
)
"""What bulks and their undoing answer."""


def badge(word: str, tone: str) -> SafeString:
    """Show a word on a tone (good, bad, busy, wait, warn, mute), never the tone alone."""
    return format_html('<span class="badge {}">{}</span>', tone, word)


TONES = {
    State.PROCESSING: "busy",
    State.COMPLETED: "good",
    State.FAILED: "bad",
    State.CANCELLED: "mute",
}
ENDS = {
    End.COMPLETED: "good",
    End.SNOOZED: "wait",
    End.FAILED: "warn",
    End.BURIED: "bad",
    End.CANCELLED: "mute",
    End.LOST: "warn",
    End.RELEASED: "wait",
}


def state(job: Job, now: datetime) -> SafeString:
    """Return the job's state; a pending one is due, scheduled or retrying."""
    if job.status == State.PENDING:
        return _pending(job, now)
    if job.status == State.PROCESSING and job.cancel_requested_at:
        return badge(_("cancelling"), "warn")
    return badge(str(State(job.status).label), TONES[State(job.status)])


def _pending(job: Job, now: datetime) -> SafeString:
    if job.held_run_at is not None:
        return badge(_("waiting for others"), "wait")
    if job.run_at <= now:
        return badge(pgettext("job", "due"), "wait")
    if job.failures:
        return badge(_("retrying"), "warn")
    return badge(_("scheduled"), "wait")


def end(outcome: str | None) -> SafeString:
    """Return how an attempt ended, or that it is open."""
    if outcome is None:
        return badge(_("running"), "busy")
    return badge(str(End(outcome).label), ENDS[End(outcome)])


def tries(job: Job) -> str:
    """Return the number of the current try and of the most tries."""
    number = job.failures + (job.status in {State.PROCESSING, State.COMPLETED})
    known = handler(job.type)
    most = job.max_attempts or (known.max_attempts if known else None)
    return f"{number}/{most}" if most else str(number)


def handler(name: str) -> Handler | None:
    """Return the handler of a type, or None if no code here knows it."""
    return registry.get(name) if name in registry else None


def moment(value: datetime | None) -> SafeString:
    """Show a moment from here ("2 minutes ago") and on the clock."""
    if value is None:
        return NOTHING
    return format_html(
        '<span class="moment">{} <time class="quiet" datetime="{}" title="{}">{}</time>'
        "</span>",
        relative(value),
        value.isoformat(),
        full(value),
        clock(value),
    )


def full(value: datetime) -> str:
    """Return a moment with its date and zone."""
    local = timezone.localtime(value)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local:%Z}"


def relative(value: datetime) -> str:
    """Return how far off a moment is: "in 4 min 10 s", "12 s ago"."""
    away = value - timezone.now()
    if abs(away) < timedelta(seconds=1):
        return _("now")
    spell = span(timedelta(seconds=abs(round(away.total_seconds()))))
    return (_("in %(span)s") if away > timedelta() else _("%(span)s ago")) % {
        "span": spell
    }


def clock(value: datetime) -> str:
    """Return the local time, with its date unless that is today."""
    local = timezone.localtime(value)
    if local.date() == timezone.localdate():
        return f"{local:%H:%M:%S}"
    return f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"


def span(value: timedelta | None) -> str:
    """Return a length of time in its two largest units."""
    if value is None:
        return ""
    seconds = max(value.total_seconds(), 0)
    if seconds < 1:
        return _("%(n)d ms") % {"n": round(seconds * 1000)}
    if seconds < MINUTE:
        return _("%(n)s s") % {"n": number_format(_short(seconds))}
    return _long_span(int(seconds))


def seconds(number: float | None) -> str:
    """Return so many seconds as a span; nothing for none."""
    return "" if number is None else span(timedelta(seconds=number))


def size(number: int | None) -> str:
    """Return bytes as people say them."""
    return NOTHING if number is None else filesizeformat(number)


def _short(seconds: float) -> float | int:
    tenths = round(seconds, 1)
    return int(tenths) if tenths.is_integer() else tenths


def _long_span(seconds: int) -> str:
    if seconds < HOUR:
        return _("%(m)d min %(s)d s") % {"m": seconds // MINUTE, "s": seconds % MINUTE}
    if seconds < DAY:
        left = seconds % HOUR // MINUTE
        return _("%(h)d h %(m)d min") % {"h": seconds // HOUR, "m": left}
    return _("%(d)d d %(h)d h") % {"d": seconds // DAY, "h": seconds % DAY // HOUR}


def pretty(value: object) -> str:
    """Return JSON as people read it."""
    return json.dumps(value, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)


def parsed(text: str) -> object:
    """Return what a JSON text holds; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def short(text: str | None, most: int = 90) -> str:
    """Return the first line, cut where it gets long."""
    line = (text or "").strip().partition("\n")[0]
    return line if len(line) <= most else f"{line[: most - 1]}…"


DEEDS = {
    "job.cancel": gettext_lazy("cancelled"),
    "job.copy": gettext_lazy("copied from another job"),
    "job.enqueue": gettext_lazy("enqueued by hand"),
    "job.hurry": gettext_lazy("made due now"),
    "job.reprioritise": gettext_lazy("given another priority"),
    "job.retry": gettext_lazy("retried"),
    "job.snooze": gettext_lazy("snoozed"),
}


def deed(action: str) -> str:
    """Return what a word of the audit means for a job."""
    return str(DEEDS.get(action, action))


def explain(error: Exception) -> str:
    """Return what a verb refused, in the language of whoever asked."""
    return _(str(error))
