"""The admin: windows on the rows, with buttons that call the verbs."""

from queues.admin import (
    audit,
    batches,
    bulks,
    firings,
    jobs,
    letters,
    limits,
    people,
    queue_page,
    schedules,
    tokens,
    workers,
)

__all__ = [
    "audit",
    "batches",
    "bulks",
    "firings",
    "jobs",
    "letters",
    "limits",
    "people",
    "queue_page",
    "schedules",
    "tokens",
    "workers",
]
