"""How Celery is set up: a message is a bell, so losing or doubling one is harmless."""

from typing import Any

CELERY: dict[str, Any] = {
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
    "CELERY_BROKER_TRANSPORT_OPTIONS": {
        "global_keyprefix": "ritmo:",
        "max_retries": 0,  # a bell that is not rung at once is rung by the pacemaker
        "socket_connect_timeout": 1,
        "socket_timeout": 3,
        "socket_keepalive": True,
        "queue_order_strategy": "priority",
    },
    "CELERY_ACCEPT_CONTENT": ["json"],
    "CELERY_TASK_SERIALIZER": "json",
    "CELERY_TASK_ACKS_LATE": False,
    "CELERY_TASK_IGNORE_RESULT": True,
    "CELERY_TASK_CREATE_MISSING_QUEUES": True,
    "CELERY_TASK_DEFAULT_QUEUE": "default",
    # Else beat adds a schedule that cleans up results.
    "CELERY_RESULT_EXPIRES": None,
    "CELERY_TIMEZONE": "UTC",
    "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
    "CELERY_WORKER_DISABLE_PREFETCH": True,
    "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,
    "CELERY_WORKER_SEND_TASK_EVENTS": False,
    # A process that starts on a busy machine is not killed for being late.
    "CELERY_WORKER_PROC_ALIVE_TIMEOUT": 30,
    "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
    "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": False,
    "CELERY_BEAT_SCHEDULER": "queues.beat:RowScheduler",
    # Celery closes the connection around every task unless told to use it very often.
    "CELERY_DB_REUSE_MAX": 10**9,
}
"""The settings that are the same everywhere."""
