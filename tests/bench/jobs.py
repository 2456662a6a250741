"""The handlers that the benchmark runs: they do nothing."""

from typing import Any

from queues.handlers import handler
from queues.limits import Limit
from queues.running import RunningJob
from tests.bench import shelf  # noqa: F401 - registers itself


@handler("bench-noop", queue="default")
def noop(data: dict[str, Any], job: RunningJob) -> None:
    """Do nothing."""


@handler("bench-hot", queue="default", limit=Limit("bench-hot", running=1), key="key")
def hot(data: dict[str, Any], job: RunningJob) -> None:
    """Do nothing, one at a time."""
