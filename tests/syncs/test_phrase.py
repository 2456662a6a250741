"""What is stored of faults is told in words to whoever reads it."""

import pytest

from syncs.gates import too_many_refused
from syncs.models import StreamRun
from syncs.phrase import phrase


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Orders answered 401: [API] Invalid key; or a wrong one",
        "orders: 40 rows came, the provider counts 60; 1 row was kept aside",
        "what nobody foresaw: 7 %",
    ],
)
def test_what_is_told_in_english_is_what_is_stored(text: str):
    assert phrase(text) == text


def test_a_stream_is_called_as_people_call_it():
    held = StreamRun(stream="flow_values", quarantined=3, rows_seen=7)

    told = phrase(too_many_refused([held]))

    assert told == "results of flows: 3 of 10 rows could not be used"
    assert phrase("null_rate: name is empty in 50%, it was 1%") == (
        "name is empty in 50%, it was 1%"
    )
    assert phrase(None) == ""
