"""Die where RITMO_CRASH says, the first time that a process comes there."""

import os
import threading
from collections.abc import Callable
from importlib import import_module
from signal import SIGKILL
from typing import Any

from django.apps import AppConfig
from django.db import transaction

SOON = 1.5
"""Seconds after a call of the provider has begun."""


def die() -> None:
    """End this process without notice."""
    os.kill(os.getpid(), SIGKILL)


def before(real: Callable[..., Any], *given: Any, **named: Any) -> None:
    """Die instead of going on."""
    die()


def after(real: Callable[..., Any], *given: Any, **named: Any) -> None:
    """Die as soon as it has been done."""
    real(*given, **named)
    die()


def unsaved(real: Callable[..., Any], *given: Any, **named: Any) -> None:
    """Die when it has been done, but not committed."""
    with transaction.atomic():
        after(real, *given, **named)


def amid(real: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Die while it is done."""
    threading.Timer(SOON, die).start()
    return real(*given, **named)


POINTS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "claiming": ("cadences.runner", "claim", unsaved),
    "claimed": ("cadences.runner", "deliver_all", before),
    "intending": ("cadences.deliver", "intend", after),
    "intended": ("cadences.deliver", "_send", before),
    "calling": ("cadences.channels.uazapi", "deliver", amid),
    "answered": ("cadences.deliver", "conclude", before),
    "concluding": ("cadences.conclude", "move_on", after),
    "concluded": ("cadences.deliver", "conclude", after),
    "closing": ("cadences.runner", "close_log", before),
}
"""From the first to the last thing that a pass does for a run."""


class Crashing(AppConfig):
    """The app of that name."""

    name = "tests.crashing"

    def ready(self) -> None:
        """Put the trap where it was asked for."""
        point = os.environ.get("RITMO_CRASH")
        if point is None:
            return
        place, name, way = POINTS[point]
        module = import_module(place)
        real = getattr(module, name)
        setattr(module, name, lambda *given, **named: way(real, *given, **named))
