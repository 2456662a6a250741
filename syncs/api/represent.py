"""Numbers as the API shows them."""

from typing import Any

from syncs import clock, progress
from syncs.read import Answer, Found


def data(answer: Answer) -> dict[str, Any]:
    """Return an answer of the cache."""
    now = clock.now()
    run = answer.run and {
        **progress.represent(answer.run, now=now),
        "streams": progress.streams(answer.run),
    }
    return {
        "store_id": str(answer.store.pk),
        "period": {
            "start": answer.period.start.isoformat(),
            "end": answer.period.end.isoformat(),
        },
        "entries": [_entry(each) for each in answer.found],
        "run": run,
        "poll_after_ms": run["poll_after_ms"] if run else None,
        "blocked": answer.blocked or None,
    }


def _entry(found: Found) -> dict[str, Any]:
    of = found.period
    return {
        "type": found.type,
        "state": found.state,
        "source": found.source or None,
        "data": found.data,
        "record_count": found.record_count,
        "summary": found.summary,
        "version": found.version,
        "partial": found.is_partial,
        "settled": found.is_settled,
        "as_of": progress.iso(found.as_of),
        "age_s": None if found.age is None else int(found.age),
        "fresh_until": progress.iso(found.fresh_until),
        "timezone": found.timezone or None,
        "error": found.error or None,
        "error_code": found.error_code or None,
        "warnings": list(found.warnings),
        "snapshot_of": of
        and {"start": of.start.isoformat(), "end": of.end.isoformat()},
        "run": found.run_id and str(found.run_id),
    }
