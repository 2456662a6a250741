"""What the settings promise to the web, the database and Celery."""

import json
import logging

import pytest
import structlog
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from config import logs
from config.celery import app


def test_pages_carry_the_strict_policy(client: Client, db: None):
    answer = client.get("/admin/login/")

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_root_leads_to_the_admin(client: Client):
    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/jobs", "https://app.example.com", True),
        ("/functions/v1/enqueue-job", "https://app.example.com", True),
        ("/api/jobs", "https://evil.example.com", False),
        ("/admin/", "https://app.example.com", False),
    ],
)
def test_only_named_origins_may_call_the_doors(
    client: Client, path: str, origin: str, allowed: bool
):
    answer = client.options(
        path, headers={"origin": origin, "access-control-request-method": "POST"}
    )

    assert answer.headers.get("Access-Control-Allow-Origin") == (
        origin if allowed else None
    )


def test_the_admin_speaks_both_languages(client: Client, db: None):
    answer = client.get("/admin/login/", headers={"accept-language": "pt-br"})

    assert "Acessar" in answer.content.decode()


def test_the_cache_keeps_json_apart_from_the_broker(db: None):
    cache.set("key", {"a": [1, None]}, 10)

    assert cache.get("key") == {"a": [1, None]}
    assert settings.CACHES["default"]["LOCATION"] != settings.CELERY_BROKER_URL
    with pytest.raises(TypeError):
        cache.set("key", object(), 10)


def test_celery_carries_bells_only():
    assert not app.conf.task_acks_late
    assert not app.conf.result_backend
    assert app.conf.accept_content == ["json"]
    assert app.conf.worker_disable_prefetch is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.broker_transport_options["global_keyprefix"] == "ritmo:"
    assert app.conf.task_time_limit is None
    assert app.conf.get("CELERY_DB_REUSE_MAX") == 10**9


def test_a_line_of_any_logger_names_the_job_and_hides_secrets():
    described = logs.describe(readable=False, level="INFO")
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=described["formatters"]["line"]["processors"],
        foreign_pre_chain=described["formatters"]["line"]["foreign_pre_chain"],
    )
    record = logging.LogRecord("team", logging.INFO, "", 1, "sent %s", ("it",), None)
    record.api_token = "tell-nobody"

    with structlog.contextvars.bound_contextvars(job_id=7):
        line = json.loads(formatter.format(record))

    assert line["event"] == "sent it"
    assert line["job_id"] == 7
    assert line["logger"] == "team"
    assert line["api_token"] == "•••"


def test_an_error_of_the_web_is_logged_without_its_request():
    formatter = structlog.stdlib.ProcessorFormatter(
        **{
            key: value
            for key, value in logs.describe(readable=True, level="INFO")["formatters"][
                "line"
            ].items()
            if key != "()"
        }
    )
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "Oh", (), None)
    record.request = "<WSGIRequest with every header>"

    assert "WSGIRequest" not in formatter.format(record)
