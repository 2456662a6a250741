"""Each invariant of syncs is seen to break, alone: one that cannot fail checks nothing."""

import pytest

from queues.invariants import violations
from syncs import backfill
from syncs.invariants import INVARIANTS
from syncs.models import Run
from syncs.ports import Estimate
from tests.syncs.stores import NOVEMBER, ask, connect, sync

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

RUN = "(SELECT id FROM sync_queue WHERE status = 'completed' LIMIT 1)"
OPEN = "(SELECT id FROM sync_queue WHERE status = 'queued' LIMIT 1)"
BEGIN = (
    f"UPDATE sync_queue SET status = 'processing', starts = 1, job_id = job.id"
    f" FROM jobs AS job WHERE job.unique_key = dedupe_key AND sync_queue.id = {OPEN}"
)
CLAIM = (
    "UPDATE jobs SET status = 'processing', started_at = now(), limit_name = 'sync',"
    " limit_key = payload ->> 'store' WHERE status = 'pending' AND type = 'sync-store'"
)
ATTEMPTS = (
    "INSERT INTO job_attempts (job_id, number)"
    " SELECT id, 1 FROM jobs WHERE status = 'processing'"
)
PLANTS: dict[str, list[str]] = {}
