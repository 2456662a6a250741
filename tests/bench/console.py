"""The console at its full size: how long each page takes, and how many queries."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from config.demo.invent import invent
from queues.models import CronLog, DeadLetter, Job
from queues.states import State

MOST_MS, MOST_QUERIES = 300, 15
ADMIN = "/admin/"
JOBS = f"{ADMIN}queues/job/"
UNHASHED = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
"""Production names its files by their content, once collected; here none are."""

Pages = dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """One page: milliseconds of each opening, and the most queries of one.

    `busy` is what Python and the database's process computed meanwhile: on a machine
    that others use as well, the rest was waiting for a core.
    """

    name: str
    times: Sequence[float]
    busy: Sequence[float]
    queries: int

    @property
    def is_well(self) -> bool:
        """Tell whether it keeps what the console promises."""
        return median(self.times) <= MOST_MS and self.queries <= MOST_QUERIES

    def as_json(self) -> dict[str, object]:
        """Return the figures of the page."""
        return {
            "figure": f"console: {self.name}",
            "median": round(median(self.times), 1),
            "p95": round(quantiles(self.times, n=20, method="inclusive")[-1], 1),
            "busy": round(median(self.busy), 1),
            "queries": self.queries,
            "unit": "ms",
            "runs": len(self.times),
            "well": self.is_well,
        }


def row(opened: Opened) -> list[str]:
    """Return the page as a line of the table."""
    shown = opened.as_json()
    verdict = "yes" if opened.is_well else "no"
    figures = [f"{shown[name]:,.0f}" for name in ("median", "p95", "busy")]
    return [opened.name, *figures, str(opened.queries), verdict]


def fill(*, jobs: int, letters: int) -> float:
    """Write the history; return the minutes that took."""
    began = time.perf_counter()
    invent(jobs=jobs, letters=letters, days=14)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return (time.perf_counter() - began) / 60


def open_all(times: int) -> Iterator[Opened]:
    """Open each page so often, in turns, as a member of staff who may do everything."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(_staff())
    pages = {**lists(), **searches(), **details()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    queries = dict.fromkeys(pages, 0)
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": UNHASHED}):
        for _ in range(times):
            for name, address in pages.items():
                wall, busy, count = _open(client, address)
                taken[name].append((wall, busy))
                queries[name] = max(queries[name], count)
    for name in pages:
        walls, computed = zip(*taken[name], strict=True)
        yield Opened(name, walls, computed, queries[name])


def _open(client: Client, address: str) -> tuple[float, float, int]:
    """Return the milliseconds from outside and those computed, and the queries."""
    with CaptureQueriesContext(connection) as asked:
        began, before = time.perf_counter(), _computed()
        answer = client.get(address, follow=True)
        wall, busy = time.perf_counter() - began, _computed() - before
    assert answer.status_code == 200, (address, answer.status_code)
    return wall * 1000, busy * 1000, len(asked)


def _computed() -> float:
    """Return the seconds that this process and its database process computed."""
    postgres = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    theirs = int(postgres.read_text().split()[0]) / 1e9 if postgres.exists() else 0.0
    return time.process_time() + theirs


def _staff() -> User:
    found = User.objects.filter(username="bench").first()
    return found or User.objects.create_superuser("bench", password=None)


def lists() -> Pages:
    """Return the lists, each as it opens and as it is usually narrowed."""
    pages = {
        "overview": ADMIN,
        "overview, 24 hours": f"{ADMIN}?range=24h",
        "overview, 30 days": f"{ADMIN}?range=30d",
        "overview, what changed": f"{ADMIN}live/",
    }
    for model in site._registry:
        meta = model._meta
        if meta.app_label in {"queues", "django_celery_beat"} and model is not Job:
            address = f"{ADMIN}{meta.app_label}/{meta.model_name}/"
            pages[f"list of {meta.verbose_name_plural}"] = address
    words = ("due", "scheduled", "retrying", "processing", "completed", "failed")
    pages |= {
        f"jobs, {word}": f"{JOBS}?status={word}" for word in (*words, "cancelled")
    }
    middle = Job.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return pages | {
        "jobs": JOBS,
        "jobs, far back": f"{JOBS}?below={middle // 2}",
        "jobs of a common type": f"{JOBS}?type=shop.send-receipt",
        "jobs of a rare type": f"{JOBS}?type=tax.export",
        "jobs of a type that is not there": f"{JOBS}?type=not.there",
        "jobs of a queue and a priority": f"{JOBS}?queue=reports&priority=9",
        "jobs of the last hour": f"{JOBS}?created=1h",
        "jobs of the last week, failed": f"{JOBS}?created=7d&status=failed",
        "jobs with an error": f"{JOBS}?error=yes",
        "letters by fault": f"{ADMIN}queues/deadletter/faults/",
        "letters, open": f"{ADMIN}queues/deadletter/?state=open",
        "letters of a type": f"{ADMIN}queues/deadletter/?type=tax.export",
    }


def searches() -> Pages:
    """Return searches for what there is, lately or long ago, and for what is not."""
    dead = Job.objects.filter(status=State.FAILED).order_by("pk").first()
    keyed = Job.objects.filter(unique_key__isnull=False).order_by("pk").first()
    assert dead is not None
    assert keyed is not None
    texts = {
        "id": f"%23{dead.pk}",
        "key, the oldest": f"key:{keyed.unique_key}",
        "key, a beginning": "key:order:1",
        "type": "type:invoice.render",
        "error, frequent": "error:timeout",
        "error, of one type": "type:tax.export error:timeout",
        "error of the oldest dead job": f'"{(dead.error or "")[-40:]}"',
        "payload of the oldest dead job": next(map(str, dead.payload.values())),
        "payload member": "payload.shop:77",
        "word, frequent": "example.com",
        "word that is nowhere": "nowherewhatsoever",
        "owner": "owner:bench",
    }
    return {f"search: {name}": f"{JOBS}?q={text}" for name, text in texts.items()}


def details() -> Pages:
    """Return one page of each kind."""
    pages = {
        f"job, {status}": f"{JOBS}{job}/change/"
        for status in State.values
        if (
            job := Job.objects.filter(status=status).values_list("pk", flat=True).last()
        )
    }
    letter, firing = DeadLetter.objects.last(), CronLog.objects.last()
    if letter and firing:
        pages["letter"] = f"{ADMIN}queues/deadletter/{letter.pk}/change/"
        pages["firing"] = f"{ADMIN}queues/cronlog/{firing.pk}/change/"
    return pages
