"""One key of a limit of one: how fast its jobs run one after the other."""

from queues.enqueue import enqueue_many
from queues.models import LimitRow
from queues.publish import publish
from tests.bench import measure
from tests.bench.sides import PAYLOAD, Ours
from tests.processes import until

TYPE = "bench-hot"


def drain(count: int) -> float:
    """Fill the line of the key while its limit is closed, open it, and measure."""
    ours = Ours()
    ours.clear()
    publish()
    after = ours.newest()
    _allow(0)
    enqueue_many(TYPE, [{"key": "only", **PAYLOAD}] * count)
    with ours.worker() as process:
        process.wait_for("ready.")
        _allow(1)
        until(lambda: ours.done(after=after) >= count, measure.PATIENCE, every=0.2)
    if (most := int(ours.value(MOST_AT_ONCE))) > 1:
        raise AssertionError(f"{most} ran at once under a limit of one")
    return measure.middle_rate(sorted(ours.ends(after=after).values()))


# By the claim: an attempt holds its place from there to its end.
MOST_AT_ONCE = """
SELECT max(held) FROM (
    SELECT sum(change) OVER (ORDER BY moment, change) AS held FROM (
        SELECT claimed_at AS moment, 1 AS change FROM job_attempts
        UNION ALL SELECT finished_at, -1 FROM job_attempts) AS turn) AS crowd
"""


def _allow(running: int) -> None:
    LimitRow.objects.filter(pk=TYPE).update(running=running)
