"""What a Prometheus server may ask for about cadences."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from cadences.models import Account
from cadences.standing import standing
from queues.api.metrics import gauge


def figures() -> Iterator[GaugeMetricFamily]:
    """Yield the figures of cadences, read at every scrape."""
    now = standing()
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
