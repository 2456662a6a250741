"""The handler that the benchmark runs: it does nothing."""

from typing import Any

from queues.handlers import handler
from queues.running import RunningJob


@handler("bench-noop", queue="default")
def noop(data: dict[str, Any], job: RunningJob) -> None:
    """Do nothing."""
