"""Every setting, driven by the environment and safe for production by default."""

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import bells, logs
from config.database import POOL
from config.env import BASE_DIR, load, process_kind
from config.version import commit

env = load()

DEBUG = env.flag("DEBUG", default=False)
PRODUCTION = not DEBUG
DATA_DIR = env.directory()
PROCESS = process_kind()
VERSION = env.text("RITMO_VERSION") or commit()

# ── Secrets ────────────────────────────────────────────────────────────────────────

SECRET_KEY = env.secret_key(production=PRODUCTION)
SECRET_KEY_FALLBACKS = list(env.words("SECRET_KEY_FALLBACKS"))
CRON_SECRETS = env.secrets("CRON_SECRET", production=PRODUCTION)
SERVICE_ROLE_KEYS = env.secrets("SERVICE_ROLE_KEY", production=PRODUCTION)
WORKER_SECRETS = env.secrets("WORKER_SECRET", production=PRODUCTION)
FIELD_ENCRYPTION_KEYS = env.words("FIELD_ENCRYPTION_KEYS", r"[A-Za-z0-9_-]{43}=")

# ── Applications ───────────────────────────────────────────────────────────────────

DEMO = env.flag("RITMO_DEMO", default=False)

INSTALLED_APPS = [
    "config.console.ConsoleConfig",  # stands in for django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_celery_beat",
    "corsheaders",
    "ninja",
    "csp",
    "django_htmx",  # its copy of htmx
    "config",
    "queues",
    "cadences",
    "syncs",
    *env.apps("EXTRA_APPS"),
    *(["config.demo"] if DEMO else []),
]

MIDDLEWARE = [
    "queues.api.middleware.JsonErrors",  # first: errors of all others pass it
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "queues.api.throttle.Throttle",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "queues.doorman.Doorman",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# ── Database ───────────────────────────────────────────────────────────────────────

STATEMENT_SECONDS = {"web": 10, "worker": 60, "beat": 60}
"""How long one statement may take; commands and migrations take what they need."""


def _startup_options() -> str:
    """Return limits that PostgreSQL applies as the connection opens.

    PgBouncer refuses such options, and a plain SET would leak to other clients of its server
    connections: with RITMO_PGBOUNCER on, set the limits by ALTER ROLE instead.
    """
    seconds = STATEMENT_SECONDS.get(PROCESS)
    if seconds is None or env.flag("RITMO_PGBOUNCER", default=False):
        return ""
    idle = "idle_in_transaction_session_timeout=60s"
    return f"-c statement_timeout={seconds}s -c {idle}"


def _connection_options() -> dict[str, Any]:
    options: dict[str, Any] = {
        "application_name": f"ritmo-{PROCESS}",
        "connect_timeout": 3,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    if startup := _startup_options():
        options["options"] = startup
    if PROCESS == "web":
        options["pool"] = POOL
    return options


DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **(database := env.database()),
        "OPTIONS": {**_connection_options(), **database.get("OPTIONS", {})},
        # The pool keeps the connections of the web; other processes keep their one.
        "CONN_MAX_AGE": 0 if PROCESS == "web" else None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    },
}

# ── Redis: broker on the database of REDIS_URL, cache on the next ──────────────────

REDIS_URL = env.redis()
BROKER_DATABASE = int(urlsplit(REDIS_URL).path.strip("/") or 0)


def _redis(number: int) -> str:
    return urlsplit(REDIS_URL)._replace(path=f"/{number}").geturl()


CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": _redis(BROKER_DATABASE + 1),
        "KEY_PREFIX": "ritmo",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 1,
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1)},
        },
    },
}

# ── Jobs ───────────────────────────────────────────────────────────────────────────

QUEUES = env.words("QUEUES", r"[a-z0-9][a-z0-9_-]{0,62}")
MAX_PAYLOAD_BYTES = 256 * 1024
RETENTION_DAYS = env.number("RETENTION_DAYS", 30, least=1, most=36_500)
RETENTION_DAYS_FAILED = env.number("RETENTION_DAYS_FAILED", 90, least=1, most=36_500)
RETENTION_DAYS_AUDIT = env.number("RETENTION_DAYS_AUDIT", 1095, least=365, most=36_500)
API_CALLS_A_MINUTE = env.number("API_CALLS_A_MINUTE", 0, most=1_000_000)
GRACE_SECONDS = env.number("RITMO_GRACE", 10, least=1, most=3600)
METRICS_ALLOWED_NETWORKS = env.networks("METRICS_ALLOWED_NETWORKS")
PROVIDERS_ALLOW_PRIVATE = env.flag("PROVIDERS_ALLOW_PRIVATE", default=False)
HTTP_REQUEST_ALLOW_PRIVATE = env.flag("HTTP_REQUEST_ALLOW_PRIVATE", default=False)

