"""Describe logging: one JSON object a line in production, readable in development."""

import logging
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.env import BadEnvironment
from queues.masks import MASK, is_secret

QUIET = ("celery.app.trace", "celery.worker.strategy", "kombu", "httpx2", "httpcore2")


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide the value of every field whose name speaks of a secret."""
    event.pop("request", None)  # Django's, with every header in it
    for name in event:
        if is_secret(name):
            event[name] = MASK
    return event


def describe(*, readable: bool, level: str) -> dict[str, Any]:
    """Return Django's LOGGING, and point structlog's own loggers at the same lines.

    What is bound by `structlog.contextvars` (the job of a handler) is on every line, also on
    those of plain `logging` loggers.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _shared(),
        "processors": _ending(readable=readable),
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "filters": {
            "news": {"()": "django.utils.log.CallbackFilter", "callback": _is_news}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": _loggers(),
    }


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line of django.request says what its caller does not read.

    Whoever waits for /readyz asks several times a second, and reads the answer.
    """
    path = getattr(getattr(record, "request", None), "path", "")
    return path != "/readyz"


def report_errors(dsn: str) -> None:
    """Send unexpected errors to Sentry, without the people they are about."""
    import sentry_sdk  # a tenth of a second that few starts need

    try:
        sentry_sdk.init(dsn, send_default_pii=False, max_request_body_size="never")
    except ValueError:
        raise BadEnvironment("SENTRY_DSN", "is not a DSN") from None


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        mask_secrets,
    ]


def _ending(*, readable: bool) -> list[Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if readable:
        plain = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        return [strip, plain]
    return [
        strip,
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _loggers() -> dict[str, Any]:
    return {
        # Django and gunicorn bring handlers of their own: everything goes through the root.
        "django": {"handlers": [], "propagate": True},
        "django.request": {"filters": ["news"]},
        "django.server": {"handlers": [], "propagate": True},
        "gunicorn.error": {"handlers": [], "propagate": True},
        **{name: {"level": "WARNING"} for name in QUIET},
    }
