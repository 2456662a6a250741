"""http-request: whom it calls, whom it refuses, and what an answer means."""

import logging
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.http import http_date

from queues import outbound
from queues.enqueue import enqueue
from queues.errors import InvalidJobData
from queues.models import Attempt, DeadLetter, Job
from queues.testing import inline
from tests.simulators.certificate import certificate
from tests.simulators.target import Target, target

pytestmark = pytest.mark.django_db


@pytest.fixture
def there(settings) -> Iterator[Target]:
    """A server in the private network, which the settings allow."""
    settings.HTTP_REQUEST_ALLOW_PRIVATE = True
    with target() as server:
        yield server


@pytest.fixture
def names(monkeypatch) -> Callable[..., list[str]]:
    """Return a function that decides what every name resolves to; it lists the asked."""

    def decide(*addresses: str) -> list[str]:
        asked: list[str] = []

        async def resolve(host: str, port: int) -> list[str]:
            asked.append(f"{host}:{port}")
            return list(addresses)

        monkeypatch.setattr(outbound, "resolve", resolve)
        return asked

    return decide


def run(server: Target | None = None, path: str = "", **data: object) -> Any:
    """Run the job once and return it."""
    if server is not None:
        data = {"url": f"http://127.0.0.1:{server.port}{path}", **data}
    with inline():
        job = enqueue("http-request", data)
    job.refresh_from_db()
    return job


def test_a_call_completes_with_the_answer(there):
    job = run(
        there, "/status/201?q=1", body={"name": "Ana é"}, headers={"X-Team": "ops"}
    )

    assert job.status == "completed"
    assert (job.result["status"], job.result["body"]) == (201, "said the target")
    assert job.result["headers"]["content-type"] == "text/plain"
    assert "server" not in job.result["headers"]
    ((method, path, headers, body),) = there.requests
    assert (method, path) == ("POST", "/status/201?q=1")
    assert body.decode() == '{"name": "Ana é"}'
    assert headers["content-type"] == "application/json"
    assert headers["x-team"] == "ops"
    assert headers["idempotency-key"] == f"ritmo-job-{job.pk}"
    assert headers["host"] == f"127.0.0.1:{there.port}"


def test_a_get_sends_no_body(there):
    assert run(there, "/status/200", method="GET").status == "completed"

    ((method, _, headers, body),) = there.requests
    assert (method, body) == ("GET", b"")
    assert "content-type" not in headers


def test_a_name_is_resolved_once_and_kept_as_host(there, names):
    asked = names("127.0.0.1")

    job = run(url=f"http://hook.example:{there.port}/status/200")

    assert job.status == "completed"
    assert asked == [f"hook.example:{there.port}"]
    assert there.requests[0][2]["host"] == f"hook.example:{there.port}"


def test_the_next_address_is_tried_if_one_does_not_answer(there, names):
    names("127.0.0.2", "127.0.0.1")

    assert run(url=f"http://hook.example:{there.port}/status/200").status == "completed"


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/",
    "http://2130706433/", "http://0x7f.1/", "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://169.254.169.254/latest/meta-data",
])  # fmt: skip
def test_private_addresses_are_refused(url):
    job = run(url=url)

    assert job.status == "failed"
    assert "is not a public address" in job.error
    assert DeadLetter.objects.get().reason == job.error


def test_one_private_address_among_public_ones_refuses_the_name(names):
    names("8.8.8.8", "2606:4700::1111", "10.0.0.1")

    job = run(url="https://hook.example/?token=abcdef")

    assert job.status == "failed"
    assert job.error == "hook.example is refused: 10.0.0.1 is not a public address"


def test_a_name_that_changes_its_mind_gains_nothing(there, monkeypatch, settings):
    settings.HTTP_REQUEST_ALLOW_PRIVATE = False
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        return answers.pop(0)

    called: list[str] = []

    async def exchange(
        call: outbound.Call, address: str, wire: outbound.Wire, most: int
    ) -> outbound.Answer:
        called.append(address)
        return outbound.Answer(204, {}, b"")

    monkeypatch.setattr(outbound, "resolve", resolve)
    monkeypatch.setattr(outbound, "_exchange", exchange)
    run(url=f"http://hook.example:{there.port}/status/200")

    assert called == ["8.8.8.8"]
    assert there.requests == []


def test_a_redirect_is_not_followed(there):
    job = run(there, "/redirect")

    assert (job.status, job.failures) == ("pending", 1)
    assert "answered 302" in job.error
    assert len(there.requests) == 1


def test_an_answer_is_cut_at_64_kb(there):
    assert len(run(there, "/big/65536").result["body"]) == 65536
    job = run(there, "/big/5000000")

    assert job.result["truncated"] is True
    assert len(job.result["body"]) == 65536


def test_an_answer_that_is_no_text_can_be_stored(there):
    job = run(there, "/binary")

    assert job.status == "completed"
    assert "\x00" not in job.result["body"]