# ── Celery: a message is a bell, so losing or doubling one is harmless ─────────────

CELERY_BROKER_URL = _redis(BROKER_DATABASE)
vars().update(bells.CELERY)

# ── People: language, time, sign-in ────────────────────────────────────────────────

LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "en", "pt-br")
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.zone()
USE_TZ = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
SESSION_COOKIE_AGE = 8 * 3600

# ── The web ────────────────────────────────────────────────────────────────────────

HTTPS_ONLY = env.flag("HTTPS_ONLY", default=PRODUCTION)
ALLOWED_HOSTS = list(env.words("ALLOWED_HOSTS", r"\*|\.?[^\s/:*]+|\[[0-9a-f:]+\]"))
if PRODUCTION:
    env.need("ALLOWED_HOSTS", "list the host names that this serves")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if env.flag("BEHIND_HTTPS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

CORS_URLS_REGEX = r"^/(functions|api)/"
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_HEADERS = (
    "accept", "apikey", "authorization", "content-type", "idempotency-key",
    "x-client-info", "x-requested-with",
)  # fmt: skip

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
_collected = "whitenoise.storage.CompressedManifestStaticFilesStorage"
_found = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _found if DEBUG else _collected},
}

# ── The outside world ──────────────────────────────────────────────────────────────

vars().update(env.email())
SLACK_WEBHOOK_URL = env.url("SLACK_WEBHOOK_URL", "https", "http")
SPRINTHUB_BASE_URL = env.url("SPRINTHUB_BASE_URL", "https", "http")
SPRINTHUB_API_TOKEN = env.text("SPRINTHUB_API_TOKEN")
SPRINTHUB_INSTANCE = env.text("SPRINTHUB_INSTANCE")
SPRINTHUB_CALLS_A_MINUTE = env.number(
    "SPRINTHUB_CALLS_A_MINUTE", 60, least=1, most=6000
)
SPRINTHUB_WEBHOOK_SECRETS = env.secrets(
    "SPRINTHUB_WEBHOOK_SECRET", production=PRODUCTION
)
SHOPIFY_BASE_URL = env.template("SHOPIFY_BASE_URL", "https://{shop}", "shop")
SHOPIFY_API_VERSION = env.text("SHOPIFY_API_VERSION", "2026-10")
SHOPIFY_FILE_HOSTS = env.words("SHOPIFY_FILE_HOSTS", r"[^\s/@]+") or (
    "storage.googleapis.com",
)
SHOPIFY_WEBHOOK_SECRETS = env.secrets("SHOPIFY_WEBHOOK_SECRET", production=PRODUCTION)
KLAVIYO_BASE_URL = (
    env.url("KLAVIYO_BASE_URL", "https", "http") or "https://a.klaviyo.com"
)
KLAVIYO_REVISION = env.text("KLAVIYO_REVISION", "2026-10-15")
UAZAPI_BASE_URL = env.url("UAZAPI_BASE_URL", "https", "http")
UAZAPI_TOKEN = env.text("UAZAPI_TOKEN")
DEMO_PHONES_URL = env.url("DEMO_PHONES_URL", "http") if DEMO else ""
DEMO_PHONES_TOKEN = env.text("DEMO_PHONES_TOKEN")
PUBLIC_URL = env.url("PUBLIC_URL", "https", "http").rstrip("/")
WHATSAPP_INBOUND_SECRETS = env.secrets("WHATSAPP_INBOUND_SECRET", production=PRODUCTION)

# ── Logs and errors ────────────────────────────────────────────────────────────────

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")
LOGGING = logs.describe(readable=DEBUG, level=LOG_LEVEL)

SENTRY_DSN = env.url("SENTRY_DSN", "https", "http")
if SENTRY_DSN:
    logs.report_errors(SENTRY_DSN)
