"""Deliver one message over one channel, and fall back to the next."""

import base64
import hashlib
import hmac
import json
import time
from http import HTTPStatus

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from queues.alerts.tell import hand_over, ready, recipients
from queues.errors import CannotDeliver, DeliveryDelayed, Unreachable
from queues.models import AlertChannel, AlertDelivery, AlertMessage
from queues.outbound import Answer, Call, send_now

logger = structlog.get_logger(__name__)

SECONDS = 10.0
"""For one call of a channel: three of them and their waits are less than a minute."""
Status = AlertDelivery.Status


def deliver(delivery_id: int, *, is_last: bool) -> bool:
    """Send one delivery; return whether it arrived just now.

    At least once: a process that dies between the call and its note sends again. What
    cannot be delivered goes on to the next channel that is ready and has not tried,
    after the last try, or at once if trying again is no use. Raises DeliveryDelayed
    while there are tries left.
    """
    delivery = AlertDelivery.objects.select_related("message", "channel").get(
        pk=delivery_id
    )
    if delivery.status != Status.PENDING:
        return False
    AlertDelivery.objects.filter(pk=delivery_id).update(tries=F("tries") + 1)
    try:
        send(delivery.message, delivery.channel)
    except (DeliveryDelayed, Unreachable, OSError) as error:
        if not is_last:
            _note(delivery, error=str(error))
            raise DeliveryDelayed(str(error)) from None
        return _fall_back(delivery, str(error))
    except CannotDeliver as error:
        return _fall_back(delivery, str(error))
    AlertDelivery.objects.filter(pk=delivery_id, status=Status.PENDING).update(
        status=Status.SENT, sent_at=Now(), error=""
    )
    return True


def _note(delivery: AlertDelivery, **changes: str) -> None:
    AlertDelivery.objects.filter(pk=delivery.pk).update(**changes)


def _fall_back(delivery: AlertDelivery, error: str) -> bool:
    """Give the message to the next channel; return that it did not arrive over ours."""
    with transaction.atomic():
        _note(delivery, status=Status.FAILED, error=error[:1000])
        tried = set(delivery.message.deliveries.values_list("channel", flat=True))
        next_ = next((each for each in ready() if each.pk not in tried), None)
        if next_ is not None:
            hand_over(delivery.message, next_)
    log = logger.error if next_ is None else logger.warning
    log(
        "an alert could not be delivered",
        channel=delivery.channel.name,
        message=delivery.message_id,
        goes_to=next_ and next_.name,
        error=error,
    )
    return False


def send(message: AlertMessage, channel: AlertChannel) -> None:
    """Send once; raises CannotDeliver, DeliveryDelayed, Unreachable or OSError."""
    match channel.kind:
        case AlertChannel.Kind.EMAIL:
            _mail(message, channel)
        case AlertChannel.Kind.SLACK:
            secret = channel.secret
            url = secret.reveal() if secret else settings.SLACK_WEBHOOK_URL
            text = f"*{message.title}*\n{message.body}"
            _post(url, json.dumps({"text": text}).encode(), {})
        case _:
            _signed(message, channel)


def _mail(message: AlertMessage, channel: AlertChannel) -> None:
    to = recipients(channel)
    if not to:
        raise CannotDeliver("nobody to write to")
    EmailMessage(
        f"[Ritmo] {message.title}",
        message.body,
        to=to,
        headers={"Message-ID": f"<alert-{message.pk}-{channel.pk}@ritmo>"},
        connection=get_connection(timeout=SECONDS),
    ).send()


def _signed(message: AlertMessage, channel: AlertChannel) -> None:
    """Post the message signed as Standard Webhooks say (standardwebhooks.com)."""
    if channel.secret is None:
        raise CannotDeliver("the webhook has no secret")
    body = json.dumps({
        "type": f"alert.{message.kind}",
        "rule": message.rule and message.rule.code,
        "level": message.level,
        "title": message.title,
        "text": message.body,
        "subjects": message.subjects,
    }).encode()  # fmt: skip
    name, at = f"alert_{message.pk}", str(int(time.time()))
    key = str(channel.secret.reveal()).encode()
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    _post(channel.target, body, {
        "webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature,
    })  # fmt: skip


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Post JSON to an address that operators chose; raises by what came back."""
    call = Call(url, "POST", {"Content-Type": "application/json", **headers}, body)
    answer: Answer = send_now(call, seconds=SECONDS, allow_private=True)
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"the channel answered {answer.status}"
    busy = answer.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    if busy or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DeliveryDelayed(said)
    raise CannotDeliver(said)
