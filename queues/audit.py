"""Write down who changed what: one row a change, in the transaction that makes it."""

import getpass
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Model

from queues.masks import masked
from queues.models import AuditEntry
from queues.models.audit import MAX_LABEL_LENGTH, Door
from queues.payload import printable

__all__ = ["Door", "acting", "because", "identify", "operator", "record", "whoever"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts now, and through which door."""

    name: str
    door: Door
    user_id: int | None = None


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_reason: ContextVar[str] = ContextVar("reason", default="")


def record(
    action: str,
    target: Model | None = None,
    *,
    label: str = "",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    count: int = 1,
) -> None:
    """Write one audit row in the caller's transaction: rolled back with it.

    `action` is a word such as `job.cancel`; `before` and `after` tell what changed,
    secrets masked. What was done to many rows is one row with their `count`.
    """
    who = whoever()
    kind = "" if target is None else target._meta.label_lower  # noqa: SLF001
    AuditEntry.objects.create(
        actor=_line(who.name),
        user_id=who.user_id,
        door=who.door,
        action=action,
        target_kind=kind,
        target_id="" if target is None else _line(str(target.pk)),
        label=_line(label or ("" if target is None else str(target))),
        reason=printable(reason or _reason.get()),
        before=_told(before),
        after=_told(after),
        count=count,
    )


@contextmanager
def acting(actor: str, *, door: Door, user_id: int | None = None) -> Iterator[None]:
    """Let everything that the body changes be told of this actor."""
    token = _acting.set(Actor(actor, door, user_id))
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Let everything that the body changes be told for this reason."""
    token = _reason.set(reason.strip())
    try:
        yield
    finally:
        _reason.reset(token)


def identify(actor: str, *, user_id: int | None = None) -> None:
    """Name who acts from here to the end of the `acting` around it, if there is one."""
    if now := _acting.get():
        _acting.set(Actor(actor, now.door, user_id))


def whoever() -> Actor:
    """Return who acts now; what nobody claimed was done by code of this process."""
    return _acting.get() or Actor(settings.PROCESS, Door.CODE)


def operator() -> str:
    """Return the name of the person at this terminal, as the machine knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _line(text: str) -> str:
    text = printable(text)
    return text if len(text) <= MAX_LABEL_LENGTH else f"{text[: MAX_LABEL_LENGTH - 1]}…"


def _told(facts: Mapping[str, Any] | None) -> Any:
    return None if facts is None else _plain(masked(facts))


def _plain(value: Any) -> Any:
    """Return JSON that PostgreSQL holds; what is no JSON is told as text."""
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping():
            return {printable(str(name)): _plain(held) for name, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return printable(str(value))
