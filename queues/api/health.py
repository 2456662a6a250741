"""Does the process live, and does everything that it needs answer?"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from queues.api.errors import problems
from queues.api.intake import Body
from queues.api.schemas import Health, Readiness
from queues.examine import ping
from queues.figures import FRESH, HEARTBEATS
from queues.models import Worker

CONNECT_SECONDS = 2
STATEMENT_MS = 1000
OK = "ok"
KINDS = {"beat": Worker.Kind.BEAT, "workers": Worker.Kind.NODE}

router = Router(tags=["health"], auth=None)


@router.api_operation(["GET", "HEAD"], "/healthz", response=Health)
def healthz(request: HttpRequest) -> Body:
    """Tell that the process lives; nothing else is asked."""
    return {"status": "ok"}


@router.api_operation(
    ["GET", "HEAD"], "/readyz", response={200: Readiness, **problems()}
)
def readyz(request: HttpRequest) -> HttpResponse:
    """Tell whether database, broker, beat and workers answer, each by name."""
    with ThreadPoolExecutor(1) as pool:
        broker = pool.submit(ping)
        checks = {"database": OK, "broker": OK, **dict(_database())}
        checks["broker"] = broker.result() or OK
    is_ready = set(checks.values()) == {OK}
    status = "ready" if is_ready else "not ready"
    body: Body = {"status": status, "checks": checks}
    if not is_ready:
        bad = (f"{name} {fact}" for name, fact in checks.items() if fact != OK)
        body["error"] = "Not ready: " + ", ".join(bad)
    return JsonResponse(body, status=200 if is_ready else 503)


def _database() -> Iterator[tuple[str, str]]:
    """Yield what the database tells: about itself, the beat and the workers.

    Over a connection of its own: the pool waits longer, and may be exhausted.
    """
    try:
        yield from _facts()
    except psycopg.errors.UndefinedTable:
        yield "database", "is not migrated"
        yield from dict.fromkeys(KINDS, "unknown").items()
    except psycopg.Error:
        yield "database", "does not answer"
        yield from dict.fromkeys(KINDS, "unknown").items()


def _facts() -> Iterator[tuple[str, str]]:
    options = {
        **connection.get_connection_params(),
        "connect_timeout": CONNECT_SECONDS,
        "autocommit": False,
    }
    with psycopg.connect(**options) as door:
        # Of this transaction alone: behind a pooler the session is other clients', too.
        door.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        applied = set(
            door.execute("SELECT app, name FROM django_migrations").fetchall()
        )
        if missing := len(_wanted() - applied):
            yield "database", f"waits for {missing} migrations"
        beats = door.execute(HEARTBEATS, {"fresh": FRESH}).fetchall()
    there = {kind: count for kind, count, _ in beats}
    for name, kind in KINDS.items():
        yield name, OK if there.get(kind) else f"not seen within {FRESH:g} s"


@cache
def _wanted() -> set[tuple[str, str]]:
    """Return the last migration of every application."""
    return set(MigrationLoader(None).graph.leaf_nodes())
