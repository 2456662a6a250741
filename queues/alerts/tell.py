"""Write a message and hand it to the channels, in the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.alerts.measures import measures
from queues.enqueue import enqueue
from queues.models import (
    AlertChannel,
    AlertDelivery,
    AlertMessage,
    AlertRule,
    AlertState,
)
from queues.models.alert import Level

logger = structlog.get_logger(__name__)

SHOWN = 20
"""Subjects that a message names; the page names them all."""


def tell(
    rule: AlertRule,
    kind: AlertMessage.Kind,
    states: Sequence[AlertState],
    members: Sequence[AlertState] = (),
) -> AlertMessage:
    """Write one message about these states, and return it.

    It goes to the channels of the rule, else to the first that is ready. With no
    channel ready it is kept, and the log says so.
    """
    with translation.override(settings.LANGUAGE_CODE):
        message = AlertMessage.objects.create(
            rule=rule,
            kind=kind,
            level=states[0].level,
            title=_title(kind, states[0], members)[:300],
            body=_body(rule, states[0], members),
            subjects=[each.label or each.subject for each in members or states],
        )
    log = logger.warning if kind == AlertMessage.Kind.FIRED else logger.info
    log("alert", rule=rule.code, kind=str(kind), title=message.title)
    chosen = [each for each in rule.channels.order_by("position") if is_ready(each)]
    channels = chosen or ready()[:1]
    for channel in channels:
        hand_over(message, channel)
    if not channels:
        logger.error("an alert has no channel that is ready", message=message.pk)
    return message


def say_test(channel: AlertChannel) -> AlertMessage:
    """Write a message that says it is a test, for one channel, ready or not."""
    with translation.override(settings.LANGUAGE_CODE):
        message = AlertMessage.objects.create(
            kind=AlertMessage.Kind.FIRED,
            level=Level.WARNING,
            title=_("A test of the channel %(name)s") % {"name": channel.name},
            body=_("Somebody pressed the button. Nothing is wrong."),
            subjects=[],
        )
    hand_over(message, channel)
    return message


def hand_over(message: AlertMessage, channel: AlertChannel) -> bool:
    """Let a job deliver the message over the channel, once; tell whether that is new."""
    delivery, is_new = AlertDelivery.objects.get_or_create(
        message=message, channel=channel
    )
    if is_new:
        enqueue("deliver-alert", {"delivery": delivery.pk}, priority=1, source="alerts")
    return is_new


def ready() -> list[AlertChannel]:
    """Return the channels that could deliver, in their order."""
    channels = AlertChannel.objects.filter(enabled=True).order_by("position", "id")
    return [each for each in channels if is_ready(each)]


def is_ready(channel: AlertChannel) -> bool:
    """Tell whether the channel is on and knows where to deliver."""
    match channel.kind:
        case AlertChannel.Kind.SLACK:
            knows = bool(channel.secret or settings.SLACK_WEBHOOK_URL)
        case AlertChannel.Kind.EMAIL:
            knows = bool(recipients(channel))
        case _:
            knows = bool(channel.target and channel.secret)
    return channel.enabled and knows


def recipients(channel: AlertChannel) -> list[str]:
    """Return the addresses of an e-mail channel; by default those of superusers."""
    if named := channel.target.replace(",", " ").split():
        return named
    people = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return list(people.exclude(email="").values_list("email", flat=True))


def _title(
    kind: AlertMessage.Kind, state: AlertState, members: Sequence[AlertState]
) -> str:
    what = state.label or state.subject
    said = f"{state.rule.code}: {what}" if what else state.rule.code
    if members:
        count = len(members)
        many = ngettext("%(n)d subject", "%(n)d subjects", count) % {"n": count}
        said = f"{said} ({many})"
    if kind == AlertMessage.Kind.RECOVERED:
        return _("Well again: %(what)s") % {"what": said}
    return f"{state.get_level_display().capitalize()}: {said}"


def _body(rule: AlertRule, state: AlertState, members: Sequence[AlertState]) -> str:
    """Return what changed, what was expected, what to do, and where to look."""
    measure = measures()[rule.measure]
    side = rule.get_side_display()
    lines = [
        _("%(measure)s: %(value)s (the rule fires when it is %(side)s %(threshold)s)")
        % {
            "measure": str(measure.label).capitalize(),
            "value": number(state.value, measure.unit),
            "side": side,
            "threshold": number(rule.threshold, measure.unit),
        },
        _("Since %(when)s UTC")
        % {"when": f"{state.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"},
    ]
    lines += [f"• {each.label or each.subject}" for each in members[:SHOWN]]
    if len(members) > SHOWN:
        lines.append("…")
    if rule.note:
        lines += ["", rule.note]
    if state.path:
        lines += ["", f"{settings.PUBLIC_URL}{state.path}"]
    return "\n".join(lines)


def number(value: float, unit: str) -> str:
    """Return a value with its unit, without digits that say nothing."""
    text = f"{value:,.1f}".rstrip("0").rstrip(".")
    return f"{text} {unit}".rstrip()
