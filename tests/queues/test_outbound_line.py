"""A line to a provider: kept, bounded in time and size, and closed to redirects."""

import time

import pytest

from queues.errors import Unreachable
from queues.outbound import Call, Line
from tests.simulators.target import target


def get(url: str) -> Call:
    return Call(url=url, method="GET", headers={})


def test_an_answer_comes_byte_for_byte():
    with target() as there, Line() as line:
        said = line.call(get(f"http://127.0.0.1:{there.port}/binary/x"))

    assert said.content == bytes(range(256)) * 300
    assert said.headers["content-type"] == "text/plain"


def test_a_redirect_is_an_answer_and_not_followed():
    with target() as there, Line() as line:
        said = line.call(get(f"http://127.0.0.1:{there.port}/redirect/x"))

    assert said.status == 302
    assert len(there.requests) == 1


def test_a_server_that_drips_is_left_when_the_time_is_over():
    with target() as there, Line(seconds=0.5) as line:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no whole answer within 0\.5 s"):
            line.call(get(f"http://127.0.0.1:{there.port}/drip/100"))

    assert time.monotonic() - began < 5


def test_an_answer_beyond_its_size_is_not_read_to_the_end():
    too_much = pytest.raises(Unreachable, match="more than 1000 bytes")
    with target() as there, Line(most=1000) as line, too_much:
        line.call(get(f"http://127.0.0.1:{there.port}/big/5000"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://", "nonsense"])
def test_a_line_to_nowhere_is_a_named_error(url):
    with Line() as line, pytest.raises(Unreachable):
        line.call(get(url))


def test_secrets_of_the_query_are_not_part_of_the_error():
    with Line() as line, pytest.raises(Unreachable) as caught:
        line.call(get("http://127.0.0.1:1/x?key=very-secret"))

    assert "very-secret" not in str(caught.value)
