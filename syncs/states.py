"""The words that rows store; those of the seed's tables as the seed has them."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Provider(models.TextChoices):
    """Where the data of a store comes from."""

    SHOPIFY = "shopify", "Shopify"
    KLAVIYO = "klaviyo", "Klaviyo"
    SPRINTHUB = "sprinthub", "SprintHub"


class ConnectionStatus(models.TextChoices):
    """Whether a connection may be called; only an active one is."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", pgettext_lazy("connection", "paused")
    AUTH_ERROR = "auth_error", _("access refused")
    ACCOUNT_LOCKED = "account_locked", _("account locked")
    DISABLED = "disabled", _("disabled")


class RunStatus(models.TextChoices):
    """The seed's four words. A run that waits is `queued`, and says what for."""

    QUEUED = "queued", _("queued")
    PROCESSING = "processing", _("processing")
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")


OPEN = (RunStatus.QUEUED, RunStatus.PROCESSING)
OVER = (RunStatus.COMPLETED, RunStatus.FAILED)


class Outcome(models.TextChoices):
    """How a run ended, more exactly than its status says."""

    SUCCEEDED = "succeeded", _("succeeded")
    PARTIAL = "partial", _("partial")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Waiting(models.TextChoices):
    """Why a run that has begun is queued again."""

    RATE_LIMIT = "rate_limit", _("the provider's rate limit")
    QUOTA = "quota", _("the provider's daily quota")
    PROVIDER = "provider", _("the provider prepares the data")
    SLICE = "slice", _("others have their turn")
    RETRY = "retry", _("tries again after an error")
    LOST = "lost", _("its worker vanished")
    STALLED = "stalled", _("it made no progress")
    PAUSED = "paused", _("a connection rests after errors")


class Kind(models.TextChoices):
    """What a run is for; part of what makes two requests the same."""

    REPORT = "report", _("report")
    INCREMENTAL = "incremental", _("incremental")
    BACKFILL = "backfill", _("history")
    SEGMENT = "segment", _("segment")
    WEBHOOK = "webhook", _("webhook")
    RECOMPUTE = "recompute", _("computed anew")


class BackfillStatus(models.TextChoices):
    """How far the reading of a store's history is."""

    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped by an error")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")


UNFINISHED = (BackfillStatus.RUNNING, BackfillStatus.PAUSED, BackfillStatus.STOPPED)


class Trigger(models.TextChoices):
    """Who asked."""

    USER = "user", _("a person")
    CRON = "cron", _("a schedule")
    WEBHOOK = "webhook", _("a webhook")
    SYSTEM = "system", _("the system")
    COMMAND = "command", _("a command")
    SQL = "sql", _("SQL")


class DataType(models.TextChoices):
    """What the cache holds of a store."""

    ANALYTICS = "analytics", _("analytics")
    ORDERS = "orders", _("orders")
    CAMPAIGNS = "campaigns", _("campaigns")
    FLOWS = "flows", _("flows")
    CUSTOMERS = "customers", _("customers")
    PRODUCTS = "products", _("products")


class Source(models.TextChoices):
    """Who an entry of the cache comes from."""

    KLAVIYO = "klaviyo", "Klaviyo"
    SHOPIFY = "shopify", "Shopify"
    COMBINED = "combined", _("combined")


class CacheStatus(models.TextChoices):
    """How the last sync of an entry went; the numbers are those of the last good one."""

    SUCCESS = "success", _("success")
    ERROR = "error", _("error")
    PARTIAL = "partial", _("partial")


class Freshness(models.TextChoices):
    """What a reader may think of an entry."""

    FRESH = "FRESH", _("up to date")
    STALE = "STALE", _("being renewed")
    STALE_ERROR = "STALE_ERROR", _("the last try failed")
    NEGATIVE = "NEGATIVE", _("there is nothing")
    EXPIRED = "EXPIRED", _("an old snapshot")
    MISS = "MISS", _("never synced")


class StreamStatus(models.TextChoices):
    """Where a stream of a run stands."""

    PENDING = "pending", _("pending")
    RUNNING = "running", _("running")
    WAITING = "waiting", _("waiting")
    COMPLETE = "complete", _("complete")
    HELD = "held", _("held back")
    FAILED = "failed", _("failed")


class ErrorKind(models.TextChoices):
    """The classes of errors; each has one answer, in `syncs/errors.py`."""

    RATE_LIMIT = "rate_limit", _("rate limit")
    QUOTA = "quota", _("daily quota")
    TRANSIENT = "transient", _("passing fault")
    AUTH = "auth", _("access refused")
    CONFIG = "config", _("configuration")
    ACCOUNT_STATE = "account_state", _("state of the account")
    CURSOR_INVALID = "cursor_invalid", _("page expired")
    PAGINATION_LOOP = "pagination_loop", _("pages go in circles")
    CONTRACT = "contract", _("unexpected answer")
    DATA_QUALITY = "data_quality", _("data that cannot be right")
    LEASE_LOST = "lease_lost", _("another worker took over")
    CANCELLED = "cancelled", _("cancelled")
    INTERNAL = "internal", _("fault of our own")