@pytest.mark.parametrize("path", ["/hold/600", "/drip/600"])
def test_a_slow_server_is_left_after_the_timeout(there, path):
    job = run(there, path, timeoutSeconds=0.3)

    # By the server's own count: it is as slow as we are on a busy machine.
    assert there.tenths <= 9
    assert (job.status, job.failures) == ("pending", 1)
    assert job.error.endswith("no answer within 0.3 s")


def test_nobody_there_is_tried_again(settings):
    settings.HTTP_REQUEST_ALLOW_PRIVATE = True

    job = run(url="http://127.0.0.1:9/?token=abcdef")

    assert job.failures == 1
    assert job.error.startswith("http://127.0.0.1:9/: ConnectError")


def test_a_name_that_does_not_exist_is_tried_again(monkeypatch):
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    monkeypatch.setattr(outbound, "resolve", resolve)

    assert "the name cannot be resolved" in run(url="https://nowhere.example/").error


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422])
def test_a_refusal_is_buried(there, status):
    job = run(there, f"/status/{status}")

    assert (job.status, job.failures) == ("failed", 1)
    assert job.error.endswith(f"answered {status}: said the target")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 304])
def test_the_rest_is_tried_again(there, status):
    assert (job := run(there, f"/status/{status}")).failures == 1
    assert job.status == "pending"


@pytest.mark.parametrize(("status", "said", "waits"), [
    (429, "120", 120), (503, "date", 120), (429, "999999", 3600), (503, "0", 1),
])  # fmt: skip
def test_a_busy_server_says_when_to_come_back(there, status, said, waits):
    moment = timezone.now() + timedelta(seconds=120)
    there.retry_after = http_date(moment.timestamp()) if said == "date" else said

    job = run(there, f"/status/{status}")

    assert (job.status, job.failures) == ("pending", 0)
    assert abs((job.run_at - timezone.now()).total_seconds() - waits) < 5
    assert Attempt.objects.get().outcome == "snoozed"


@pytest.mark.parametrize(("expected", "status", "ends"), [
    (404, 404, "completed"), ([200, 409], 409, "completed"), (204, 200, "pending"),
    ([201], 404, "failed"),
])  # fmt: skip
def test_the_caller_may_say_what_success_is(there, expected, status, ends):
    assert run(there, f"/status/{status}", expectStatus=expected).status == ends


def test_secrets_are_in_no_log_error_or_result(there, caplog):
    secret = "s3cr3t-value-of-ours"
    headers = {"Authorization": f"Bearer {secret}", "X-Api-Key": "k3y-of-ours"}

    with caplog.at_level(logging.DEBUG):
        done = run(there, "/echo?token=t0ken-of-ours", headers=headers)
        refused = run(there, "/refuse", headers=headers)

    assert there.requests[0][2]["authorization"] == f"Bearer {secret}"
    assert "•••" in done.result["body"]
    for text in (
        str(done.result),
        refused.error,
        str(Attempt.objects.values_list("log")),
        caplog.text,
    ):
        assert secret not in text
        assert "k3y-of-ours" not in text
    assert "t0ken-of-ours" not in str(Attempt.objects.get(job=done).log)


@pytest.mark.parametrize("data", [
    {}, {"url": ""}, {"url": "/path"}, {"url": "ftp://example.com/"}, {"url": "http://"},
    {"url": "file:///etc/passwd"}, {"url": "https://me:pw@example.com/"},
    {"url": "https://example.com:99999/"}, {"url": "https://exa mple.com/"},
        {"url": "https://[::1/"},
    {"url": "https://e.example/" + "x" * 2048},
    {"url": "https://e.example/", "method": "TRACE"},
    {"url": "https://e.example/", "headers": {"X": "a\r\nY: b"}},
    {"url": "https://e.example/", "headers": {"Na me": "a"}},
    {"url": "https://e.example/", "headers": {"Host": "other.example"}},
    {"url": "https://e.example/", "timeoutSeconds": 0},
    {"url": "https://e.example/", "timeoutSeconds": 121},
    {"url": "https://e.example/", "expectStatus": 99},
    {"url": "https://e.example/", "header": {}},
])  # fmt: skip
def test_bad_data_is_refused_and_writes_nothing(data):
    with pytest.raises(InvalidJobData):
        enqueue("http-request", data)

    assert not Job.objects.exists()


def test_the_certificate_is_asked_for_by_name_and_checked(tmp_path, settings, names):
    settings.HTTP_REQUEST_ALLOW_PRIVATE = True
    names("127.0.0.1")
    tls, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    tls.load_cert_chain(certificate(tmp_path, "hook.example"))
    tls.sni_callback = lambda _, name, __: asked.append(name)

    with target(tls) as server:
        url = f"https://hook.example:{server.port}/status/200"
        stranger = run(url=url)
        trusted = ssl.create_default_context(cafile=tmp_path / "server.pem")
        outbound._tls.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outbound, "_tls", lambda: trusted)
            known = run(url=url)
            other = run(url=url.replace("hook", "other"))

    assert stranger.failures == 1
    assert "CERTIFICATE_VERIFY_FAILED" in stranger.error
    assert known.status == "completed"
    assert "CERTIFICATE_VERIFY_FAILED" in other.error
    assert asked == ["hook.example", "hook.example", "other.example"]
