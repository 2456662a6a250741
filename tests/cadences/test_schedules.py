"""The starter schedules that this app ships."""

import pytest

from queues.handlers import registry
from queues.payload import encode
from queues.schedule import _starters

SHIPPED = [
    ("process-pending-messages", "process-messages", {
        "cron": "*/5 * * * *", "priority": 1,
        "data": {"maxMessages": 50, "maxAgeMinutes": 5, "priority": "high"},
    }),
    ("cleanup-old-data", "cleanup-old-data", {
        "cron": "0 2 * * *", "priority": 9,
        "data": {"olderThanDays": 30, "tables": ["messages", "conversations"]},
    }),
    ("cadence-runner-cron", "cadence-runner", {"cron": "*/5 * * * *", "priority": 3}),
    ("cadence-mend-every-minute", "cadence-mend", {"cron": "* * * * *", "priority": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "options"), SHIPPED)
def test_a_starter_is_as_promised_and_its_data_is_accepted(name, kind, options):
    declared = _starters[name]

    assert (declared.type, declared.options) == (kind, options)
    assert encode(registry.get(kind), options.get("data", {}))
