"""Let a worker of a test die at a point that a file names, once, or at any by chance.

`TRAP` names the file, `DEATHS` a share of all passages; without them nothing is changed.
`HASTE` makes waits after failures so many times shorter.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any


def _always(*_: Any, **__: Any) -> bool:
    return True


def _says(code: str) -> Callable[..., bool]:
    return lambda *args, **_: args[1] == code


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the life of a sync: before or after a call, in a transaction or not."""

    name: str
    module: str
    function: str
    is_before: bool = False
    applies: Callable[..., bool] = _always
    time: int = 1
    """It strikes at the n-th passage."""


POINTS = (
    Point("about to claim", "queues.work", "_take", is_before=True),
    Point("claimed", "queues.work", "_run_batch", is_before=True),
    Point("before it begins", "syncs.turn", "begin", is_before=True),
    Point("inside the beginning", "syncs.turn", "tell", applies=_says("began")),
    Point("before the first call", "syncs.work", "_plan"),
    Point("after a response", "syncs.fetch", "_commit", is_before=True, time=2),
    Point("inside a page", "syncs.turn", "advance", time=2),
    Point("after a page", "syncs.fetch", "_commit", time=2),
    Point("after the last page", "syncs.fetch", "_commit", time=3),
    Point(
        "inside the end of a pass", "syncs.fetch", "tell",
        applies=_says("stream_complete"),
    ),
    Point("before publication", "syncs.finish", "publish", is_before=True),
    Point("inside publication", "syncs.publish", "_write", time=2),
    Point("published", "syncs.finish", "publish"),
    Point("inside the end", "syncs.turn", "end"),
    Point("ended", "syncs.jobs", "work"),
)  # fmt: skip
NAMES = [each.name for each in POINTS]
IDLE = {"about to claim", "claimed", "before it begins"}
"""Points that others than syncs pass, or where nothing of one has begun."""

_passed: Counter[str] = Counter()


def install() -> None:
    """Wrap the functions of all points, where the environment asks for it."""
    trap, share = os.environ.get("TRAP"), float(os.environ.get("DEATHS", "0"))
    if haste := os.environ.get("HASTE"):
        _hasten(float(haste))
    if not trap and not share:
        return
    for point in POINTS:
        module = import_module(point.module)
        whole = getattr(module, point.function)
        setattr(module, point.function, _trapped(whole, point, trap, share))


def _trapped(
    whole: Callable[..., Any], point: Point, trap: str | None, share: float
) -> Callable[..., Any]:
    @wraps(whole)
    def passing(*args: Any, **kwargs: Any) -> Any:
        if point.is_before:
            _pass(point, trap, share, args, kwargs)
        value = whole(*args, **kwargs)
        if not point.is_before:
            _pass(point, trap, share, args, kwargs)
        return value

    return passing


def _pass(point: Point, trap: str | None, share: float, args: Any, kwargs: Any) -> None:
    if not point.applies(*args, **kwargs):
        return
    if share and point.name not in IDLE and random.random() < share:
        os.kill(os.getpid(), signal.SIGKILL)
    if trap and _is_named(point, Path(trap)):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_named(point: Point, file: Path) -> bool:
    """Tell whether the file names this point, for the last time."""
    with suppress(FileNotFoundError):
        if file.read_text() != point.name:
            return False
        _passed[point.name] += 1
        if _passed[point.name] < point.time:
            return False
        file.unlink()
        return True
    return False


def _hasten(times: float) -> None:
    """Let tries follow each other faster; what they count stays the same."""
    from syncs import links, turn

    for module, name in ((turn, "WAITS"), (links, "RESTS")):
        waits = getattr(module, name)
        setattr(module, name, tuple(each / times for each in waits))
