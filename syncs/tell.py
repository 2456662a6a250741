"""Write down what happens to a run, where people and logs find it."""

import logging
from typing import Any

from queues.masks import masked
from syncs.models import Event, Run

logger = logging.getLogger("syncs")

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
MOST = 2000
"""Characters of a message."""


def tell(
    run: Run, code: str, message: str = "", /, *, level: str = "info", **data: Any
) -> None:
    """Add an event in the caller's transaction, and a line to the log."""
    facts = {name: _plain(value) for name, value in masked(data).items()}
    Event.objects.create(
        run_id=run.pk, code=code, level=level, message=message[:MOST], data=facts
    )
    words = [message, *(f"{name}={value}" for name, value in facts.items())]
    told = " ".join(each for each in words if each)
    logger.log(LEVELS[level], "sync %s %s%s", run.pk, code, told and f": {told}")


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
