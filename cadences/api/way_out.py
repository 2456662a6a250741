"""The link at the end of every e-mail: a page for people, one click for programs."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import Router

from cadences.links import who
from cadences.models import Lead
from cadences.unsubscribe import unsubscribe

router = Router(tags=["webhooks"])
PAGE = "cadences/unsubscribe.html"


@router.get("/u/{token}/", auth=None, include_in_schema=False)
def ask(request: HttpRequest, token: str) -> HttpResponse:
    """Show a page with a button; scanners follow every link, so this changes nothing."""
    return _page(request, "ask" if _lead(token) else "unknown")


@router.post("/u/{token}/", auth=None, include_in_schema=False)
def obey(request: HttpRequest, token: str) -> HttpResponse:
    """Write to this lead no more: RFC 8058, no cookies, no redirect, as often as asked."""
    lead = _lead(token)
    if lead is not None:
        unsubscribe(lead.pk)
    return _page(request, "done" if lead else "unknown")


def _lead(token: str) -> Lead | None:
    lead_id = who(token)
    return Lead.objects.filter(pk=lead_id).first() if lead_id else None


def _page(request: HttpRequest, state: str) -> HttpResponse:
    status = HTTPStatus.NOT_FOUND if state == "unknown" else HTTPStatus.OK
    answer = render(request, PAGE, {"state": state}, status=status)
    # What is behind the link is nobody else's: no cache, no search engine, no referrer.
    answer["Cache-Control"] = "no-store"
    answer["X-Robots-Tag"] = "noindex"
    answer["Referrer-Policy"] = "no-referrer"
    return answer
