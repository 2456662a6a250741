"""One envelope for every error below the API's paths, and no page elsewhere changed."""

import pytest
from django.contrib.auth.models import User
from django.db import DataError, OperationalError
from django.test import Client, override_settings

from queues.api import doors
from queues.models import Job
from tests.queues.callers import (
    ENQUEUE,
    PASS,
    RECEIPT,
    STATS,
    WORKERS,
    call,
    get,
    post,
)

pytestmark = pytest.mark.django_db

SECRET = "postgres://ritmo:password@db"


def broken(error):
    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "path", ["/api/nowhere", "/functions/v1/nowhere", "/api", "/api/"]
)
def test_a_path_that_leads_nowhere(path, debug):
    with override_settings(DEBUG=debug):
        for method in ("GET", "POST"):
            answer = call(method, path)
            assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_other_pages_keep_their_own_errors():
    assert "error" not in get("/nowhere").content.decode().split("<")[0]
    assert not get("/nowhere")["Content-Type"].startswith("application/json")
    assert get("/apiary").status_code == 404
    assert not get("/apiary")["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", ENQUEUE, "POST"), ("DELETE", "/api/jobs", "GET, POST"), ("GET", PASS, "POST"),
        ("POST", "/api/jobs/1", "GET"), ("GET", "/api/jobs/1/cancel", "POST"),
        ("GET", "/api/jobs/1/retry", "POST"), ("GET", WORKERS, "POST"), ("POST", STATS, "GET"),
        ("POST", "/healthz", "GET, HEAD"), ("POST", "/readyz", "GET, HEAD"),
        ("POST", "/metrics", "GET"),
    ],
)  # fmt: skip
def test_a_wrong_method(method, path, allow):
    answer = call(method, path, secret=None)

    assert (answer.status_code, answer.json()) == (405, {"error": "Method not allowed"})
    assert answer["Allow"] == allow


@pytest.mark.parametrize("debug", [True, False])
def test_a_fault_of_ours_shows_no_trace(monkeypatch, debug):
    monkeypatch.setattr(doors, "describe", broken(ZeroDivisionError(SECRET)))

    with override_settings(DEBUG=debug):
        answer = get(STATS)

    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "Internal server error"},
    )
    assert answer["Content-Type"] == "application/json"
    assert int(answer["Content-Length"]) == len(answer.content)


def test_a_fault_is_still_reported(monkeypatch):
    monkeypatch.setattr(doors, "describe", broken(ZeroDivisionError(SECRET)))

    with pytest.raises(ZeroDivisionError):
        get(STATS, client=Client())


def test_a_database_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(doors, "describe", broken(OperationalError(SECRET)))

    answer = get(STATS)

    said = {"error": "The database does not answer"}
    assert (answer.status_code, answer.json()) == (503, said)


@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_host(debug):
    with override_settings(DEBUG=debug):
        answer = get("/healthz", headers={"Host": "elsewhere.example.com"})

    assert (answer.status_code, answer.json()) == (400, {"error": "Bad request"})


def test_an_answer_that_is_no_error_keeps_its_form():
    answer = get("/api/docs")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", [ENQUEUE, "/api/jobs", STATS])
def test_options_everywhere(path):
    answer = call("OPTIONS", path, secret=None)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Allow"]
    assert call("OPTIONS", "/api/nowhere").status_code == 404


def test_a_slash_at_the_end_makes_no_difference():
    assert post(f"{ENQUEUE}/", RECEIPT).status_code == 200
    assert get("/healthz/").status_code == 200
    assert Job.objects.count() == 1


def test_a_form_that_cannot_be_read_is_a_bad_request():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(User.objects.create_user("ana"))
    kind = "multipart/form-data"

    answer = post("/api/jobs", b"x", secret=None, client=client, content_type=kind)

    assert answer.status_code in {400, 403}
    assert set(answer.json()) == {"error"}
    assert not Job.objects.exists()


def test_the_documentation_names_every_door():
    paths = get("/api/openapi.json", secret=None).json()["paths"]

    assert {
        ENQUEUE, PASS, WORKERS, STATS, "/api/jobs", "/api/jobs/{job_id}",
        "/api/jobs/{job_id}/cancel", "/api/jobs/{job_id}/retry", "/healthz", "/readyz",
        "/metrics",
    } <= set(paths)  # fmt: skip
    body = paths[ENQUEUE]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert set(body["required"]) == {"type", "data"}
    assert {"401", "503"} <= set(paths[ENQUEUE]["post"]["responses"])
    assert "$defs" not in body


def test_the_docs_page_needs_nothing_that_the_policy_forbids():
    answer = get("/api/docs", secret=None)
    page = answer.content.decode()

    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "//" not in page.replace("</", "<")
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=") + page.count(
        'type="application/json"'
    )


def test_errors_carry_the_cors_headers_and_the_policy():
    answer = get("/api/nowhere", headers={"Origin": "https://app.example.com"})

    assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Content-Security-Policy" in answer


def test_what_the_database_cannot_hold_is_a_refusal_too(monkeypatch):
    error = DataError("value out of range\nsecret")
    monkeypatch.setattr(doors, "describe", broken(error))

    answer = get(STATS)

    assert answer.status_code == 400
    assert answer.json() == {"error": "A value cannot be stored"}


def test_a_nul_in_a_query_looks_for_nothing():
    for path in ("/api/jobs?type=%00", f"{STATS}?x=a%00", "/healthz?%00"):
        assert get(path).status_code == 400
