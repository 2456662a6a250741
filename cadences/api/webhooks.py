"""The doors that providers knock at: checked, stored, answered; applied by a job."""

import hmac
import json
import logging
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.errors import HttpError

from cadences.channels import meta_events, plain_events
from cadences.masks import address as masked
from cadences.match import Owner, owner_of
from cadences.models import Account, Run
from cadences.receive import receive
from cadences.states import LIVE, Match, Medium
from queues.api.auth import bearer
from queues.api.errors import problems
from queues.api.intake import demand_object
from queues.errors import CannotUnseal

logger = logging.getLogger(__name__)

router = Router(tags=["webhooks"])
SIGNATURE = "sha256="
REFUSED = problems(400, 401, 404, 413)
"""What a delivery may be refused with; nothing of it is stored then."""
TAKEN = {200: dict[str, Any], **REFUSED}


@router.post("/webhooks/uazapi/{uuid:account_id}", auth=None, response=TAKEN)
def uazapi(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Take a delivery of UAZAPI, which names the instance's own token in its body."""
    account = _account(account_id, "uazapi")
    body = demand_object(request)
    told = body.pop("token", None) or request.headers.get("token")
    _demand(_same(told, _secret(account, "token")))
    key = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return _stored(receive("uazapi", account.pk, [(key, body)]))


@router.post(
    "/webhooks/uazapi/{uuid:account_id}/{path:event}",
    auth=None,
    response=TAKEN,
    include_in_schema=False,
)
def uazapi_event(request: HttpRequest, account_id: UUID, event: str) -> JsonResponse:
    """Take a delivery whose address ends with its event: some instances are set so."""
    return uazapi(request, account_id)


@router.get("/webhooks/meta/{uuid:account_id}", auth=None, response=REFUSED)
def meta_verification(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Answer Meta's challenge, if it knows the word that we agreed on."""
    account = _account(account_id, "meta")
    asked = request.GET
    knows = _same(asked.get("hub.verify_token"), _secret(account, "verify_token"))
    if asked.get("hub.mode") != "subscribe" or not knows:
        raise HttpError(HTTPStatus.FORBIDDEN, "Forbidden")
    challenge = asked.get("hub.challenge", "")
    return HttpResponse(challenge, content_type="text/plain; charset=utf-8")


@router.post("/webhooks/meta/{uuid:account_id}", auth=None, response=TAKEN)
def meta(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Take a delivery of Meta, signed with the app's secret over its raw bytes."""
    account = _account(account_id, "meta")
    given = request.headers.get("X-Hub-Signature-256")
    _demand(_is_signed(request.body, given, _secret(account, "app_secret")))
    body = demand_object(request)
    ours = str(account.config.get("phone_number_id"))
    if meta_events.phone_number_ids(body) - {ours}:
        # One app may serve several numbers, and tells each door of all of them.
        logger.info("a delivery for another number than %s is left out", account)
    return _stored(receive("meta", account.pk, meta_events.split(body, ours)))


@router.post("/webhooks/email/{uuid:account_id}", auth=None, response=TAKEN)
def email(request: HttpRequest, account_id: UUID) -> JsonResponse:
    """Take an e-mail that came to the account: a reply, a bounce, a complaint."""
    account = _account(account_id, "")
    if account.medium != Medium.EMAIL:
        raise HttpError(HTTPStatus.NOT_FOUND, "Not found")
    given = request.headers.get("X-Webhook-Signature")
    _demand(_is_signed(request.body, given, _secret(account, "webhook_secret")))
    raw = request.body
    content = {"raw": raw.decode("utf-8", "replace")}
    key = sha256(raw).hexdigest()
    return _stored(receive("email", account.pk, [(key, content)]))


@router.post("/functions/v1/whatsapp-inbound", auth=None, response=TAKEN)
def whatsapp_inbound(request: HttpRequest) -> JsonResponse:
    """Take a message from a gateway of any kind; tell whose it is."""
    _demand(_may_post(request))
    body = demand_object(request)
    for name in ("from", "message_id", "text"):
        if not isinstance(body.get(name), str) or not (name == "text" or body[name]):
            raise HttpError(HTTPStatus.BAD_REQUEST, f"Missing {name}")
    heard = plain_events.heard(body)
    new = receive("plain", None, [(f"told:{heard.message_id}", body)])
    owner = owner_of(None, heard, medium=Medium.WHATSAPP)
    if owner.how == Match.NONE:
        logger.info("a message from %s has no owner", masked(heard.address))
    return JsonResponse(_told(owner, new))


def _told(owner: Owner, new: list[int]) -> dict[str, Any]:
    """Return the gateway's answer: the message, whose it is, and in which run."""
    runs = Run.objects.filter(lead=owner.lead, status__in=LIVE)
    run = runs.order_by("-started_at").first() if owner.lead else None
    status = "MATCHED" if owner.lead else "UNMATCHED"
    return {
        "success": True,
        "messageId": str(new[0]) if new else None,
        "leadId": str(owner.lead) if owner.lead else None,
        "runId": str(run.pk) if run else None,
        "status": status if new else "DUPLICATE",
    }


def _may_post(request: HttpRequest) -> bool:
    """Tell whether a gateway shows a secret, in one of the three ways it may."""
    found = False
    given = bearer(request).decode("latin-1")
    key = request.headers.get("X-API-Key")
    signature = request.headers.get("X-Webhook-Signature")
    for secret in (*settings.WHATSAPP_INBOUND_SECRETS, *settings.SERVICE_ROLE_KEYS):
        found |= _same(given, secret) | _same(key, secret)
        found |= _is_signed(request.body, signature, secret)
    return found


def _account(account_id: UUID, adapter: str) -> Account:
    rows = Account.objects.filter(pk=account_id)
    account = (rows.filter(adapter=adapter) if adapter else rows).first()
    if account is None:
        raise HttpError(HTTPStatus.NOT_FOUND, "Not found")
    return account


def _secret(account: Account, name: str) -> str:
    """Return what a delivery must show; empty, and so refused, where there is none."""
    try:
        return account.sender().secret(name)
    except CannotUnseal:
        logger.exception("the webhook of %s is closed", account)
        return ""


def _demand(allowed: bool) -> None:  # noqa: FBT001 - the one thing it looks at
    if not allowed:
        raise HttpError(HTTPStatus.UNAUTHORIZED, "Unauthorized")


def _same(given: object, secret: str) -> bool:
    """Compare in constant time; an unset secret is never the same as anything."""
    text = given if isinstance(given, str) else ""
    told = text.encode(errors="surrogatepass")
    return bool(secret) and hmac.compare_digest(told, secret.encode())


def _is_signed(raw: bytes, given: str | None, secret: str) -> bool:
    """Tell whether a signature is that of the raw bytes under the secret."""
    right = hmac.new(secret.encode(), raw, sha256).hexdigest()
    told = (given or "").removeprefix(SIGNATURE).lower()
    return bool(secret) and hmac.compare_digest(told.encode(), right.encode())


def _stored(new: list[int]) -> JsonResponse:
    return JsonResponse({"success": True, "stored": len(new)})
