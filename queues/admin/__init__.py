"""The admin: windows on the rows, with buttons that call the verbs."""

from queues.admin import (
    alert_rules,
    alerts,
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
    "alert_rules",
    "alerts",
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
