"""What an answer says about coming back, and what a text must not repeat."""

import socket
from datetime import UTC, datetime

import pytest

from queues.backoff import retry_after
from queues.errors import NothingSent, Unreachable
from queues.outbound import Answer, Call, masked, send_now
from tests.simulators.target import target

NOW = datetime(2031, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(("said", "seconds"), [
    ("120", 120), ("0", 0), (" 7 ", 7), ("Tue, 06 May 2031 00:02:00 GMT", 120),
    ("Tue, 06 May 2031 00:02:00", 120), ("Mon, 05 May 2031 00:00:00 GMT", 0),
    ("-5", None), ("soon", None), ("", None), ("1.5", None), ("\u0663", None),
])  # fmt: skip
def test_retry_after_is_seconds_or_a_date(said, seconds):
    assert retry_after({"retry-after": said}, now=NOW) == seconds


def test_no_header_is_no_time():
    assert retry_after({}, now=NOW) is None


def test_secrets_of_headers_are_masked_wherever_they_are_repeated():
    headers = {
        "Authorization": "Bearer abc-123-def",
        "X-Token": "tok-456",
        "X-Team": "operations",
    }

    text = masked("abc-123-def, tok-456 and operations", headers)

    assert text == "•••, ••• and operations"


def post(url: str, *, seconds: float = 2) -> Answer:
    call = Call(url=url, method="POST", headers={}, body=b"x" * 1000)
    return send_now(call, seconds=seconds, allow_private=True)


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:9/", "http://nowhere.invalid/", "https://127.0.0.1:{port}/",
])  # fmt: skip
def test_what_fails_before_the_first_byte_was_certainly_not_sent(url):
    with target() as server, pytest.raises(NothingSent):
        post(url.format(port=server.port))
    assert server.requests == []


def test_a_host_that_never_greets_was_not_sent_anything():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        with pytest.raises(NothingSent):
            post(f"https://127.0.0.1:{port}/", seconds=0.3)


def test_what_fails_later_may_have_been_sent():
    with target() as server:
        with pytest.raises(Unreachable) as slow:
            post(f"http://127.0.0.1:{server.port}/slow/1", seconds=0.3)
        with pytest.raises(Unreachable) as broken:
            post(f"http://127.0.0.1:{server.port}/hang_up/1")

    assert not isinstance(slow.value, NothingSent)
    assert not isinstance(broken.value, NothingSent)
    assert len(server.requests) == 2


def test_an_answer_is_an_answer_whatever_its_status():
    with target() as server:
        assert post(f"http://127.0.0.1:{server.port}/status/503").status == 503
