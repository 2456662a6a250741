"""What a Prometheus server may ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from queues import figures
from queues.api.auth import AllowedNetwork, ServiceSecret
from queues.api.errors import problems
from queues.api.stats import depths
from queues.audit import Door
from queues.lines import changes, memory
from queues.models import Worker
from queues.states import End

router = Router(tags=["health"])


class Figures(Collector):
    """The rows themselves, read at every scrape: right for any number of processes."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        lines = figures.waiting()
        yield from _depths(lines)
        yield _gauge(
            "ritmo_oldest_due_seconds",
            "How long the oldest due job of a queue has been waiting",
            ("queue",),
            {(name,): age for name, age in _ages(lines).items()},
        )
        yield _gauge(
            "ritmo_dead_letters",
            "Dead letters that nobody replayed or dismissed",
            ("type",),
            {(name,): standing for name, (_, standing) in figures.dead().items()},
        )
        yield _gauge(
            "ritmo_attempts_last_hour",
            "Attempts that ended within the last hour",
            ("outcome",),
            {(end,): 0 for end in End.values}
            | {(end,): count for end, count in figures.ends().items()},
        )
        yield from _processes()
        yield from _memory()


@router.get(
    "/metrics",
    auth=[AllowedNetwork(), ServiceSecret()],
    response=problems(401),
    openapi_extra={"responses": {200: {"content": {"text/plain": {}}}}},
)
def metrics(request: HttpRequest) -> HttpResponse:
    """Tell the figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(
        generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4
    )


def _depths(lines: list[figures.Line]) -> Iterator[GaugeMetricFamily]:
    depth = depths(lines, figures.running())
    yield _gauge(
        "ritmo_jobs",
        "Live jobs",
        ("queue", "status"),
        {
            (name, status): each[status]
            for name, each in depth.items()
            for status in ("pending", "processing")
        },
    )
    yield _gauge(
        "ritmo_jobs_due",
        "Pending jobs that are due",
        ("queue",),
        {(name,): each["due"] for name, each in depth.items()},
    )
    yield _gauge(
        "ritmo_queue_paused",
        "Whether staff keep the jobs of a queue from being claimed",
        ("queue",),
        {(name,): each["paused"] for name, each in depth.items()},
    )


def _ages(lines: list[figures.Line]) -> dict[str, float]:
    ages: dict[str, float] = {}
    for line in lines:
        if line.due:
            ages[line.queue] = max(line.age, ages.get(line.queue, 0.0))
    return ages


def _processes() -> Iterator[GaugeMetricFamily]:
    beats = figures.heartbeats()
    yield _gauge(
        "ritmo_workers",
        "Processes heard of lately",
        ("kind",),
        {(kind,): beats.get(kind, (0, 0.0))[0] for kind in Worker.Kind.values},
    )
    yield _gauge(
        "ritmo_heartbeat_age_seconds",
        "Age of the last heartbeat of a kind of process",
        ("kind",),
        {(kind,): age for kind, (_, age) in beats.items()},
    )


def _memory() -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "ritmo_worker_memory_bytes",
        "Resident memory of the processes that are there, at their last heartbeat",
        ("kind",),
        {(kind,): held for kind, held in memory().items()},
    )
    yield _gauge(
        "ritmo_audit_last_hour",
        "Changes told in the audit log within the last hour",
        ("door",),
        {(door,): 0 for door in Door.values}
        | {(door,): count for door, count in changes().items()},
    )


def _gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Mapping[Any, float],
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
