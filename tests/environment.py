"""What the settings are told in tests, whatever the shell around them says."""

import os

ENVIRONMENT = {
    "DEBUG": "on",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "CRON_SECRET": "cron-test-secret,cron-rotated",
    "SERVICE_ROLE_KEY": "service-test-key,service-rotated",
    "WORKER_SECRET": "worker-test-secret,worker-rotated",
    "FIELD_ENCRYPTION_KEYS": "dGVzdHMtb25seS1rZXktb2YtMzItYnl0ZXMtbG9uZyE=",
    "CORS_ALLOWED_ORIGINS": "https://app.example.com",
    "EMAIL_URL": "memorymail://",
    "HTTPS_ONLY": "off",
    "LOG_LEVEL": "INFO",
    "TIME_ZONE": "UTC",
    "LANGUAGE_CODE": "en",
    "EXTRA_APPS": "tests.shop,tests.market",
    "PUBLIC_URL": "https://ritmo.example.com",
    "PROVIDERS_ALLOW_PRIVATE": "on",
    "WHATSAPP_INBOUND_SECRET": "inbound-test-secret,inbound-rotated",
}
LEFT_OUT = (
    "API_CALLS_A_MINUTE", "BEHIND_HTTPS_PROXY", "DEMO_PHONES_TOKEN", "DEMO_PHONES_URL", "CSRF_TRUSTED_ORIGINS", "HTTP_REQUEST_ALLOW_PRIVATE",
    "METRICS_ALLOWED_NETWORKS", "QUEUES", "RITMO_DEMO", "RITMO_GRACE", "RITMO_PGBOUNCER", "RITMO_PROCESS", "SECRET_KEY_FALLBACKS",
    "KLAVIYO_BASE_URL", "KLAVIYO_REVISION", "SENTRY_DSN", "SHOPIFY_API_VERSION",
    "SHOPIFY_BASE_URL", "SHOPIFY_FILE_HOSTS", "SHOPIFY_WEBHOOK_SECRET", "SLACK_WEBHOOK_URL", "SPRINTHUB_API_TOKEN", "SPRINTHUB_BASE_URL",
    "SPRINTHUB_CALLS_A_MINUTE", "SPRINTHUB_WEBHOOK_SECRET",
    "SPRINTHUB_INSTANCE", "UAZAPI_BASE_URL", "UAZAPI_TOKEN",
)  # fmt: skip
