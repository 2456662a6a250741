"""POST /functions/v1/enqueue-job, as the callers of the first system know it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from queues.enqueue import enqueue, enqueue_many
from queues.models import Job
from tests.queues.callers import (
    CRON,
    ENQUEUE,
    RECEIPT,
    SERVICE,
    call,
    nothing_was_written,
    post,
)

pytestmark = pytest.mark.django_db


def test_a_job_is_enqueued():
    answer = post(ENQUEUE, {**RECEIPT, "priority": 1})

    job = Job.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "jobId": str(job.id),
        "queuePosition": 1,
        "message": "Job enqueued successfully",
    }
    assert (job.type, job.payload, job.priority) == ("send-receipt", {"order_id": 7}, 1)
    assert (job.source, job.owner, job.status) == ("api", None, "pending")


@pytest.mark.parametrize("secret", [CRON, "cron-rotated", SERVICE, "service-rotated"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_every_value_of_both_secrets_opens(secret, scheme):
    headers = {"Authorization": f"{scheme} {secret}"}

    assert post(ENQUEUE, RECEIPT, secret=None, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", "Bearer None", "Bearer undefined", "Bearer null",
        "Bearer wrong", "Bearer cron-test-secre", "Bearer cron-test-secret,cron-rotated",
        "Bearer cron-test-secret cron-test-secret", "Bearer CRON-TEST-SECRET",
        "Bearer worker-test-secret", "Basic cron-test-secret", "cron-test-secret",
        "Bearer c\xe9", "Bearer \xff\xfe", "Bearer \u20ac", "Bearer \x00",
    ],
)  # fmt: skip
def test_anything_else_is_refused(header):
    headers = {} if header is None else {"Authorization": header}

    answer = post(ENQUEUE, RECEIPT, secret=None, headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
    assert answer["WWW-Authenticate"] == "Bearer"
    assert nothing_was_written()


@pytest.mark.parametrize("values", [(), ("",)])
def test_an_unset_secret_never_matches(values):
    with override_settings(CRON_SECRETS=values, SERVICE_ROLE_KEYS=values):
        for header in ("Bearer", "Bearer ", "Bearer cron-test-secret", "Bearer None"):
            headers = {"Authorization": header}
            answer = post(ENQUEUE, RECEIPT, secret=None, headers=headers)
            assert answer.status_code == 401

    assert nothing_was_written()


def test_a_secret_elsewhere_grants_nothing():
    body = {
        **RECEIPT,
        "secret": CRON,
        "authorization": f"Bearer {CRON}",
        "apikey": CRON,
    }
    path = f"{ENQUEUE}?secret={CRON}&authorization=Bearer+{CRON}&apikey={CRON}"
    client = Client()
    client.cookies["authorization"] = CRON
    headers = {"apikey": CRON, "X-Authorization": f"Bearer {CRON}"}

    answer = post(path, body, secret=None, client=client, headers=headers)

    assert answer.status_code == 401
    assert nothing_was_written()


@pytest.mark.parametrize(
    "type_", [None, "", 7, True, ["noop"], {}, "two words", "a" * 101]
)
def test_a_type_that_is_none(type_):
    answer = post(ENQUEUE, {"type": type_, "data": {}})

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid job type"})
    assert nothing_was_written()


@pytest.mark.parametrize("body", [{}, [], None, "text", 7, [{"type": "noop"}]])
def test_a_body_without_a_type(body):
    answer = post(ENQUEUE, json.dumps(body).encode())

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid job type"})
    assert nothing_was_written()


@pytest.mark.parametrize("data", [..., None, 0, 1, "", "text", [], [1], False, True])
def test_data_that_is_no_object(data):
    body = {"type": "unknown"} | ({} if data is ... else {"data": data})

    answer = post(ENQUEUE, body)

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid job data"})
    assert nothing_was_written()


def test_empty_data_is_data():
    assert post(ENQUEUE, {"type": "noop", "data": {}}).status_code == 200


def test_an_unknown_type_is_named_before_the_priority_is_looked_at():
    answer = post(ENQUEUE, {"type": "unknown", "data": {}, "priority": 99})

    assert answer.status_code == 400
    assert answer.json() == {"error": "Unknown job type: unknown"}
    assert nothing_was_written()


@pytest.mark.parametrize(
    "priority", [0, 10, -1, 5.0, 5.5, "5", "high", True, False, [], {}, 10**30]
)
def test_a_priority_that_is_none(priority):
    # Looked at before the type's own demands: order_id is missing here.
    answer = post(ENQUEUE, {"type": "send-receipt", "data": {}, "priority": priority})

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid priority"})
    assert nothing_was_written()


@pytest.mark.parametrize(("given", "kept"), [({}, 5), ({"priority": None}, 5)] + [
    ({"priority": n}, n) for n in range(1, 10)
])  # fmt: skip
def test_priorities(given, kept):
    post(ENQUEUE, {**RECEIPT, **given})

    assert Job.objects.get().priority == kept


def test_data_that_the_type_refuses_is_refused_field_by_field():
    answer = post(ENQUEUE, {"type": "send-receipt", "data": {"copies": "many"}})

    said = answer.json()
    assert answer.status_code == 400
    assert said["error"].startswith(
        "Invalid job data: order_id: Field required; copies: "
    )
    assert [each["loc"] for each in said["fields"]] == ["order_id", "copies"]
    assert nothing_was_written()


@pytest.mark.parametrize(
    "data",
    [
        {"a": "nul \x00"}, {"nul \x00": 1}, {"a": "lone \ud800"}, json.loads('{"a":1e999}'),
        json.loads('{"a":' * 60 + "1" + "}" * 60),
    ],
    ids=["NUL", "NUL key", "surrogate", "infinity", "depth"],
)  # fmt: skip
def test_data_that_no_database_holds(data):
    text = json.dumps({"type": "noop", "data": data}).replace("Infinity", "1e999")

    answer = post(ENQUEUE, text.encode())

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid job data: ")
    assert nothing_was_written()


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b'{"type": "noop",}', b"\xff\xfe", b"type=noop&data=1",
        b'{"type":"noop","data":{"a":NaN}}', b'{"type":"noop","data":{"a":-Infinity}}',
        b"[" * 200_000, b'{"type":"noop","data":{"a":' + b"9" * 5000 + b"}}",
        '{"type":"noop","data":{}}'.encode("utf-16"), b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_malformed_json(body):
    answer = post(ENQUEUE, body)

    assert (answer.status_code, answer.json()) == (400, {"error": "Malformed JSON"})
    assert nothing_was_written()


def test_a_form_is_malformed_json_too():
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
    for kind in kinds:
        assert post(ENQUEUE, b"--x--", content_type=kind).status_code == 400

    assert nothing_was_written()


def test_a_chunked_body_is_asked_for_its_length():
    answer = post(ENQUEUE, RECEIPT, headers={"Transfer-Encoding": "chunked"})

    assert (answer.status_code, answer.json()) == (411, {"error": "Length required"})
    assert nothing_was_written()


def test_a_payload_too_large():
    answer = post(ENQUEUE, {"type": "noop", "data": {"text": "x" * 300_000}})

    assert answer.status_code == 413
    assert answer.json()["error"].startswith("Payload too large: ")
    assert nothing_was_written()


def test_a_request_too_large_is_refused_before_it_is_read():
    answer = post(ENQUEUE, b"x" * (1024 * 1024 + 1))

    assert answer.status_code == 413
    said = {"error": "Request too large: the limit is 1048576 bytes"}
    assert answer.json() == said
    assert post(ENQUEUE, b"x" * 2_000_000, secret="wrong").status_code == 401
    assert nothing_was_written()


@pytest.mark.parametrize(
    "moment", ["2026-01-01T00:00:00", "2026-01-01", "tomorrow", 7, "", []]
)
def test_a_moment_without_a_zone(moment):
    answer = post(ENQUEUE, {**RECEIPT, "scheduledFor": moment})

    said = {"error": "scheduledFor must be an ISO 8601 time with a time zone"}
    assert (answer.status_code, answer.json()) == (400, said)
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2020-01-01T00:00:00Z", "The due time lies in the past"),
        ("0001-01-01T00:00:00+23:59", "The due time lies in the past"),
        ("9999-12-31T23:59:59-23:59", "The due time lies more than ten years ahead"),
    ],
)
def test_a_moment_out_of_reach(moment, said):
    answer = post(ENQUEUE, {**RECEIPT, "scheduledFor": moment})

    assert (answer.status_code, answer.json()) == (400, {"error": said})
    assert nothing_was_written()


def test_a_moment_is_kept_to_the_zone():
    moment = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    post(ENQUEUE, {**RECEIPT, "scheduledFor": text})

    assert Job.objects.get().run_at == moment
    assert datetime.fromisoformat(text) == moment


@pytest.mark.parametrize("key", [7, "", "k" * 201, "nul \x00", "lone \ud800", [], True])
def test_a_unique_key_that_is_none(key):
    answer = post(ENQUEUE, {**RECEIPT, "uniqueKey": key})

    assert answer.status_code == 400
    assert "key" in answer.json()["error"].lower()
    assert nothing_was_written()


def test_a_unique_key_names_one_live_job():
    first = post(ENQUEUE, {**RECEIPT, "uniqueKey": "order-7"})
    second = post(ENQUEUE, {**RECEIPT, "uniqueKey": "order-7"})

    assert first.json() == second.json()
    assert Job.objects.count() == 1


def test_a_request_may_replace_the_job_that_holds_its_key():
    post(ENQUEUE, {**RECEIPT, "uniqueKey": "order-7"})
    body = {**RECEIPT, "uniqueKey": "order-7", "priority": 1, "onConflict": "replace"}

    assert post(ENQUEUE, body).status_code == 200
    assert Job.objects.get().priority == 1


@pytest.mark.parametrize("value", ["merge", 7, [], ""])
def test_an_on_conflict_that_is_none(value):
    answer = post(ENQUEUE, {**RECEIPT, "uniqueKey": "k", "onConflict": value})

    assert (answer.status_code, answer.json()["error"]) == (
        400, "onConflict must be keep, replace or coalesce",
    )  # fmt: skip
    assert nothing_was_written()


def test_the_position_counts_what_is_claimed_no_later():
    later = timezone.now() + timedelta(hours=1)
    enqueue_many("noop", [{}] * 3, priority=1)
    enqueue_many("noop", [{}] * 2, priority=5)
    enqueue_many("noop", [{}] * 4, priority=9)
    enqueue_many("noop", [{}] * 5, priority=1, run_at=later)
    enqueue("reports-queue", priority=1)

    def place(**more):
        return post(ENQUEUE, {**RECEIPT, **more}).json()["queuePosition"]

    assert place(priority=1) == 4
    assert place(priority=5) == 7
    assert place(priority=9) == 12
    assert place(priority=1, scheduledFor=later.isoformat()) == 5


def test_the_position_stops_at_ten_thousand():
    enqueue_many("noop", [{}] * 10_005)

    assert post(ENQUEUE, RECEIPT).json()["queuePosition"] == 10_000


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
def test_other_methods_are_refused_before_anything_is_asked(method):
    answer = call(method, ENQUEUE, secret=None)

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    if method != "HEAD":
        assert answer.json() == {"error": "Method not allowed"}


def test_options_answers_allowed_origins():
    bare = call("OPTIONS", ENQUEUE, secret=None)
    origin = {"Origin": "https://app.example.com"}
    asked = {"Access-Control-Request-Method": "POST"}
    seen = [
        call("OPTIONS", ENQUEUE, secret=None, headers={**origin, **more})
        for more in ({}, asked)
    ]
    other = {"Origin": "https://other.example.com", **asked}
    strange = call("OPTIONS", ENQUEUE, secret=None, headers=other)

    assert bare.status_code == 200
    for answer in seen:
        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "POST" in answer["Access-Control-Allow-Methods"]
        assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in strange
    assert "Access-Control-Allow-Origin" not in bare


def test_refusals_too_reach_a_page_of_an_allowed_origin():
    headers = {"Origin": "https://app.example.com"}

    for answer in (
        post(ENQUEUE, {}, headers=headers),
        call("GET", ENQUEUE, headers=headers),
    ):
        assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
