"""Durations in buckets that double: small enough for a row, fine enough for a chart."""

from collections.abc import Sequence
from itertools import accumulate

EDGES = tuple(0.001 * 2**place for place in range(25))
"""Seconds: 1 ms, 2 ms, 4 ms … 4.7 hours. Bucket 0 lies below the first edge, bucket n
from edge n - 1 up to edge n, the last one above them all."""
BUCKETS = len(EDGES) + 1


def percentile(counts: Sequence[int], share: float, most: float) -> float | None:
    """Return the seconds that this share of the durations stays below; None of none.

    Within a bucket they count as evenly spread; `most` is the longest of them all.
    """
    wanted = sum(counts) * share
    for place, reached in enumerate(accumulate(counts)):
        if counts[place] and reached >= wanted:
            low = EDGES[place - 1] if place else 0.0
            high = min(EDGES[place], most) if place < len(EDGES) else most
            inside = 1 - (reached - wanted) / counts[place]
            return min(low + (max(high, low) - low) * inside, most)
    return None


def counts(column: str) -> str:
    """Return the SQL that counts rows by the bucket in a column."""
    each = (f"count(*) FILTER (WHERE {column} = {place})" for place in range(BUCKETS))
    return f"ARRAY[{', '.join(each)}]::int[]"


def sums(column: str) -> str:
    """Return the SQL that adds up the histograms of a column."""
    each = (f"sum({column}[{place}])" for place in range(1, BUCKETS + 1))
    return f"ARRAY[{', '.join(each)}]::int[]"
