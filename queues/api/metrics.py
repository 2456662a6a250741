"""What a Prometheus server may ask for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from queues.punctuality import firings_lately, late
from queues.states import End

router = Router(tags=["health"])

Source = Callable[[], Iterable[GaugeMetricFamily]]
_guests: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Let an app that stands on the engine tell figures of its own, at every scrape."""
    _guests[name] = source


class Figures(Collector):
    """The rows themselves, read at every scrape: right for any number of processes."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        lines = figures.waiting()
        yield from _depths(lines)
        yield gauge(
            "ritmo_oldest_due_seconds",
            "How long the oldest due job of a queue has been waiting",
            ("queue",),
            {(name,): age for name, age in _ages(lines).items()},
        )
        yield from _ends()
        yield from _firings()
        yield from _processes()
        yield from _memory()
        for source in _guests.values():
            yield from source()


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
    yield gauge(
        "ritmo_jobs",
        "Live jobs",
        ("queue", "status"),
        {
            (name, status): each[status]
            for name, each in depth.items()
            for status in ("pending", "processing")
        },
    )
    yield gauge(
        "ritmo_jobs_due",
        "Pending jobs that are due",
        ("queue",),
        {(name,): each["due"] for name, each in depth.items()},
    )
    yield gauge(
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


def _ends() -> Iterator[GaugeMetricFamily]:
    yield gauge(
        "ritmo_dead_letters",
        "Dead letters that nobody replayed or dismissed",
        ("type",),
        {(name,): standing for name, (_, standing) in figures.dead().items()},
    )
    yield gauge(
        "ritmo_attempts_last_hour",
        "Attempts that ended within the last hour",
        ("outcome",),
        {(end,): 0 for end in End.values}
        | {(end,): count for end, count in figures.ends().items()},
    )


def _firings() -> Iterator[GaugeMetricFamily]:
    counts, worst = firings_lately()
    yield gauge(
        "ritmo_firings_last_hour",
        "Due times of schedules within the last hour, skipped ones each",
        ("status",),
        {(status,): count for status, count in counts.items()},
    )
    delays = {(): worst}
    text = "How late the latest firing of the last hour was"
    yield gauge("ritmo_firing_delay_seconds", text, (), delays)
    text = "Schedules with a due time that nobody fired in time"
    yield gauge("ritmo_schedules_late", text, (), {(): late()})


def _processes() -> Iterator[GaugeMetricFamily]:
    beats = figures.heartbeats()
    yield gauge(
        "ritmo_workers",
        "Processes heard of lately",
        ("kind",),
        {(kind,): beats.get(kind, (0, 0.0))[0] for kind in Worker.Kind.values},
    )
    yield gauge(
        "ritmo_heartbeat_age_seconds",
        "Age of the last heartbeat of a kind of process",
        ("kind",),
        {(kind,): age for kind, (_, age) in beats.items()},
    )


def _memory() -> Iterator[GaugeMetricFamily]:
    yield gauge(
        "ritmo_worker_memory_bytes",
        "Resident memory of the processes that are there, at their last heartbeat",
        ("kind",),
        {(kind,): held for kind, held in memory().items()},
    )
    yield gauge(
        "ritmo_audit_last_hour",
        "Changes told in the audit log within the last hour",
        ("door",),
        {(door,): 0 for door in Door.values}
        | {(door,): count for door, count in changes().items()},
    )


def gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Mapping[Any, float],
) -> GaugeMetricFamily:
    """Return a gauge with a value for each set of labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
