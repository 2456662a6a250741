"""What an answer says about coming back, and what a text must not repeat."""

from datetime import UTC, datetime

import pytest

from queues.backoff import retry_after
from queues.outbound import masked

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
