"""The figures of cadences: for Prometheus, and as JSON."""

from collections.abc import Iterator
from typing import Any, Literal

from django.db import connection
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from cadences.api.callers import A_SERVICE_OR_PERSON, demand
from cadences.api.represent import standing_body
from cadences.funnel import standing as standing_of
from cadences.models import Account, Cadence
from cadences.standing import standing
from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.metrics import gauge

VIEW = "cadences.view_runnerlog"
MOST = 500
"""Cadences that are told of."""

SENDS = """
SELECT account.adapter, coalesce(attempt.outcome, 'open'), attempt.why, count(*)
FROM send_attempts AS attempt
JOIN channel_accounts AS account ON account.id = attempt.account_id
WHERE attempt.started_at > clock_timestamp() - interval '1 hour'
GROUP BY 1, 2, 3
"""
INBOX = """
SELECT match, count(*) FROM messages
WHERE match IN ('ambiguous', 'none') AND created_at > clock_timestamp() - interval '1 day'
GROUP BY 1
"""


router = Router(tags=["cadences"], auth=A_SERVICE_OR_PERSON, by_alias=True)


class Form(Schema):
    """How the figures are written."""

    format: Literal["json", "prometheus"] = "json"


class Figures(Collector):
    """The figures of cadences alone."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        return figures()


@router.get(
    "/api/cadences/metrics",
    response={200: dict[str, Any], **problems(400, 401, 403)},
)
def metrics(request: HttpRequest, form: Query[Form]) -> Body | HttpResponse:
    """Tell how cadences stand: the runner, accounts, what came in, runs by cadence."""
    demand(request, VIEW)
    if form.format == "prometheus":
        registry = CollectorRegistry()
        registry.register(Figures())
        text = generate_latest(registry)
        return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    return {
        **standing_body(standing()),
        "unownedLastDay": _unowned(),
        "accounts": _accounts(),
        "cadences": _cadences(),
    }


def _accounts() -> list[Body]:
    rows = Account.objects.order_by("company", "name")
    return [
        {
            "company": each.company_id, "account": each.name, "medium": each.medium,
            "adapter": each.adapter, "state": each.state, "failures": each.failures,
        }
        for each in rows
    ]  # fmt: skip


def _cadences() -> list[Body]:
    rows = list(Cadence.objects.order_by("company", "code")[:MOST])
    runs = standing_of(each.pk for each in rows)
    return [
        {
            "id": str(each.pk), "company": each.company_id, "cadence": each.code,
            "state": each.state, "runs": runs.get(each.pk, {}),
        }
        for each in rows
    ]  # fmt: skip


def _unowned() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(INBOX)
        return {"ambiguous": 0, "none": 0} | dict(cursor.fetchall())


def figures() -> Iterator[GaugeMetricFamily]:
    """Yield the figures of cadences, read at every scrape."""
    now = standing()
    yield from _sends()
    for name, text, value in (
        ("due_runs", "Runs whose step is due, up to 10,001", now.due),
        ("oldest_due_seconds", "How long the oldest due run has waited", now.oldest),
        ("uncertain_sends", "Sends whose outcome nobody knows", now.uncertain),
        (
            "paused_by_errors",
            "Runs that errors or missing data paused",
            now.paused_by_errors,
        ),
        ("errors_last_day", "Errors of passes within a day", now.errors),
        (
            "last_pass_age_seconds",
            "Time since the last pass began; -1 before the first",
            -1.0 if now.last_pass_age is None else now.last_pass_age,
        ),
    ):
        yield gauge(f"ritmo_cadence_{name}", text, (), {(): value})
    text = "Whether an account can send"
    states = Account.objects.values_list("name", "company", "state")
    sends = {
        (company, name): state == Account.State.ACTIVE
        for name, company, state in states
    }
    yield gauge("ritmo_cadence_account_up", text, ("company", "account"), sends)


def _sends() -> Iterator[GaugeMetricFamily]:
    with connection.cursor() as cursor:
        cursor.execute(SENDS)
        counted = {row[:3]: row[3] for row in cursor.fetchall()}
    yield gauge(
        "ritmo_cadence_sends_last_hour",
        "Calls of providers that began within the last hour, by how they ended",
        ("adapter", "outcome", "why"),
        counted,
    )
    yield gauge(
        "ritmo_cadence_unowned_last_day",
        "Messages of the last day that belong to nobody, or to one of several leads",
        ("match",),
        {(name,): count for name, count in _unowned().items()},
    )
