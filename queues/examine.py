"""Look at everything that this installation stands on; change nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
import redis
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from redis.backoff import NoBackoff
from redis.retry import Retry

from queues.figures import FRESH, heartbeats, waiting
from queues.invariants import known, violations_of
from queues.keep import due_queues
from queues.lines import paused
from queues.models import Worker
from queues.punctuality import ailments

CONNECT_SECONDS = 2
PING_SECONDS = 1.0
STATEMENT_SECONDS = 30
OLDEST_POSTGRES = 15
MOST_SKEW = 2.0
"""Seconds between our clock and the database's; all decisions are the database's,
but people and logs compare both."""
LATE = 60.0
"""Seconds since a job was due after which the workers do not keep up."""

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in one line."""

    check: str
    level: Level
    line: str


Findings = Iterator[Finding]

FACTS = """
SELECT current_setting('server_version_num')::int / 10000,
       getdatabaseencoding(), pg_is_in_recovery()
"""
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
GUARDS = ("audit_log_undeleted", "audit_log_unchanged", "audit_log_untruncated")
UNGUARDED = """
SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass
      AND tgname = name AND tgenabled = 'A')
"""
HEARD = """
SELECT DISTINCT unnest(string_to_array(queues, ',')) FROM workers
WHERE kind = 'node' AND gone_at IS NULL
  AND seen_at > clock_timestamp() - %s * interval '1 second'
"""


def examine() -> Findings:
    """Yield what each check finds; a database that is away ends those that need it."""
    yield from _settings()
    yield from _sweep(
        _beat, _schedules, _workers, _queues, _waiting, _audit, _invariants
    )


def vital() -> Findings:
    """Yield whether anything works at all: what a dead man's switch must know."""
    yield from _sweep(_beat, _schedules, _workers)


def _sweep(*checks_of_rows: Callable[[], Findings]) -> Findings:
    with ThreadPoolExecutor(1) as pool:
        broker = pool.submit(ping)
        database = list(_database())
        said = broker.result()
    line = _(said) if said else _("answers")
    yield Finding("broker", "fault" if said else "ok", line)
    yield from database
    if any(each.level == "fault" and each.check != "clock" for each in database):
        return
    for check in checks_of_rows:
        yield from _guarded(check)


def ping() -> str:
    """Return what is wrong with the broker, or nothing."""
    client = redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_connect_timeout=PING_SECONDS,
        socket_timeout=PING_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.AuthenticationError:
        return gettext_noop("refuses the password")
    except (redis.RedisError, OSError):
        return gettext_noop("does not answer")
    finally:
        client.close()
    return ""


def _settings() -> Findings:
    found = checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    for each in found:
        if not each.is_silenced():
            level: Level = "fault" if each.is_serious(checks.ERROR) else "warning"
            yield Finding("settings", level, _one_line(f"{each.id}: {each.msg}"))
    if not any(each.is_serious(checks.ERROR) for each in found):
        kind = _("production") if settings.PRODUCTION else _("development")
        yield Finding("settings", "ok", kind)


def _database() -> Findings:
    """Look at the database over a connection that does not wait for long."""
    options = {
        **connection.get_connection_params(),
        "connect_timeout": CONNECT_SECONDS,
        "autocommit": True,
    }
    options.pop("pool", None)
    try:
        with psycopg.connect(**options) as door:
            (row,) = door.execute(FACTS).fetchall()
            skew = _skew(door)
    except psycopg.Error as error:
        yield Finding("database", "fault", _one_line(error))
        return
    yield _server(*row)
    level: Level = "ok"
    line = _("%(seconds).1f s away from the database's")
    if abs(skew) > MOST_SKEW:
        line = _("%(seconds).1f s away from the database's, more than %(most)g s")
        level = "fault"
    yield Finding("clock", level, line % {"seconds": abs(skew), "most": MOST_SKEW})
    yield from _guarded(_migrations)


def _server(version: int, encoding: str, is_standby: bool) -> Finding:  # noqa: FBT001 - a row
    words = {"name": f"PostgreSQL {version}", "oldest": OLDEST_POSTGRES}
    line = ""
    if version < OLDEST_POSTGRES:
        line = _("%(name)s is too old, %(oldest)s is needed") % words
    elif is_standby:
        line = _("%(name)s is a standby that takes no writes") % words
    elif encoding != "UTF8":
        line = _("the encoding is %(encoding)s, UTF8 is needed")
        line %= {"encoding": encoding}
    if line:
        return Finding("database", "fault", line)
    return Finding("database", "ok", f"{words['name']}, {encoding}")


