"""The pages of a store, for its people: the numbers at once, the sync as it goes."""

from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from syncs import access, clock, progress
from syncs.errors import NothingToSync, TooManyRequests, UnknownStore
from syncs.models import Run, Store
from syncs.periods import WORDS, of_word
from syncs.read import Answer, read
from syncs.refresh import refresh
from syncs.request import Wish
from syncs.states import OPEN, Freshness, Trigger

STOP_POLLING = 286
DEFAULT = "30d"
MOST = 200
CURRENT = (Freshness.FRESH, Freshness.NEGATIVE)
PERIODS = (
    ("today", gettext_lazy("Today")),
    ("7d", gettext_lazy("7 days")),
    ("14d", gettext_lazy("14 days")),
    ("30d", gettext_lazy("30 days")),
)


def for_members(view: Any) -> Any:
    """Let the signed-in in; what is not theirs is not there."""

    @login_required(login_url="syncs:sign_in")
    @wraps(view)
    def guarded(request: HttpRequest, store_id: object) -> HttpResponse:
        assert isinstance(request.user, User)  # noqa: S101 - what login_required says
        try:
            store = access.store_of(request.user, store_id)
        except UnknownStore:
            raise Http404 from None
        response: HttpResponse = view(request, store)
        return response

    return guarded


@login_required(login_url="syncs:sign_in")
@require_GET
def stores(request: HttpRequest) -> HttpResponse:
    """List the stores of a person; the only one opens at once."""
    found = list(access.stores_of(request.user).order_by("name", "pk")[:MOST])
    if len(found) == 1:
        return HttpResponseRedirect(reverse("syncs:store", args=[found[0].pk]))
    return render(request, "syncs/stores.html", {"stores": found})


@for_members
@require_GET
def store(request: HttpRequest, store: Store) -> HttpResponse:
    """Show the numbers of a store at once, and ask for what is missing or old."""
    context = _context(request, store)
    return render(request, "syncs/store.html", context)


@for_members
@require_GET
def panel(request: HttpRequest, store: Store) -> HttpResponse:
    """Show the part of the page that changes; answer 286 once nothing will."""
    context = _context(request, store)
    tag = f'"{context["answer"].tag}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    status = HTTPStatus.OK if context["poll"] else STOP_POLLING
    response = render(request, "syncs/panel.html", context, status=status)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


@for_members
@require_POST
def sync(request: HttpRequest, store: Store) -> HttpResponse:
    """Ask for new numbers on behalf of a person."""
    word = _word(request.POST.get("period"))
    said = ""
    person = request.user if isinstance(request.user, User) else None
    wish = Wish(priority=1, trigger=Trigger.USER, user=person, forced=True, join=True)
    try:
        refresh(store, of_word(store, word), wish)
    except (NothingToSync, TooManyRequests) as error:
        said = str(error)
    if request.headers.get("HX-Request") == "true":
        context = {**_context(request, store, word), "said": said}
        return render(request, "syncs/panel.html", context)
    page = reverse("syncs:store", args=[store.pk])
    return HttpResponseRedirect(f"{page}?period={word}")


def _context(
    request: HttpRequest, store: Store, word: str | None = None
) -> dict[str, Any]:
    word = word or _word(request.GET.get("period"))
    period = of_word(store, word)
    answer = read(store, period)
    run = answer.run or _last(store, answer)
    now = clock.now() if run else None
    is_open = run is not None and run.status in OPEN
    return {
        "store": store,
        "period": period,
        "word": word,
        "periods": PERIODS,
        "answer": answer,
        "run": run,
        "streams": _streams(run) if run and is_open else [],
        "is_open": is_open,
        "is_current": run is None and _is_current(answer),
        "is_asked": is_open and _is_asked(run),
        "poll": progress.poll_after(run, now=now) if run and now else None,
        "title": store.name,
        "advice": _advice(answer, run),
    }


def _is_current(answer: Answer) -> bool:
    return all(each.state in CURRENT and not each.error for each in answer.found)


def _is_asked(run: Run | None) -> bool:
    """Tell whether a press of the button would change nothing any more."""
    return run is not None and (run.is_forced or run.started_at is not None)


def _streams(run: Run) -> list[Any]:
    return list(run.streams.select_related("connection").order_by("id"))


def _last(store: Store, answer: Answer) -> Run | None:
    """Return the sync that ended last, where the numbers do not speak for themselves."""
    if _is_current(answer):
        return None
    rows = Run.objects.filter(
        store=store,
        period_start=answer.period.start,
        period_end=answer.period.end,
    )
    return rows.order_by("-queued_at").first()


def _advice(answer: Answer, run: Run | None) -> str:
    """Return what a person can do about numbers that do not come."""
    if answer.blocked:
        return answer.blocked
    if run is not None and run.error_kind == "auth":
        return _("The provider refused access: ask for a new token in the connection.")
    return ""


def _word(text: str | None) -> str:
    return text if text in WORDS else DEFAULT
