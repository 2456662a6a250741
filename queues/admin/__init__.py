"""The admin: windows on the rows, with buttons that call the verbs."""

from queues.admin import (
    batches,
    bulks,
    firings,
    jobs,
    letters,
    limits,
    schedules,
    tokens,
    workers,
)

__all__ = [
    "batches",
    "bulks",
    "firings",
    "jobs",
    "letters",
    "limits",
    "schedules",
    "tokens",
    "workers",
]