def _skew(door: psycopg.Connection[Any]) -> float:
    """Return the seconds that the database's clock is ahead of ours, at the least."""
    before = time.time()
    ((there,),) = door.execute(CLOCK).fetchall()
    return float(there - min(max(there, before), time.time()))


def _migrations() -> Findings:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = f"{plan[0][0].app_label}.{plan[0][0].name}"
        line = _("%(count)d are not applied, from %(first)s on")
        words = {"count": len(plan), "first": first}
        yield Finding("migrations", "fault", line % words)
    else:
        yield Finding("migrations", "ok", _("all are applied"))


def _beat() -> Findings:
    yield _there("beat", Worker.Kind.BEAT)


def _schedules() -> Findings:
    found = ailments()
    for each in found:
        level: Level = "warning" if each.has_ended else "fault"
        yield Finding("schedules", level, _one_line(f"{each.name}: {each.said}"))
    if not found:
        yield Finding("schedules", "ok", _("all that are on can fire and are in time"))


def _workers() -> Findings:
    yield _there("workers", Worker.Kind.NODE)


def _there(check: str, kind: Worker.Kind) -> Finding:
    count, age = heartbeats().get(kind, (0, None))
    if count:
        line = _("%(count)d there, the last one seen %(age).0f s ago")
        return Finding(check, "ok", line % {"count": count, "age": age})
    line = _("none was seen within %(fresh)g s") % {"fresh": FRESH}
    return Finding(check, "fault", line)


def _queues() -> Findings:
    with connection.cursor() as cursor:
        cursor.execute(HEARD, [FRESH])
        heard = {name for (name,) in cursor.fetchall()}
    closed = paused()
    for name, queue in closed.items():
        line = _("%(name)s is paused by %(who)s: %(note)s")
        words = {"name": name, "who": queue.paused_by, "note": queue.pause_note or "–"}
        yield Finding("queues", "warning", line % words)
    due = [name for name in due_queues() if name not in closed]
    if unheard := [name for name in due if name not in heard]:
        for name in unheard:
            line = _("%(name)s holds due jobs, but no worker takes them")
            yield Finding("queues", "fault", line % {"name": name})
    elif not closed:
        line = _("workers take what is due")
        yield Finding("queues", "ok", line)


def _waiting() -> Findings:
    closed = paused()
    lines = [line for line in waiting() if line.queue not in closed]
    oldest = max(lines, key=lambda line: line.age, default=None)
    count, _age = heartbeats().get(Worker.Kind.NODE, (0, 0.0))
    if oldest is None or oldest.age <= LATE:
        yield Finding("waiting", "ok", _("nothing due for longer than a minute"))
        return
    line = _("a job of %(queue)s at priority %(priority)d is due since %(age).0f s")
    words = {"queue": oldest.queue, "priority": oldest.priority, "age": oldest.age}
    # Without workers that is no news: their absence is the fault.
    yield Finding("waiting", "warning" if count else "ok", line % words)


def _audit() -> Findings:
    with connection.cursor() as cursor:
        cursor.execute(UNGUARDED, [list(GUARDS)])
        missing = [name for (name,) in cursor.fetchall()]
    if missing:
        line = _("the audit log can be changed: %(names)s is off")
        names = {"names": ", ".join(missing)}
        yield Finding("audit", "fault", line % names)
    else:
        yield Finding("audit", "ok", _("nobody can change it"))


def _invariants() -> Findings:
    are_whole = True
    for name, invariant in known().items():
        try:
            rows = _within_seconds(name)
        except OperationalError as error:
            are_whole = False
            yield Finding("invariants", "warning", f"{name}: {_one_line(error)}")
            continue
        if rows:
            are_whole = False
            not_so = _("Not so:")  # no catalogue looks into an f-string
            line = f"{name}: {invariant.sentence} {not_so} {', '.join(rows)}"
            yield Finding("invariants", "fault", line)
    if are_whole:
        line = _("%(count)d hold") % {"count": len(known())}
        yield Finding("invariants", "ok", line)


def _within_seconds(name: str) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        return violations_of(name)


def _guarded(check: Callable[[], Findings]) -> Findings:
    """Run a check; what the database refuses meanwhile is its fault."""
    try:
        yield from check()
    except (DatabaseError, psycopg.Error) as error:
        yield Finding(check.__name__.strip("_"), "fault", _one_line(error))


def _one_line(said: object) -> str:
    return " ".join(str(said).split())
