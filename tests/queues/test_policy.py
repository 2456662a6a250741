"""What an error means: the policy of its type, and what the error asks for."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from queues.backoff import LONGEST, asked, exponential, fixed
from queues.handlers import handler, registry
from queues.models import Attempt, DeadLetter, Job
from queues.outcomes import Bury, Retry, Snooze
from queues.policy import SNOOZE, Policy
from queues.run import run
from queues.settle import settle

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


class RateLimited(Exception):
    """The other side asks us to wait."""

    def __init__(self, wait: object = None) -> None:
        super().__init__("slow down")
        self.retry_after = wait


class Refused(ValueError):
    """A more special error."""


class Spiteful(Exception):
    """An error that cannot even be looked at."""

    @property
    def retry_after(self) -> float:
        raise RuntimeError("no")


ANSWERS = {
    ValueError: "bury",
    RateLimited: "snooze",
    TimeoutError: fixed([10, timedelta(minutes=1), 600]),
    ConnectionError: Snooze(30),
    Refused: "retry",
}


@pytest.fixture
def answering():
    """Register a type whose handler raises what it is told, under a policy."""

    class Told:
        error: Exception = ValueError("no use")

    @handler("answering", max_attempts=5, retry=Policy(fixed([7]), ANSWERS))
    def answering(data, job):
        raise Told.error

    yield Told
    registry.discard("answering")


def answer(error: Exception, failures: int = 1) -> Any:
    policy = Policy(fixed([7]), ANSWERS)
    wait = asked(error, now=NOW)
    return policy.outcome(error, failures=failures, wait=wait, line="said")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (KeyError("the policy's own backoff"), Retry(None, "said")),
        (ValueError("x"), Bury("said")),
        (UnicodeError("a ValueError, too"), Bury("said")),
        (Refused("nearer than ValueError"), Retry(None, "said")),
        (RateLimited(), Snooze(SNOOZE)),
        (RateLimited(120), Snooze(120.0)),
        (RateLimited(0), Snooze(1.0)),
        (ConnectionResetError(), Snooze(30)),
        (TimeoutError(), Retry(10.0, "said")),
    ],
)
def test_the_nearest_class_decides(error, outcome):
    assert answer(error) == outcome


def test_a_fixed_list_goes_on_with_its_last_wait():
    waits = [answer(TimeoutError(), failures).after for failures in (1, 2, 3, 4, 99)]

    assert waits == [10.0, 60.0, 600.0, 600.0, 600.0]


def test_exponential_doubles_up_to_its_cap_with_jitter_around_it():
    plain, shaken = exponential(3, cap=20, jitter=0), exponential(100, jitter=0.25)

    assert [plain(failures) for failures in (1, 2, 3, 4, 1000)] == [3, 6, 12, 20, 20]
    drawn = [shaken(1) for _ in range(200)]
    assert 75 <= min(drawn) < 85
    assert 115 < max(drawn) <= 125


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (30, 30), (2.5, 2.5), (timedelta(minutes=2), 120), ("90", 90),
        (NOW + timedelta(seconds=45), 45), (NOW - timedelta(days=1), 0),
        ((NOW + timedelta(seconds=5)).replace(tzinfo=None), 5),
        ("Tue, 01 Jan 2030 12:01:00 GMT", 60),
        (-5, 0), (10**9, LONGEST), (float("inf"), LONGEST), (timedelta(days=9), LONGEST),
        (float("nan"), None), (True, None), (None, None), ("soon", None), (object(), None),
    ],
)  # fmt: skip
def test_an_error_may_ask_for_a_wait_of_at_most_a_day(said, seconds):
    assert asked(RateLimited(said), now=NOW) == seconds


def test_the_header_of_a_response_or_of_the_error_itself_counts():
    import httpx2

    request = httpx2.Request("GET", "https://example.com/")
    response = httpx2.Response(429, headers={"Retry-After": "17"}, request=request)
    bare = Exception()
    bare.headers = {"retry-AFTER": "18"}  # type: ignore[attr-defined]
    none = Exception()
    none.response = SimpleNamespace(headers=None)  # type: ignore[attr-defined]

    with pytest.raises(httpx2.HTTPStatusError) as caught:
        response.raise_for_status()

    assert asked(caught.value, now=NOW) == 17
    assert asked(bare, now=NOW) == 18
    assert asked(none, now=NOW) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(on={ValueError: "forget"}),  # type: ignore[dict-item]
        lambda: Policy(backoff=lambda failures: float("nan")),
        lambda: Policy(backoff=lambda failures: -1.0),
        lambda: Policy(on={ValueError: lambda failures: float("inf")}),
        lambda: fixed([]),
        lambda: fixed([1, -1]),
        lambda: exponential(0),
        lambda: exponential(jitter=1),
        lambda: handler("x", max_age=timedelta(-1)),
        lambda: handler("x", keep=timedelta(-1)),
    ],
)
def test_what_would_spoil_a_verdict_is_refused_where_it_is_declared(make):
    with pytest.raises(ValueError, match=r"Policy|fixed|exponential|negative"):
        make()


@pytest.mark.django_db
def test_a_run_ends_as_the_policy_says(claimed, answering):
    taken = claimed("answering")
    settle([(taken, run(taken))])

    assert DeadLetter.objects.get().reason == "ValueError: no use"
    assert "in answering" in DeadLetter.objects.get().traceback
    assert Attempt.objects.get().outcome == "buried"

    answering.error = RateLimited(500)
    taken = claimed("answering")
    settle([(taken, run(taken))])

    job = Job.objects.get(pk=taken.job_id)
    assert (job.status, job.failures) == ("pending", 0)
    assert 490 < (job.run_at - timezone.now()).total_seconds() <= 500


@pytest.mark.django_db
def test_a_wait_that_the_error_asks_for_goes_before_the_backoff(claimed, answering):
    answering.error = KeyError("x")
    answering.error.retry_after = 3000
    taken = claimed("answering")
    settle([(taken, run(taken))])

    job = Job.objects.get()
    assert job.failures == 1
    assert 2990 < (job.run_at - timezone.now()).total_seconds() <= 3000


@pytest.mark.django_db
def test_an_error_that_cannot_be_looked_at_is_an_ordinary_failure(claimed, answering):
    answering.error = Spiteful("see")
    taken = claimed("answering")

    outcome = run(taken)

    assert isinstance(outcome, Retry)
    assert outcome.error == "Spiteful: see"


@pytest.mark.django_db
def test_a_backoff_alone_still_holds(claimed):
    assert registry.get("fail").retry.backoff(3) == 0.0
    taken = claimed("fail")

    settle([(taken, run(taken))])

    assert Job.objects.get().run_at <= timezone.now()
